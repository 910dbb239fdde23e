# SPDX-License-Identifier: Apache-2.0
if(TARGET svf-verify AND NOT SVF_SANITIZE STREQUAL "thread") # it has one
  add_test(NAME svf-verify COMMAND ${CMAKE_COMMAND} -DVERIFY=$<TARGET_FILE:svf-verify>
    "-DEMULATOR=${CMAKE_CROSSCOMPILING_EMULATOR}" -P ${CMAKE_CURRENT_LIST_DIR}/verify.cmake)
  set_tests_properties(svf-verify PROPERTIES LABELS quick)
endif()
if(TARGET svf-cli)
  add_test(NAME svf-documents COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/documents.sh
    $<TARGET_FILE:svf-cli> ${PROJECT_SOURCE_DIR})
  set_tests_properties(svf-documents PROPERTIES LABELS quick)
endif()
