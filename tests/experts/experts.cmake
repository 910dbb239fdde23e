# SPDX-License-Identifier: Apache-2.0
#
# svf_model_test comes from io/io.cmake.
if(TARGET svf_model AND CHECK_FOUND)
  foreach(suite expert model file registry)
    svf_model_test(experts_${suite} experts/${suite}.c)
  endforeach()

  if(NOT SVF_SANITIZE) # which bring their own allocation functions
    svf_model_test(experts_alloc experts/alloc.c)
    svf_count_allocations(experts_alloc)
  endif()
endif()
