# File: cmake/SonnetInstall.cmake
# `cmake --install`: the headers, the library and what find_package(sonnet) reads.

include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/sonnet")
configure_package_config_file(
  cmake/sonnetConfig.cmake.in "${PROJECT_BINARY_DIR}/sonnetConfig.cmake"
  INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/sonnetConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)

install(TARGETS sonnet EXPORT sonnetTargets)
install(EXPORT sonnetTargets NAMESPACE sonnet:: DESTINATION "${package_dir}")
install(FILES "${PROJECT_BINARY_DIR}/sonnetConfig.cmake"
              "${PROJECT_BINARY_DIR}/sonnetConfigVersion.cmake"
              cmake/FindLibtorch.cmake cmake/FindOneDnn.cmake
        DESTINATION "${package_dir}")
install(
  DIRECTORY sonnet
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING
  PATTERN "*.h"
  PATTERN "*_test.h" EXCLUDE
  PATTERN "compile_fail" EXCLUDE
  PATTERN "compile_pass" EXCLUDE
  REGEX "/sonnet/(${test_only}|kernels)$" EXCLUDE)
