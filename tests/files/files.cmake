# SPDX-License-Identifier: Apache-2.0
#
# make_expert and make_model are those of cli/cli.cmake.
if(TARGET make_model)
  add_test(NAME files COMMAND ${SVF_BASH} ${CMAKE_CURRENT_LIST_DIR}/files.sh
    $<TARGET_FILE:svf-cli> ${PROJECT_SOURCE_DIR} $<TARGET_FILE_DIR:make_expert> ${svf_documents})
  set_tests_properties(files PROPERTIES LABELS quick TIMEOUT ${SVF_TEST_HANGS} ENVIRONMENT "PYTHON=${SVF_PYTHON3}")
endif()
