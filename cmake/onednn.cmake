# SPDX-License-Identifier: Apache-2.0
#
# oneDNN: -DSVF_ONEDNN_ROOT=<prefix>, else what ci/setup installed, else the system's. The API of
# 2.x and of 3.x both serve. Sets SVF_ONEDNN_FOUND and the target svf_onednn.
set(SVF_ONEDNN_ROOT "" CACHE PATH "Prefix of the oneDNN to use")
find_path(ONEDNN_INCLUDE oneapi/dnnl/dnnl.h
  HINTS ${SVF_ONEDNN_ROOT}/include ${PROJECT_SOURCE_DIR}/build/deps/onednn/include)
find_library(ONEDNN_LIBRARY dnnl
  HINTS ${SVF_ONEDNN_ROOT}/lib ${PROJECT_SOURCE_DIR}/build/deps/onednn/lib)
set(SVF_ONEDNN_FOUND FALSE)
if(ONEDNN_INCLUDE AND ONEDNN_LIBRARY)
  set(SVF_ONEDNN_FOUND TRUE)
  if(NOT TARGET svf_onednn)
    add_library(svf_onednn INTERFACE)
    target_include_directories(svf_onednn SYSTEM INTERFACE ${ONEDNN_INCLUDE})
    target_link_libraries(svf_onednn INTERFACE ${ONEDNN_LIBRARY})
  endif()
endif()
