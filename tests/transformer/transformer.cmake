# SPDX-License-Identifier: Apache-2.0
if(TARGET svf_model AND CHECK_FOUND)
  # A test that reads the golden models.
  function(svf_golden_test name source)
    svf_model_test(${name} ${source})
    target_compile_definitions(${name} PRIVATE GOLDEN="${PROJECT_SOURCE_DIR}/tests/golden")
  endfunction()

  svf_model_test(attention transformer/attention.c)
  svf_model_test(state transformer/state.c)
  svf_model_test(fork transformer/fork.c)
  svf_model_test(prefix transformer/prefix.c)
  svf_model_test(sharing transformer/sharing.c)
  svf_model_test(batch transformer/batch.c)
  svf_model_test(score transformer/score.c)
  svf_golden_test(parity transformer/parity.c)
  svf_golden_test(tied transformer/tied.c)
  svf_golden_test(context transformer/context.c)
  svf_golden_test(generate transformer/generate.c)

  # A test that decomposes a golden model, too.
  function(svf_golden_svd_test name source)
    svf_golden_test(${name} ${source})
    target_link_libraries(${name} PRIVATE svf_svd_static)
  endfunction()

  if(TARGET svf_svd)
    svf_golden_svd_test(model_experts transformer/experts.c)
    svf_golden_svd_test(hostile transformer/hostile.c)
    if(NOT SVF_SANITIZE) # which bring their own allocation functions
      svf_golden_svd_test(transformer_alloc transformer/alloc.c)
      svf_count_allocations(transformer_alloc)
    endif()
  endif()
endif()
