# File: cmake/FindOneDnn.cmake
# Finds the system's oneDNN 2 and makes the target OneDnn::OneDnn.
#
#   OneDnn_VERSION   e.g. 2.6.3
#
# A current libtorch ships the headers, but not the library, of another version
# of oneDNN (its own is hidden inside). So the headers are those beside the
# library, by way of a folder that holds nothing else and comes first.

find_library(OneDnn_LIBRARY dnnl)
cmake_path(GET OneDnn_LIBRARY PARENT_PATH _prefix)
find_path(OneDnn_INCLUDE_DIR oneapi/dnnl/dnnl.hpp
          PATHS "${_prefix}/../include" "${_prefix}/../../include" NO_DEFAULT_PATH)
mark_as_advanced(OneDnn_LIBRARY OneDnn_INCLUDE_DIR)

set(_version_file "${OneDnn_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h")
if(EXISTS "${_version_file}")
  file(STRINGS "${_version_file}" _lines
       REGEX "define DNNL_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX MATCHALL "[0-9]+" _numbers "${_lines}")
  list(JOIN _numbers "." OneDnn_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  OneDnn
  REQUIRED_VARS OneDnn_LIBRARY OneDnn_INCLUDE_DIR
  VERSION_VAR OneDnn_VERSION
  HANDLE_VERSION_RANGE)

if(OneDnn_FOUND AND NOT TARGET OneDnn::OneDnn)
  set(_only "${CMAKE_BINARY_DIR}/generated/onednn")
  file(MAKE_DIRECTORY "${_only}")
  file(CREATE_LINK "${OneDnn_INCLUDE_DIR}/oneapi" "${_only}/oneapi" SYMBOLIC)
  add_library(OneDnn::OneDnn INTERFACE IMPORTED)
  target_include_directories(OneDnn::OneDnn BEFORE INTERFACE "${_only}")
  target_link_libraries(OneDnn::OneDnn INTERFACE "${OneDnn_LIBRARY}")
endif()
