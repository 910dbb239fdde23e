# SPDX-License-Identifier: Apache-2.0
#
# The public headers by the library that defines what they declare: for installation and for the
# gate that compares them with what the libraries export. Each one of include/svf is in one list.
set(svf_headers backend.h cpu.h export.h gains.h half.h linear.h matmul.h merge.h selftest.h
  status.h svf.h types.h version.h)
set(svf_model_headers context.h convert.h expert.h expert_registry.h generate.h model.h modules.h
  safetensors.h score.h tensor.h text.h tokenizer.h)
set(svf_svd_headers svd.h)

file(GLOB found RELATIVE ${PROJECT_SOURCE_DIR}/include/svf CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/include/svf/*.h)
set(listed ${svf_headers} ${svf_model_headers} ${svf_svd_headers})
list(SORT found)
list(SORT listed)
if(NOT found STREQUAL listed)
  message(FATAL_ERROR "cmake/headers.cmake lists ${listed}; include/svf holds ${found}")
endif()
