# SPDX-License-Identifier: Apache-2.0
if(TARGET svf_model AND CHECK_FOUND)
  pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)

  # A test of the model library: svf_model_test(name source)
  function(svf_model_test name source)
    svf_test_program(${name} ${source})
    target_link_libraries(${name} PRIVATE svf_model_static PkgConfig::CHECK PkgConfig::JANSSON)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS quick
      ENVIRONMENT "CK_FORK=no;OMP_WAIT_POLICY=passive") # threads that wait leave the processor
  endfunction()

  svf_model_test(safetensors io/safetensors.c)
  svf_model_test(safetensors_write io/safetensors_write.c)
  svf_model_test(file io/file.c)
  svf_model_test(interrupt io/interrupt.c)
  svf_model_test(checkpoint io/checkpoint.c)
  svf_model_test(config transformer/config.c)

  if(NOT SVF_SANITIZE) # which bring their own allocation functions
    svf_model_test(model_alloc io/alloc.c)
    svf_count_allocations(model_alloc)
  endif()
endif()
