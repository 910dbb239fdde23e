# SPDX-License-Identifier: Apache-2.0
if(TARGET svf-verify AND NOT SVF_SANITIZE STREQUAL "thread") # it has one
  add_test(NAME svf-verify COMMAND ${CMAKE_COMMAND} -DVERIFY=$<TARGET_FILE:svf-verify>
    "-DEMULATOR=${CMAKE_CROSSCOMPILING_EMULATOR}" -P ${CMAKE_CURRENT_LIST_DIR}/verify.cmake)
  set_tests_properties(svf-verify PROPERTIES LABELS quick)
endif()

if(TARGET svf_model)
  svf_test_program(cli_show cli/show.c)
  target_sources(cli_show PRIVATE ${PROJECT_SOURCE_DIR}/src/cli/show.c
    ${PROJECT_SOURCE_DIR}/src/cli/json.c ${PROJECT_SOURCE_DIR}/src/cli/fail.c)
  target_link_libraries(cli_show PRIVATE svf_model_static)
  add_test(NAME cli-show COMMAND cli_show)
  set_tests_properties(cli-show PROPERTIES LABELS quick)
endif()

# The command svf, by a script: it starts processes, interrupts them and compares what they wrote.
find_program(SVF_BASH bash)
find_program(SVF_PYTHON3 python3)
mark_as_advanced(SVF_BASH SVF_PYTHON3)
if(TARGET svf-cli AND TARGET svf-decompose AND SVF_BASH AND SVF_PYTHON3 AND NOT CMAKE_CROSSCOMPILING
   AND NOT SVF_SANITIZE STREQUAL "thread")
  foreach(tool make_expert make_model)
    svf_test_program(${tool} cli/${tool}.c)
    target_link_libraries(${tool} PRIVATE svf_model_static)
  endforeach()
  set(scripts svf large documents files messages)
  if(NOT SVF_SANITIZE) # whose runtimes need more address space than there is memory
    list(APPEND scripts signals bounds)
    foreach(module stop late clock)
      add_library(cli_${module} MODULE cli/${module}.c)
      target_link_libraries(cli_${module} PRIVATE svf_compile)
      set_target_properties(cli_${module} PROPERTIES PREFIX "")
    endforeach()
  endif()
  foreach(script ${scripts})
    add_test(NAME cli-${script} COMMAND ${SVF_BASH} ${CMAKE_CURRENT_LIST_DIR}/${script}.sh
      $<TARGET_FILE:svf-cli> ${PROJECT_SOURCE_DIR} $<TARGET_FILE_DIR:make_expert> ${svf_documents})
    set_tests_properties(cli-${script} PROPERTIES LABELS quick TIMEOUT ${SVF_TEST_HANGS}
      ENVIRONMENT "PYTHON=${SVF_PYTHON3};PYTHONUTF8=1")
  endforeach()
  add_test(NAME cli-demo COMMAND ${PROJECT_SOURCE_DIR}/ci/demo --remove ${PROJECT_BINARY_DIR})
  set_tests_properties(cli-demo PROPERTIES LABELS "quick;cli" TIMEOUT ${SVF_TEST_HANGS})
endif()
