# SPDX-License-Identifier: Apache-2.0
#
# How every target of the project is compiled: link svf_compile privately. No -march: kernel files
# carry their instruction set themselves. No fast-math of any kind; -ffp-contract=off because a*b+c
# is fused where a kernel says so and nowhere else, or bits would differ between instruction sets.

# A parent project or the environment may have asked for fast-math. It must not reach svf's own files
# (kernels/strict.h), nor link the object that switches denormals off; here, not in the parent.
string(CONCAT svf_fast_math "-(ffast-math|funsafe-math-optimizations|fassociative-math|"
  "freciprocal-math|ffinite-math-only|fno-signed-zeros|fno-trapping-math)")
function(svf_without_fast_math text result)
  string(REGEX REPLACE "(^|[ ;])${svf_fast_math}" "\\1" text "${text}")
  string(REGEX REPLACE "(^|[ ;])-Ofast" "\\1-O3" text "${text}")
  set(${result} "${text}" PARENT_SCOPE)
endfunction()
set(svf_flags CMAKE_EXE_LINKER_FLAGS CMAKE_SHARED_LINKER_FLAGS CMAKE_MODULE_LINKER_FLAGS)
foreach(language C CXX)
  list(APPEND svf_flags CMAKE_${language}_FLAGS)
  foreach(config ${CMAKE_BUILD_TYPE} ${CMAKE_CONFIGURATION_TYPES})
    string(TOUPPER ${config} config)
    list(APPEND svf_flags CMAKE_${language}_FLAGS_${config})
  endforeach()
endforeach()
foreach(name IN LISTS svf_flags)
  svf_without_fast_math("${${name}}" stripped)
  if(NOT stripped STREQUAL "${${name}}")
    message(STATUS "svf is compiled without the fast-math of ${name}")
    set(${name} "${stripped}")
  endif()
endforeach()
foreach(property COMPILE_OPTIONS LINK_OPTIONS)
  get_directory_property(options ${property})
  svf_without_fast_math("${options}" stripped)
  if(NOT stripped STREQUAL "${options}")
    message(STATUS "svf is compiled without the fast-math of the parent's ${property}")
    set_directory_properties(PROPERTIES ${property} "${stripped}")
  endif()
endforeach()

# svf_optimise(target): without a build type, or with Debug, a compiler does not optimise, and a
# kernel is 14 to 42 times slower. Only whoever says so gets that.
function(svf_optimise target)
  if(NOT SVF_UNOPTIMISED AND NOT "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_DEBUG}" MATCHES "(^| )-O")
    target_compile_options(${target} PRIVATE $<$<OR:$<CONFIG:>,$<CONFIG:Debug>>:-O3>)
  endif()
endfunction()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF) # files that need more than C11 ask for it with _GNU_SOURCE
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)

add_library(svf_compile INTERFACE)
target_include_directories(svf_compile INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR})
# The last word is for what the above does not see, such as generator expressions.
target_compile_options(svf_compile INTERFACE
  -fno-fast-math -ffp-contract=off -Wall -Wextra -Wshadow -Wundef -Wpointer-arith -Wcast-qual -Wformat=2 -Wvla
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
