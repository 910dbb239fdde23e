# SPDX-License-Identifier: Apache-2.0
if(TARGET svf_model AND CHECK_FOUND)
  svf_model_test(tokenizer tokenizer/tokenizer.c)
  svf_model_test(text tokenizer/text.c)
  set_tests_properties(tokenizer PROPERTIES TIMEOUT ${SVF_TEST_HANGS})

  svf_test_program(tokenizer_golden tokenizer/golden.c)
  target_link_libraries(tokenizer_golden PRIVATE svf_model_static PkgConfig::JANSSON)
  add_test(NAME tokenizer_golden
    COMMAND tokenizer_golden ${CMAKE_CURRENT_SOURCE_DIR}/tokenizer/golden)
  set_tests_properties(tokenizer_golden PROPERTIES LABELS quick)

  svf_test_program(tokenizer_unicode tokenizer/unicode.c)
  target_link_libraries(tokenizer_unicode PRIVATE svf_model_static PkgConfig::JANSSON)
  add_test(NAME tokenizer_unicode
    COMMAND tokenizer_unicode ${CMAKE_CURRENT_SOURCE_DIR}/tokenizer/golden/unicode.json)
  set_tests_properties(tokenizer_unicode PROPERTIES LABELS quick)

  if(NOT SVF_SANITIZE) # which bring their own allocation functions
    svf_model_test(tokenizer_alloc tokenizer/alloc.c)
    svf_count_allocations(tokenizer_alloc)
  endif()
endif()
