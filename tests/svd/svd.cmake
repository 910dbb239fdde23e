# SPDX-License-Identifier: Apache-2.0
if(TARGET svf_svd AND CHECK_FOUND)
  svf_test_program(svd svd/svd.c)
  target_link_libraries(svd PRIVATE svf_svd_static PkgConfig::CHECK)
  target_link_options(svd PRIVATE -Wl,--wrap=LAPACKE_sgesdd_work)
  add_test(NAME svd COMMAND svd)
  set_tests_properties(svd PROPERTIES LABELS quick ENVIRONMENT CK_FORK=no)
endif()
