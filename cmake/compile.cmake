# SPDX-License-Identifier: Apache-2.0
#
# How every target is compiled. No -march: kernel files carry their instruction set themselves.
# -ffp-contract=off: a*b+c is fused where a kernel says so and nowhere else, or bits would differ.

add_library(svf_compile INTERFACE)
target_compile_features(svf_compile INTERFACE c_std_11)
target_include_directories(svf_compile INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(svf_compile INTERFACE
  -ffp-contract=off
  $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wpointer-arith -Wcast-qual -Wvla>)
# Kernels are small constant shapes unrolled by hand: they want optimisation in every build type
# that optimises at all, and plain -O2 of clang and -O3 of gcc agree on them.
set(CMAKE_C_FLAGS_RELEASE "-O3 -DNDEBUG")

if(SVF_WERROR)
  target_compile_options(svf_compile INTERFACE -Werror)
endif()
if(SVF_BREAK_TAIL)
  target_compile_definitions(svf_compile INTERFACE SVF_BREAK_TAIL=1)
endif()
if(SVF_SANITIZE)
  add_compile_options(-fsanitize=${SVF_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SVF_SANITIZE})
endif()
