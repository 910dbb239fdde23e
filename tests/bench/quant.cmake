# SPDX-License-Identifier: Apache-2.0
#
# cmake -DQUANT=<svf_quant> -DWORK=<directory> -P quant.cmake: options, every way, JSON.
cmake_minimum_required(VERSION 3.25)

function(expect code words)
  execute_process(COMMAND ${QUANT} ${ARGN} RESULT_VARIABLE got OUTPUT_VARIABLE out
                  ERROR_VARIABLE err)
  if(NOT got EQUAL code)
    message(FATAL_ERROR "svf_quant ${ARGN}: exit ${got}, expected ${code}\n${out}${err}")
  endif()
  if(NOT "${out}${err}" MATCHES "${words}")
    message(FATAL_ERROR "svf_quant ${ARGN}: '${words}' is missing in\n${out}${err}")
  endif()
  set(out "${out}" PARENT_SCOPE)
endfunction()

expect(0 "usage" --help)
expect(2 "usage" --nonsense)
expect(2 "usage" 1024)
expect(2 "--shape=12,x,3" --shape=12,x,3)
expect(2 "--shape=12,3" --shape=12,3)
expect(2 "rank 9 exceeds" --shape=8,16,9)
expect(2 "--rows=0" --rows=0)
expect(2 "go together" --weights=model.safetensors)
expect(2 "--rank goes with" --rank=3)
expect(1 "no-such-file" --weights=no-such-file --tensor=w)
expect(1 "no-such-directory" --shape=16,16,16 --json=no-such-directory/x.json)

# Small and ragged; and with a head of int8, whose error is predicted.
expect(0 "merged, q4_0" --shape=97,80,61 --rows=3)
foreach(name "flat, 97 x 80" "power law" "outliers" "int8, a scale per channel" "s8-split"
        "w8 group 128" "int4, a scale per channel" "w4 group 32" "w84" "merged, q8_0")
  if(NOT "${out}" MATCHES "${name}")
    message(FATAL_ERROR "'${name}' is missing in\n${out}")
  endif()
endforeach()
expect(0 "head 256" --shape=768,768,768 --rows=2 --json=${WORK}/quant.json)
file(READ ${WORK}/quant.json json)
string(JSON spectra LENGTH "${json}")
if(NOT spectra EQUAL 3)
  message(FATAL_ERROR "${spectra} spectra in\n${json}")
endif()
string(JSON w8 GET "${json}" 0 ways 3 w)
string(JSON name GET "${json}" 0 ways 3 name)
if(NOT name STREQUAL "w8 group 32" OR NOT w8 MATCHES "e-0?5$|^0\\.00005")
  message(FATAL_ERROR "the error of '${name}' is ${w8}, expected 5e-05 or so")
endif()
