# SPDX-License-Identifier: Apache-2.0
if(TARGET svf_model AND CHECK_FOUND)
  svf_test_program(safetensors io/safetensors.c)
  target_link_libraries(safetensors PRIVATE svf_model PkgConfig::CHECK)
  add_test(NAME safetensors COMMAND safetensors)
  set_tests_properties(safetensors PROPERTIES LABELS quick ENVIRONMENT CK_FORK=no)

  if(NOT SVF_SANITIZE) # which bring their own allocation functions
    svf_test_program(model_alloc io/alloc.c)
    svf_count_allocations(model_alloc)
    target_link_libraries(model_alloc PRIVATE svf_model PkgConfig::CHECK)
    add_test(NAME model_alloc COMMAND model_alloc)
    set_tests_properties(model_alloc PROPERTIES LABELS quick ENVIRONMENT CK_FORK=no)
  endif()
endif()
