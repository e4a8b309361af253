# File: cmake/SonnetOptions.cmake
# How this project compiles its own code: warnings, sanitizers, ccache and the
# precompiled header. Nothing here reaches those who link the library.

add_library(sonnet_options INTERFACE)

# Position-independent code everywhere, by one flag: libraries and programs then
# share one precompiled header.
target_compile_options(sonnet_options INTERFACE -Wall -Wextra -Wpedantic -fPIC)
# GCC 12 sees uninitialised strings in every std::variant that holds one.
target_compile_options(
  sonnet_options
  INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
if(SONNET_WERROR)
  target_compile_options(sonnet_options INTERFACE -Werror)
endif()

if(SONNET_SANITIZE STREQUAL "address")
  # libtorch hides the type information that the vptr check needs.
  set(sanitizer_flags -fsanitize=address,undefined -fno-sanitize=vptr
                      -fno-sanitize-recover=undefined)
elseif(SONNET_SANITIZE STREQUAL "thread")
  set(sanitizer_flags -fsanitize=thread)
elseif(SONNET_SANITIZE)
  message(FATAL_ERROR "SONNET_SANITIZE is '${SONNET_SANITIZE}', must be "
                      "address, thread or empty")
endif()
target_compile_options(sonnet_options INTERFACE ${sanitizer_flags})
target_link_options(sonnet_options INTERFACE ${sanitizer_flags})

# What nearly every file includes. ATen alone takes two seconds to parse.
set(SONNET_PRECOMPILED_HEADERS
    <ATen/ATen.h>
    <boost/pfr/core.hpp>
    <algorithm>
    <array>
    <cmath>
    <cstdint>
    <functional>
    <map>
    <memory>
    <mutex>
    <optional>
    <string>
    <tuple>
    <type_traits>
    <utility>
    <variant>
    <vector>)

# ccache finds what was compiled before, also in another clone: it needs to be
# told that the precompiled header is fine and that paths are relative.
find_program(CCACHE ccache)
mark_as_advanced(CCACHE)
if(CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
      CCACHE_NOHASHDIR=1
      ${CCACHE})
  # Relative paths in messages then read from the root, as in the presets'
  # build/<preset>.
  target_compile_options(sonnet_options INTERFACE -fpch-preprocess
                                                  -fmacro-prefix-map=../../=)
endif()
