# File: cmake/FindLibtorch.cmake
# Finds libtorch and makes the target Libtorch::Libtorch.
#
# Looks under CMAKE_PREFIX_PATH first (the folder `torch` of a Python wheel, or
# an unpacked libtorch archive), then where the system keeps its libraries.
# libtorch's own TorchConfig.cmake is passed by on purpose: that of a CUDA build
# stops on a machine without the CUDA toolkit, which this library does not need.
#
#   Libtorch_VERSION   e.g. 1.13.0
#   Libtorch_CUDA      whether it was built with CUDA

find_path(Libtorch_INCLUDE_DIR ATen/ATen.h)
find_library(Libtorch_LIBRARY torch_cpu)
mark_as_advanced(Libtorch_INCLUDE_DIR Libtorch_LIBRARY)

# The rest must come from the same libtorch.
cmake_path(GET Libtorch_LIBRARY PARENT_PATH Libtorch_LIBRARY_DIR)
foreach(_part c10 torch_cuda c10_cuda)
  find_library(Libtorch_${_part}_LIBRARY ${_part} PATHS "${Libtorch_LIBRARY_DIR}"
               NO_DEFAULT_PATH)
  mark_as_advanced(Libtorch_${_part}_LIBRARY)
endforeach()

set(_api_dir "${Libtorch_INCLUDE_DIR}/torch/csrc/api/include")
foreach(_header "${_api_dir}/torch/version.h"
                "${Libtorch_INCLUDE_DIR}/torch/headeronly/version.h")
  if(EXISTS "${_header}" AND NOT Libtorch_VERSION)
    file(STRINGS "${_header}" _lines REGEX
         "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
    string(REGEX MATCHALL "[0-9]+" _numbers "${_lines}")
    list(JOIN _numbers "." Libtorch_VERSION)
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  Libtorch
  REQUIRED_VARS Libtorch_LIBRARY Libtorch_c10_LIBRARY Libtorch_INCLUDE_DIR
  VERSION_VAR Libtorch_VERSION)

if(Libtorch_torch_cuda_LIBRARY)
  set(Libtorch_CUDA TRUE)
else()
  set(Libtorch_CUDA FALSE)
endif()

if(Libtorch_FOUND AND NOT TARGET Libtorch::Libtorch)
  find_package(Threads REQUIRED)
  add_library(Libtorch::Libtorch INTERFACE IMPORTED)
  # Include folders of an imported target are SYSTEM ones: no warnings of theirs.
  target_include_directories(Libtorch::Libtorch
                             INTERFACE "${Libtorch_INCLUDE_DIR}" "${_api_dir}")
  target_link_libraries(
    Libtorch::Libtorch INTERFACE "${Libtorch_LIBRARY}" "${Libtorch_c10_LIBRARY}"
                                 Threads::Threads)
  if(Libtorch_CUDA)
    # Nothing refers to the CUDA kernels by name: they register themselves, so
    # the linker must not drop the libraries.
    target_link_libraries(
      Libtorch::Libtorch
      INTERFACE
        "-Wl,--push-state,--no-as-needed,${Libtorch_torch_cuda_LIBRARY},${Libtorch_c10_cuda_LIBRARY},--pop-state"
    )
  endif()
endif()
