# SPDX-License-Identifier: Apache-2.0
#
# The consumer compiles and runs programs of its own, so neither a cross build nor a sanitizer.
if(NOT CMAKE_CROSSCOMPILING AND NOT SVF_SANITIZE)
  if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    set(consumer_cxx clang++)
  else()
    set(consumer_cxx c++)
  endif()
  add_test(NAME consumer
    COMMAND ${PROJECT_SOURCE_DIR}/tests/consumer/run.sh ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  set_tests_properties(consumer PROPERTIES LABELS slow TIMEOUT ${SVF_TEST_HANGS}
    ENVIRONMENT "CC=${CMAKE_C_COMPILER};CXX=${consumer_cxx}")
endif()
