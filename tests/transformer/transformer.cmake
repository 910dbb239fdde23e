# SPDX-License-Identifier: Apache-2.0
if(TARGET svf_model AND CHECK_FOUND)
  # A test that reads the golden models.
  function(svf_golden_test name source)
    svf_model_test(${name} ${source})
    target_compile_definitions(${name} PRIVATE GOLDEN="${PROJECT_SOURCE_DIR}/tests/golden")
  endfunction()

  svf_model_test(attention transformer/attention.c)
  svf_golden_test(parity transformer/parity.c)
  svf_golden_test(decompose_model convert/model.c)
  svf_golden_test(resume convert/resume.c)
  svf_golden_test(merge convert/merge.c)
  svf_golden_test(crash convert/crash.c)
  target_link_options(crash PRIVATE -Wl,--wrap=write,--wrap=fsync,--wrap=renameat)
  svf_golden_test(context transformer/context.c)
  svf_golden_test(model_experts transformer/experts.c)
  svf_golden_test(generate transformer/generate.c)
  svf_golden_test(hostile transformer/hostile.c)

  if(NOT SVF_SANITIZE) # which bring their own allocation functions
    svf_golden_test(transformer_alloc transformer/alloc.c)
    svf_count_allocations(transformer_alloc)
    svf_model_test(decompose_memory svd/memory.c)
  endif()
endif()
