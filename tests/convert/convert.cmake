# SPDX-License-Identifier: Apache-2.0
#
# svf_golden_svd_test comes from transformer/transformer.cmake.
if(TARGET svf_model AND TARGET svf_svd AND CHECK_FOUND)
  svf_golden_svd_test(decompose_model convert/model.c)
  svf_golden_svd_test(estimate convert/estimate.c)
  svf_golden_svd_test(resume convert/resume.c)
  if(SVF_OPENMP)
    svf_model_test(steps convert/steps.c)
    svf_golden_svd_test(decompose_parallel convert/parallel.c)
  endif()
  svf_golden_svd_test(merge convert/merge.c)
  svf_golden_svd_test(crash convert/crash.c)
  target_link_options(crash PRIVATE -Wl,--wrap=write,--wrap=fsync,--wrap=renameat)
  svf_golden_svd_test(lock convert/lock.c)
  target_link_options(lock PRIVATE -Wl,--wrap=mkdir,--wrap=rmdir)
  svf_golden_svd_test(locale convert/locale.c)
  target_link_options(locale PRIVATE -Wl,--wrap=snprintf,--wrap=strtod)

  if(NOT SVF_SANITIZE) # which bring their own allocation functions
    svf_golden_svd_test(decompose_memory svd/memory.c)
    svf_long_test(decompose_memory decompose_memory)
    svf_golden_svd_test(svd_alloc svd/alloc.c)
    svf_count_allocations(svd_alloc)
  endif()
endif()
