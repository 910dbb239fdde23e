# SPDX-License-Identifier: Apache-2.0
#
# Programs that were compiled with other headers, and Python, with the shared libraries.
find_program(SVF_PYTHON3 python3)
mark_as_advanced(SVF_PYTHON3)
if(TARGET svf_model_shared AND SVF_PYTHON3 AND NOT CMAKE_CROSSCOMPILING)
  if(TARGET svf_svd_shared) # which the program calls
    set(flags)
    if(SVF_SANITIZE)
      set(flags -fsanitize=${SVF_SANITIZE} -fno-sanitize-recover=all)
    endif()
    add_test(NAME abi COMMAND ${CMAKE_CURRENT_LIST_DIR}/run.sh ${PROJECT_SOURCE_DIR}
      $<TARGET_FILE_DIR:svf_model_shared> ${SVF_PYTHON3} ${flags})
    set_tests_properties(abi PROPERTIES LABELS quick ENVIRONMENT "CC=${CMAKE_C_COMPILER}")
  endif()
  if(NOT SVF_SANITIZE) # whose runtime would have to come first
    add_test(NAME abi-python COMMAND ${SVF_PYTHON3} ${CMAKE_CURRENT_LIST_DIR}/binding.py
      $<TARGET_FILE:svf_model_shared> $<TARGET_FILE:svf_shared> ${PROJECT_SOURCE_DIR})
    set_tests_properties(abi-python PROPERTIES LABELS quick)
  endif()
endif()
