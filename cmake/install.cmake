# SPDX-License-Identifier: Apache-2.0
#
# Install and export. Everything is relative to where it is installed: the tree may be moved.
#   CMake       find_package(svf) gives svf::svf (shared if it was built), svf::svf_static and, with
#               COMPONENTS model, svf::model
#   pkg-config  svf (--static for the static library), svf_model
include(CMakePackageConfigHelpers)

set(svf_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/svf)
set(svf_headers backend.h cpu.h export.h gains.h half.h linear.h matmul.h selftest.h status.h svf.h
  types.h version.h)
set(svf_model_headers context.h convert.h expert.h expert_registry.h factorize.h generate.h model.h
  modules.h safetensors.h tensor.h text.h tokenizer.h)

function(svf_install_headers)
  list(TRANSFORM ARGV PREPEND ${PROJECT_SOURCE_DIR}/include/svf/)
  install(FILES ${ARGV} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/svf)
endfunction()

# What a .pc file calls prefix: the way back from its own directory.
file(RELATIVE_PATH svf_pc_prefix
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" svf_pc_prefix "${svf_pc_prefix}")
set(svf_pc_private ${svf_system_libraries})
list(TRANSFORM svf_pc_private PREPEND -l REGEX "^[^/]") # a path stays a path
list(JOIN svf_pc_private " " svf_pc_private)
set(svf_pc_libs "")
if(NOT BUILD_SHARED_LIBS) # there is only the static library, so its needs are everyone's
  set(svf_pc_libs " ${svf_pc_private}")
endif()
function(svf_install_pc name)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

svf_install_headers(${svf_headers})
install(FILES ${PROJECT_SOURCE_DIR}/include/svf/FILES.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
set(svf_libraries svf_static)
if(BUILD_SHARED_LIBS)
  list(APPEND svf_libraries svf_shared)
endif()
install(TARGETS ${svf_libraries} EXPORT svf-targets)
install(EXPORT svf-targets NAMESPACE svf:: DESTINATION ${svf_cmake_dir})
svf_install_pc(svf)

if(SVF_BUILD_MODEL)
  svf_install_headers(${svf_model_headers})
  install(TARGETS svf_model EXPORT svf-model-targets)
  install(EXPORT svf-model-targets NAMESPACE svf:: DESTINATION ${svf_cmake_dir})
  svf_install_pc(svf_model)
endif()
if(SVF_BUILD_COMMANDS)
  install(TARGETS svf-verify)
  if(SVF_BUILD_MODEL)
    install(TARGETS svf-cli)
    install(FILES ${PROJECT_SOURCE_DIR}/src/cli/svf.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    install(FILES ${PROJECT_SOURCE_DIR}/src/cli/completion.bash RENAME svf
            DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  endif()
endif()

configure_package_config_file(cmake/svf-config.cmake.in ${PROJECT_BINARY_DIR}/svf-config.cmake
  INSTALL_DESTINATION ${svf_cmake_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/svf-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/svf-config.cmake ${PROJECT_BINARY_DIR}/svf-config-version.cmake
        DESTINATION ${svf_cmake_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/svf)
