# SPDX-License-Identifier: Apache-2.0
#
# How every target of the project is compiled: link svf_compile privately. No -march: kernel files
# carry their instruction set themselves. No fast-math of any kind; -ffp-contract=off because a*b+c
# is fused where a kernel says so and nowhere else, or bits would differ between instruction sets.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF) # files that need more than C11 ask for it with _GNU_SOURCE
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)

add_library(svf_compile INTERFACE)
target_include_directories(svf_compile INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR})
target_compile_options(svf_compile INTERFACE
  -ffp-contract=off -Wall -Wextra -Wshadow -Wundef -Wpointer-arith -Wcast-qual -Wformat=2 -Wvla
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wwrite-strings>)

# Stricter, for what we ship: a size that changes type silently is how an overflow begins.
add_library(svf_compile_library INTERFACE)
target_link_libraries(svf_compile_library INTERFACE svf_compile)
target_compile_options(svf_compile_library INTERFACE
  -fvisibility=hidden -Wpedantic -Wconversion -Wdouble-promotion -Wcast-align)

if(SVF_WERROR)
  target_compile_options(svf_compile INTERFACE -Werror)
endif()
if(SVF_SANITIZE)
  add_compile_options(-fsanitize=${SVF_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SVF_SANITIZE})
endif()
