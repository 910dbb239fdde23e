# SPDX-License-Identifier: Apache-2.0
#
# cmake -DDECODE=<svf_decode> -DWORK=<directory> -P decode.cmake: options, a table, JSON.
cmake_minimum_required(VERSION 3.25)

function(expect code words)
  execute_process(COMMAND ${DECODE} ${ARGN} RESULT_VARIABLE got OUTPUT_VARIABLE out
                  ERROR_VARIABLE err)
  if(NOT got EQUAL code)
    message(FATAL_ERROR "svf_decode ${ARGN}: exit ${got}, expected ${code}\n${out}${err}")
  endif()
  if(NOT "${out}${err}" MATCHES "${words}")
    message(FATAL_ERROR "svf_decode ${ARGN}: '${words}' is missing in\n${out}${err}")
  endif()
endfunction()

expect(0 "usage" --help)
expect(2 "usage" --nonsense)
expect(2 "usage" smollm-135m)
expect(2 "--model=gpt-9" --model=gpt-9)
expect(2 "--format=w5" --format=w5 --model=smollm-135m --form=dense)
expect(2 "--form=none" --form=none)
expect(2 "--repeats=0" --repeats=0)
expect(2 "--prompt=9999" --prompt=9999)
expect(2 "--prefix=0" --prefix=0)
expect(2 "--group=33" --group=33)
expect(2 "no-such-directory" --json=no-such-directory/x.json)

expect(0 "smollm-135m +svf-mlp +w4 +decode +2 +2 .*prefill +16 +1" --model=smollm-135m
  --form=svf-mlp --format=w4 --sequences=1,2 --context=5 --prompt=16 --repeats=1
  --json=${WORK}/decode.json)
file(READ ${WORK}/decode.json json)
string(JSON rows LENGTH "${json}" results)
string(JSON seconds GET "${json}" results 0 seconds)
string(JSON bare GET "${json}" results 0 bare_seconds)
if(NOT rows EQUAL 3 OR NOT seconds GREATER 0 OR NOT bare GREATER 0)
  message(FATAL_ERROR "${rows} results, ${seconds} s and ${bare} s in\n${json}")
endif()

expect(0 "7 tokens in common and 2 of their own, 3 new.*smollm-135m +dense +w4 +5 " --prefix=7
  --texts=5 --own=2 --new=3 --model=smollm-135m --form=dense --format=w4 --repeats=1
  --json=${WORK}/prefix.json)
file(READ ${WORK}/prefix.json json)
string(JSON seconds GET "${json}" results 0 seconds)
string(JSON apart GET "${json}" results 0 apart_seconds)
if(NOT seconds GREATER 0 OR NOT apart GREATER 0)
  message(FATAL_ERROR "${seconds} s and ${apart} s in\n${json}")
endif()
