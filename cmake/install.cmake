# SPDX-License-Identifier: Apache-2.0
#
# Install and export. Everything is relative to where it is installed: the tree may be moved.
#   CMake       find_package(svf) gives svf::svf (shared if it was built), svf::svf_static and, with
#               COMPONENTS model svd, svf::model and svf::svd with their static ones likewise
#   pkg-config  svf, svf_model, svf_svd (--static for the static libraries)
include(CMakePackageConfigHelpers)

set(svf_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/svf)
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
# With the static libraries alone, what is private to them is everyone's.
set(svf_pc_libs "")
set(svf_model_requires "jansson libpcre2-8")
set(svf_svd_requires "lapacke openblas")
if(NOT BUILD_SHARED_LIBS)
  set(svf_pc_libs " ${svf_pc_private}")
  set(svf_model_pc_requires " ${svf_model_requires}")
  set(svf_svd_pc_requires " ${svf_svd_requires}")
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

# svf_install_component(name headers...). Exports apart: a program that links the static library needs
# the libraries that it uses, other programs do not.
function(svf_install_component name)
  svf_install_headers(${ARGN})
  install(TARGETS svf_${name}_static EXPORT svf-${name}-static-targets)
  install(EXPORT svf-${name}-static-targets NAMESPACE svf:: DESTINATION ${svf_cmake_dir})
  if(BUILD_SHARED_LIBS)
    install(TARGETS svf_${name}_shared EXPORT svf-${name}-targets)
    install(EXPORT svf-${name}-targets NAMESPACE svf:: DESTINATION ${svf_cmake_dir})
  endif()
  svf_install_pc(svf_${name})
endfunction()
if(SVF_BUILD_MODEL) # convert.h takes an SVD as svd.h declares it
  svf_install_component(model ${svf_model_headers} ${svf_svd_headers})
endif()
if(SVF_BUILD_SVD)
  svf_install_component(svd ${svf_svd_headers})
endif()
if(SVF_BUILD_COMMANDS)
  install(TARGETS svf-verify)
  if(SVF_BUILD_MODEL)
    install(TARGETS svf-cli)
    install(FILES ${svf_documents}/svf.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    install(FILES ${svf_documents}/completion.bash RENAME svf
            DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  endif()
  if(TARGET svf-decompose)
    install(TARGETS svf-decompose)
  endif()
endif()

configure_package_config_file(cmake/svf-config.cmake.in ${PROJECT_BINARY_DIR}/svf-config.cmake
  INSTALL_DESTINATION ${svf_cmake_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/svf-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/svf-config.cmake ${PROJECT_BINARY_DIR}/svf-config-version.cmake
        DESTINATION ${svf_cmake_dir})
if(SVF_BUILD_MODEL)
  install(FILES src/tokenizer/LICENSE.unicode DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/svf)
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/svf)
