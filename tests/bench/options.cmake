# SPDX-License-Identifier: Apache-2.0
#
# cmake -DBENCH=<svf_matmul> -DMODEL=<bool> -P options.cmake: options, exit statuses, what they print.
cmake_minimum_required(VERSION 3.25)

function(expect code words)
  execute_process(COMMAND ${BENCH} ${ARGN} RESULT_VARIABLE got OUTPUT_VARIABLE out
                  ERROR_VARIABLE err)
  if(NOT got EQUAL code)
    message(FATAL_ERROR "svf_matmul ${ARGN}: exit ${got}, expected ${code}\n${out}${err}")
  endif()
  if(NOT "${out}${err}" MATCHES "${words}")
    message(FATAL_ERROR "svf_matmul ${ARGN}: '${words}' is missing in\n${out}${err}")
  endif()
  set(out "${out}" PARENT_SCOPE)
endfunction()

set(small --shape=33,17,9 --rows=3 --seconds=0.01 --warm)
expect(0 "usage" --help)
expect(0 "svf/f32/ref/shape/m:33/n:17/r:9/rows:3/experts:2" ${small} --isa=ref --experts=2)
expect(0 "33,17,9" ${small} --peers=none --threads=1)
expect(2 "--rows=0" --rows=0)
expect(2 "--model=nobody" --model=nobody)
expect(2 "--shape=1,2" --shape=1,2)
expect(2 "nonsense" --isa=nonsense)
expect(2 "stray" stray)
expect(2 "belong together" --tensor=w)

expect(0 "" ${small} --benchmark_format=json)
string(JSON name GET "${out}" benchmarks 0 name)
string(JSON roof GET "${out}" benchmarks 0 of_roof)
if(NOT name MATCHES "^svf/f32/" OR NOT roof GREATER 0)
  message(FATAL_ERROR "unexpected JSON: ${name}, of_roof ${roof}")
endif()

if(MODEL)
  set(header [[{"w":{"dtype":"F32","shape":[4,4],"data_offsets":[0,64]}}]])
  set(values "AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHaaaabbbbccccddddeeeeffffgggghhhh")
  execute_process(COMMAND printf "\\071\\0\\0\\0\\0\\0\\0\\0%s%s" "${header}" "${values}"
                  OUTPUT_FILE bench-weights.safetensors)
  expect(0 "f32 +ref +[0-9.]+e-1[0-9]" --weights=bench-weights.safetensors --tensor=w --rows=1
         --peers=none --seconds=0.01 --warm)
  expect(4 "no tensor x" --weights=bench-weights.safetensors --tensor=x)
  expect(4 "exceeds" --weights=bench-weights.safetensors --tensor=w --rank=5)
  expect(4 "No such file" --weights=absent.safetensors --tensor=w)
  file(REMOVE bench-weights.safetensors)
endif()
