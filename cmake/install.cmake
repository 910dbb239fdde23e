# SPDX-License-Identifier: Apache-2.0
#
# Install and export: find_package(svf) with target svf::svf (and svf::svf_static), and pkg-config.
include(CMakePackageConfigHelpers)

install(DIRECTORY include/svf DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS svf_static EXPORT svf ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(BUILD_SHARED_LIBS)
  install(TARGETS svf_shared EXPORT svf LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(EXPORT svf NAMESPACE svf:: FILE svf-targets.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/svf)

configure_package_config_file(cmake/svf-config.cmake.in ${PROJECT_BINARY_DIR}/svf-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/svf)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/svf-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/svf-config.cmake ${PROJECT_BINARY_DIR}/svf-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/svf)

set(svf_pc_private "-lm")
if(SVF_OPENMP)
  string(APPEND svf_pc_private " ${OpenMP_C_FLAGS}")
endif()
configure_file(cmake/svf.pc.in ${PROJECT_BINARY_DIR}/svf.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/svf.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/svf)
