# SPDX-License-Identifier: Apache-2.0
if(TARGET svf_model AND CHECK_FOUND)
  svf_test_program(safetensors io/safetensors.c)
  target_link_libraries(safetensors PRIVATE svf_model PkgConfig::CHECK)
  add_test(NAME safetensors COMMAND safetensors)
  set_tests_properties(safetensors PROPERTIES LABELS quick ENVIRONMENT CK_FORK=no)
endif()
