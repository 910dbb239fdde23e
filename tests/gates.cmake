# SPDX-License-Identifier: Apache-2.0
#
# Gates over what was built (ci/gates/*.sh), and runs on emulated older CPUs. Instrumented objects
# refer to their sanitizer's runtime, so there the gates say nothing.
if(SVF_SANITIZE)
  return()
endif()

set(svf_objects_list ${PROJECT_BINARY_DIR}/gates/objects.txt)
file(GENERATE OUTPUT ${svf_objects_list}
  CONTENT "$<JOIN:$<TARGET_OBJECTS:svf_kernels>;$<TARGET_OBJECTS:svf_objects>,\n>\n")

# svf_gate(name arguments...): the test gate_<name> runs ci/gates/<name>.sh, gate_<name>-x too.
function(svf_gate name)
  string(REGEX REPLACE "-.*" "" script ${name})
  add_test(NAME gate_${name} COMMAND ${PROJECT_SOURCE_DIR}/ci/gates/${script}.sh ${ARGN})
  set_tests_properties(gate_${name} PROPERTIES LABELS "quick;gate"
    ENVIRONMENT "CC=${CMAKE_C_COMPILER};NM=${CMAKE_NM};OBJDUMP=${CMAKE_OBJDUMP}")
endfunction()

# svf_library_gates(library, regular expressions of what it needs beside libc...)
function(svf_library_gates library)
  set(shared none)
  if(TARGET ${library}_shared)
    set(shared $<TARGET_FILE:${library}_shared>)
    svf_gate(needed-${library} ${shared} ${ARGN})
  endif()
  set(headers ${${library}_headers})
  list(TRANSFORM headers PREPEND ${PROJECT_SOURCE_DIR}/include/svf/)
  svf_gate(symbols-${library} $<TARGET_FILE:${library}_static> ${shared} ${headers})
endfunction()

set(openmp)
if(SVF_OPENMP)
  set(openmp "lib(gomp|omp|iomp5)\\.so.*")
endif()
set(onednn)
if(SVF_WITH_ONEDNN)
  set(onednn "libdnnl\\.so.*")
endif()
svf_library_gates(svf "libm\\.so\\.6" ${openmp} ${onednn})
if(TARGET svf_model)
  svf_library_gates(svf_model "libsvf\\.so\\.${PROJECT_VERSION_MAJOR}\\.${PROJECT_VERSION_MINOR}"
    "libm\\.so\\.6" "libjansson\\.so.*" "libpcre2-8\\.so.*" "libutf8proc\\.so.*")
endif()
if(TARGET svf_svd)
  svf_library_gates(svf_svd "libsvf\\.so\\.${PROJECT_VERSION_MAJOR}\\.${PROJECT_VERSION_MINOR}"
    "libm\\.so\\.6" "liblapacke\\.so.*" "libopenblas\\.so.*")
endif()
if(TARGET svf_model_shared)
  svf_gate(private ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/src/svf.map
    $<TARGET_FILE:svf_shared> $<TARGET_FILE:svf_model_shared>
    $<$<TARGET_EXISTS:svf_svd_shared>:$<TARGET_FILE:svf_svd_shared>>)
endif()
if(TARGET svf-cli)
  set(svf_cli_list ${PROJECT_BINARY_DIR}/gates/commands.txt)
  set(svf_cli_objects_list "$<TARGET_OBJECTS:svf_cli_objects>;$<TARGET_OBJECTS:svf-cli>;$<TARGET_OBJECTS:svf-verify>")
  if(TARGET svf-decompose)
    string(APPEND svf_cli_objects_list ";$<TARGET_OBJECTS:svf-decompose>")
  endif()
  file(GENERATE OUTPUT ${svf_cli_list} CONTENT "$<JOIN:${svf_cli_objects_list},\n>\n")
  svf_gate(cli ${PROJECT_SOURCE_DIR} $<TARGET_FILE:svf-cli> ${svf_cli_list})
endif()
if(NOT CMAKE_CROSSCOMPILING) # a cross compiler may come without C++
  svf_gate(headers ${PROJECT_SOURCE_DIR}/include)
endif()
svf_gate(baseline ${svf_objects_list})
if(CMAKE_BUILD_TYPE STREQUAL "Release") # unoptimised, a kernel's inline functions may be called
  svf_gate(hotpath ${svf_objects_list})
endif()

add_executable(cpu_floor gates/cpu_floor.c)
target_link_libraries(cpu_floor PRIVATE svf_compile svf_static)

# svf_cpu(cpu, then what cpu_floor expects there), with ${qemu} as the emulator.
function(svf_cpu cpu)
  add_test(NAME cpu_${cpu} COMMAND ${qemu} -cpu ${cpu} $<TARGET_FILE:cpu_floor> ${ARGN})
  set_tests_properties(cpu_${cpu} PROPERTIES LABELS "quick;gate" TIMEOUT 120)
endfunction()

if(CMAKE_CROSSCOMPILING AND CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
  set(qemu ${CMAKE_CROSSCOMPILING_EMULATOR})
  svf_cpu(cortex-a53 ref,neon 10)
  svf_cpu(neoverse-n1 ref,neon 10)
  svf_cpu(max ref,neon,neonbf16 11)
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  find_program(SVF_QEMU_X86_64 qemu-x86_64)
  set(qemu ${SVF_QEMU_X86_64})
  if(qemu)
    svf_cpu(Nehalem ref 5)
    svf_cpu(Haswell ref,avx2 10)
  else()
    message(STATUS "qemu-x86_64 is not installed: no tests on emulated older CPUs")
  endif()
endif()
