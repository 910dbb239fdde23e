# SPDX-License-Identifier: Apache-2.0
#
# cmake -DBENCH=<svf_matmul> -DPLOT=<bench/plot> -DPYTHON=<python3> -DWORK=<directory> -P plot.cmake:
# what a run wrote becomes pictures, and the titles tell what was found.
cmake_minimum_required(VERSION 3.25)

file(MAKE_DIRECTORY ${WORK})

# draw(<file> <words in the picture> <arguments of svf_matmul...>)
function(draw name words)
  file(REMOVE ${WORK}/${name}.svg)
  execute_process(COMMAND ${BENCH} --shape=33,17,9 --rows=2,4 --seconds=0.01 --warm ${ARGN}
                          --benchmark_out=${WORK}/run.json --benchmark_out_format=json
                  OUTPUT_QUIET ERROR_QUIET COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${PYTHON} ${PLOT} ${WORK}/run.json ${WORK} COMMAND_ERROR_IS_FATAL ANY
                  ERROR_VARIABLE err OUTPUT_QUIET)
  file(READ ${WORK}/${name}.svg svg)
  if(NOT "${svg}" MATCHES "${words}" OR NOT "${err}" STREQUAL "")
    message(FATAL_ERROR "${name}.svg: '${words}' is missing, or there are messages: ${err}")
  endif()
endfunction()

draw(roofline "f32: svf reaches")
draw(speedup "speed of svf over its peers")
draw(experts "2 rows and 1 to 3 experts" --rows=2 --experts=1,3 --peers=dense,models)
