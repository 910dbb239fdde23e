# SPDX-License-Identifier: Apache-2.0
#
# cmake -DVERIFY=<svf-verify> -P verify.cmake: exit codes, and that --json is JSON of schema 1.
cmake_minimum_required(VERSION 3.25)

function(expect code)
  execute_process(COMMAND ${EMULATOR} ${VERIFY} ${ARGN} RESULT_VARIABLE got OUTPUT_VARIABLE out
                  ERROR_VARIABLE err)
  if(NOT got EQUAL code)
    message(FATAL_ERROR "svf-verify ${ARGN}: exit ${got}, expected ${code}\n${out}${err}")
  endif()
  set(out "${out}" PARENT_SCOPE)
endfunction()

expect(0 --isa=ref)
expect(0 --version)
expect(0 --help)
set(ENV{SVF_ISA} ref)
expect(0)
if(NOT out MATCHES "8 pairs of format and instruction set executed")
  message(FATAL_ERROR "SVF_ISA=ref did not restrict it:\n${out}")
endif()
set(ENV{SVF_ISA} nonsense)
expect(2)
unset(ENV{SVF_ISA})
expect(2 --isa=nonsense)
expect(2 --seed=x)
expect(2 --unknown)
expect(2 stray)
expect(0 --json --seed=7)

string(JSON schema GET "${out}" schema)
string(JSON violations GET "${out}" violations)
string(JSON executed GET "${out}" executed)
string(JSON cases LENGTH "${out}" cases)
string(JSON nmse GET "${out}" cases 0 nmse)
if(NOT schema EQUAL 1 OR NOT violations EQUAL 0 OR executed LESS 1 OR cases LESS 9)
  message(FATAL_ERROR "unexpected JSON: schema ${schema}, violations ${violations}, "
                      "executed ${executed}, cases ${cases}, nmse ${nmse}")
endif()
