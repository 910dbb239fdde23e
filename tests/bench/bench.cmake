# SPDX-License-Identifier: Apache-2.0
if(TARGET svf_matmul)
  add_test(NAME bench COMMAND ${CMAKE_COMMAND} -DBENCH=$<TARGET_FILE:svf_matmul>
    -DMODEL=$<BOOL:${SVF_BUILD_MODEL}> -P ${CMAKE_CURRENT_LIST_DIR}/options.cmake)
  set_tests_properties(bench PROPERTIES LABELS quick)
endif()
