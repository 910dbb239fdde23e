# SPDX-License-Identifier: Apache-2.0
#
# Engines in whose processes svf runs. They come from PyPI and are built for this machine, so
# neither a cross build nor a sanitizer; and by gcc, since Debian 12's clang 14 says __AMXINT8__ where
# ggml asks for __AMX_INT8__, so that ggml would go without AMX.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_CROSSCOMPILING AND NOT SVF_SANITIZE)
  svf_long_test(ggml ${CMAKE_CURRENT_LIST_DIR}/ggml.sh ${PROJECT_SOURCE_DIR})
  set_property(TEST long_ggml APPEND PROPERTY
    ENVIRONMENT "CC=${CMAKE_C_COMPILER}" "CXX=${consumer_cxx}")
endif()
