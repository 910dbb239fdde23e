# SPDX-License-Identifier: Apache-2.0
if(TARGET svf_matmul)
  set(options ${CMAKE_COMMAND} -DBENCH=$<TARGET_FILE:svf_matmul>
    -DMODEL=$<BOOL:${SVF_BUILD_MODEL}>)
  add_test(NAME bench COMMAND ${options} -DLONG=OFF -P ${CMAKE_CURRENT_LIST_DIR}/options.cmake)
  svf_long_test(bench ${options} -DLONG=ON -P ${CMAKE_CURRENT_LIST_DIR}/options.cmake)
  set_tests_properties(bench PROPERTIES LABELS quick)
endif()
find_program(SVF_GNUPLOT gnuplot)
find_program(SVF_PYTHON3 python3)
mark_as_advanced(SVF_GNUPLOT SVF_PYTHON3)
if(TARGET svf_matmul AND OPENBLAS_FOUND AND SVF_GNUPLOT AND SVF_PYTHON3)
  add_test(NAME bench-plot COMMAND ${CMAKE_COMMAND} -DBENCH=$<TARGET_FILE:svf_matmul>
    -DPLOT=${PROJECT_SOURCE_DIR}/bench/plot -DPYTHON=${SVF_PYTHON3}
    -DWORK=${CMAKE_CURRENT_BINARY_DIR}/bench-plot -P ${CMAKE_CURRENT_LIST_DIR}/plot.cmake)
  set_tests_properties(bench-plot PROPERTIES LABELS quick)
endif()
if(TARGET svf_quant)
  add_test(NAME bench-quant COMMAND ${CMAKE_COMMAND} -DQUANT=$<TARGET_FILE:svf_quant>
    -DWORK=${CMAKE_CURRENT_BINARY_DIR} -P ${CMAKE_CURRENT_LIST_DIR}/quant.cmake)
  set_tests_properties(bench-quant PROPERTIES LABELS quick)
endif()
if(TARGET svf_decode)
  add_test(NAME bench-decode COMMAND ${CMAKE_COMMAND} -DDECODE=$<TARGET_FILE:svf_decode>
    -DWORK=${CMAKE_CURRENT_BINARY_DIR} -P ${CMAKE_CURRENT_LIST_DIR}/decode.cmake)
  set_tests_properties(bench-decode PROPERTIES LABELS quick)
endif()
