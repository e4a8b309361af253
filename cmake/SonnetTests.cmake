# File: cmake/SonnetTests.cmake
# The tests: a program per folder, programs that must not compile, programs that
# must compile without a warning, the code in comments and documents, and a
# project that uses the installed library.

find_package(GTest REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# ------------------------------------------------------------------- settings
# Tests run side by side: one thread each is fastest. Those about threads start
# their own.
set(test_environment
    "OMP_NUM_THREADS=1"
    "ASAN_OPTIONS=detect_leaks=1"
    "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tools/lsan.supp:print_suppressions=0"
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
    "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tools/tsan.supp:halt_on_error=1")
if(SONNET_SANITIZE STREQUAL "thread")
  # Only some tests start threads: those with "Thread" in their name.
  set(test_arguments "--gtest_filter=*Thread*")
endif()

# Leaves those of the sources of tests that are worth building.
function(sonnet_select_tests sources)
  set(selected "")
  foreach(source IN LISTS ${sources})
    file(STRINGS "${source}" thread_tests REGEX "^TEST.*Thread")
    if(thread_tests OR NOT SONNET_SANITIZE STREQUAL "thread")
      list(APPEND selected "${source}")
    endif()
  endforeach()
  set(${sources} "${selected}" PARENT_SCOPE)
endfunction()

function(sonnet_add_test name)
  add_test(NAME ${name} ${ARGN})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${test_environment}")
endfunction()

# What the tests share: sonnet/testing, their main() among it, and one
# precompiled header.
file(GLOB sources CONFIGURE_DEPENDS "sonnet/testing/*.cc")
list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
file(CONFIGURE OUTPUT generated/testing.cc CONTENT "")
add_library(sonnet_testing STATIC
            ${sources} "${PROJECT_BINARY_DIR}/generated/testing.cc")
target_compile_definitions(
  sonnet_testing PUBLIC SONNET_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
target_link_libraries(
  sonnet_testing PUBLIC sonnet::sonnet sonnet_options GTest::gtest GTest::gmock
                        nlohmann_json::nlohmann_json)
# Tests need no more than this of the optimiser, and compile a quarter faster.
target_compile_options(sonnet_testing PUBLIC $<$<CONFIG:Release>:-O1>)
target_precompile_headers(sonnet_testing PRIVATE ${SONNET_PRECOMPILED_HEADERS}
                          <gtest/gtest.h> <gmock/gmock.h>)

# A class without a row in the class table fails the build.
file(GLOB headers CONFIGURE_DEPENDS "sonnet/*/*.h" "sonnet/conformance/*.cc")
add_custom_command(
  OUTPUT "${PROJECT_BINARY_DIR}/generated/rows.stamp"
  COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/tools/check_rows.py"
          "${PROJECT_BINARY_DIR}/generated/rows.stamp"
  DEPENDS ${headers} "${PROJECT_SOURCE_DIR}/tools/check_rows.py")
add_custom_target(check_rows ALL
                  DEPENDS "${PROJECT_BINARY_DIR}/generated/rows.stamp")

# -------------------------------------------------------- a program per folder
file(GLOB folders CONFIGURE_DEPENDS LIST_DIRECTORIES true "sonnet" "sonnet/*")
if(SONNET_SANITIZE STREQUAL "thread")
  list(FILTER folders EXCLUDE REGEX "/goldens$")
endif()
foreach(folder IN LISTS folders)
  cmake_path(GET folder FILENAME name)
  if(folder STREQUAL "${PROJECT_SOURCE_DIR}/sonnet")
    file(GLOB tests CONFIGURE_DEPENDS "${folder}/*_test.cc")
  else()
    file(GLOB_RECURSE tests CONFIGURE_DEPENDS "${folder}/*_test.cc")
  endif()
  sonnet_select_tests(tests)
  if(IS_DIRECTORY "${folder}" AND name MATCHES "^(conformance|goldens)$")
    # Their other sources are test code too.
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/*.cc")
    list(FILTER sources EXCLUDE REGEX "_(test|main)\\.cc$")
    if(sources)
      add_library(sonnet_${name} STATIC ${sources})
      target_link_libraries(sonnet_${name} PUBLIC sonnet_testing)
      target_precompile_headers(sonnet_${name} REUSE_FROM sonnet_testing)
    endif()
  endif()
  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE sonnet_testing)
    target_precompile_headers(${name}_test REUSE_FROM sonnet_testing)
    if(TARGET sonnet_${name})
      target_link_libraries(${name}_test PRIVATE sonnet_${name})
    endif()
    sonnet_add_test(${name}_test COMMAND ${name}_test ${test_arguments})
  endif()
endforeach()

# Kernels cut their work by the number of threads. libtorch's threads are not
# instrumented for ThreadSanitizer.
if(NOT SONNET_SANITIZE STREQUAL "thread")
  sonnet_add_test(kernels_test_two_threads COMMAND kernels_test)
  set(two_threads ${test_environment})
  list(TRANSFORM two_threads REPLACE "OMP_NUM_THREADS=1" "OMP_NUM_THREADS=2")
  set_tests_properties(kernels_test_two_threads PROPERTIES ENVIRONMENT
                                                           "${two_threads}")
endif()

# The rest says nothing about threads.
if(SONNET_SANITIZE STREQUAL "thread")
  return()
endif()

# The goldens: outputs of the real Sonnet, unpacked beside the programs, and a
# program for these or any other folder of cases (make goldens GOLDENS=DIR).
find_package(CLI11 REQUIRED)
foreach(name goldens more_goldens)
  set(archive "${PROJECT_SOURCE_DIR}/testdata/${name}.tar.xz")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${archive}")
  file(REMOVE_RECURSE "${PROJECT_BINARY_DIR}/${name}")
  file(ARCHIVE_EXTRACT INPUT "${archive}" DESTINATION
       "${PROJECT_BINARY_DIR}/${name}")
endforeach()
# With all kernels of this library, and with none.
sonnet_add_test(more_goldens COMMAND run_goldens --require-all
                                     "${PROJECT_BINARY_DIR}/more_goldens")
sonnet_add_test(more_goldens_plain
                COMMAND run_goldens --require-all --plain
                        "${PROJECT_BINARY_DIR}/more_goldens")
sonnet_add_test(goldens_kernels COMMAND run_goldens --require-all
                                        "${PROJECT_BINARY_DIR}/goldens")

target_link_libraries(sonnet_goldens PUBLIC sonnet_conformance)
target_compile_definitions(
  sonnet_goldens PUBLIC SONNET_GOLDENS_DIR="${PROJECT_BINARY_DIR}/goldens")
add_executable(run_goldens sonnet/goldens/run_goldens_main.cc)
target_link_libraries(run_goldens PRIVATE sonnet_goldens CLI11::CLI11)
target_precompile_headers(run_goldens REUSE_FROM sonnet_testing)

# The rest says nothing about memory.
if(SONNET_SANITIZE)
  return()
endif()

# ------------------------------------------------ programs that must (not) compile
file(GLOB_RECURSE programs CONFIGURE_DEPENDS "sonnet/*/compile_fail/*.cc")
set(includes "$<TARGET_PROPERTY:sonnet,INCLUDE_DIRECTORIES>")
set(includes "$<FILTER:${includes},EXCLUDE,^/usr/include$>")
set(compile "${CMAKE_CXX_COMPILER}" -std=c++20 -fsyntax-only
            "-isystem$<JOIN:${includes},$<SEMICOLON>-isystem>")
foreach(program IN LISTS programs)
  cmake_path(GET program STEM name)
  sonnet_add_test(
    compile_fail_${name}
    COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/tools/compile_fail.py"
            "${program}" ${compile} COMMAND_EXPAND_LISTS)
endforeach()

file(GLOB_RECURSE programs CONFIGURE_DEPENDS "sonnet/*/compile_pass/*.cc")
foreach(program IN LISTS programs)
  cmake_path(GET program STEM name)
  add_executable(compile_pass_${name} "${program}")
  target_compile_options(compile_pass_${name} PRIVATE -Werror)
  target_link_libraries(compile_pass_${name} PRIVATE sonnet::sonnet
                                                     sonnet_options)
  target_precompile_headers(compile_pass_${name} REUSE_FROM sonnet)
  sonnet_add_test(compile_pass_${name} COMMAND compile_pass_${name})
endforeach()

# ------------------------------------------------ the code in comments and documents
set(extract "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/tools/extract_examples.py")
set(generated "${PROJECT_BINARY_DIR}/generated/examples")
file(GLOB_RECURSE headers CONFIGURE_DEPENDS "sonnet/*.h")
file(GLOB pages CONFIGURE_DEPENDS "README.md" "docs/*.md")
execute_process(COMMAND ${extract} --groups OUTPUT_VARIABLE groups
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" groups "${groups}")
list(TRANSFORM groups REPLACE "(.+)" "${generated}/\\1.cc" OUTPUT_VARIABLE sources)
list(APPEND sources "${generated}/main.cc")
# A file that goes away changes this list, and so starts the script as well.
file(CONFIGURE OUTPUT "${generated}/files" CONTENT "${headers};${pages}")
add_custom_command(
  OUTPUT ${sources}
  COMMAND ${extract} "${generated}"
  DEPENDS ${headers} ${pages} tools/extract_examples.py "${generated}/files"
  COMMENT "Reading the code in comments and documents")
add_executable(documented_examples ${sources})
target_compile_options(documented_examples PRIVATE -Wno-unused)
target_link_libraries(documented_examples PRIVATE sonnet::sonnet sonnet_options)
target_precompile_headers(documented_examples REUSE_FROM sonnet)
file(MAKE_DIRECTORY "${generated}/run")
foreach(group IN LISTS groups)
  sonnet_add_test(examples_${group} COMMAND documented_examples ${group}
                  WORKING_DIRECTORY "${generated}/run")
endforeach()

# ------------------------------------------------------------------- consumer
sonnet_add_test(
  install_consumer
  COMMAND
    "${CMAKE_COMMAND}" "-DBUILD_DIR=${PROJECT_BINARY_DIR}"
    "-DCONSUMER=${PROJECT_SOURCE_DIR}/tests/consumer"
    "-DPREFIX_PATH=${CMAKE_PREFIX_PATH}" "-DCXX=${CMAKE_CXX_COMPILER}" -P
    "${PROJECT_SOURCE_DIR}/tests/consumer/run.cmake")
