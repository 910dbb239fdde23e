# SPDX-License-Identifier: Apache-2.0
if(TARGET svf_model AND CHECK_FOUND)
  svf_test_program(factorize svd/factorize.c)
  target_link_libraries(factorize PRIVATE svf_model_static PkgConfig::CHECK)
  add_test(NAME factorize COMMAND factorize)
  set_tests_properties(factorize PROPERTIES LABELS quick ENVIRONMENT CK_FORK=no)
endif()
