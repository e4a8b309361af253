# File: cmake/SonnetExamples.cmake
# examples/: a program per source; examples/support/ is what they share.

file(GLOB sources CONFIGURE_DEPENDS "examples/*.cc")
file(GLOB support CONFIGURE_DEPENDS "examples/support/*.cc")
set(support_tests ${support})
list(FILTER support EXCLUDE REGEX "_test\\.cc$")
list(FILTER support_tests INCLUDE REGEX "_test\\.cc$")
if(support)
  find_package(CLI11 REQUIRED)
  find_package(ZLIB REQUIRED) # IDX files in gzip
  find_package(PNG REQUIRED) # pictures
  add_library(example_support STATIC ${support})
  target_link_libraries(example_support PUBLIC sonnet::sonnet CLI11::CLI11
                                        PRIVATE sonnet_options ZLIB::ZLIB PNG::PNG)
  target_compile_definitions(
    example_support PRIVATE "SONNET_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"")
  target_precompile_headers(example_support REUSE_FROM sonnet)
endif()
foreach(source IN LISTS sources)
  cmake_path(GET source STEM name)
  add_executable(${name} "${source}")
  target_link_libraries(${name} PRIVATE example_support sonnet_options)
  target_precompile_headers(${name} REUSE_FROM sonnet)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                           "${PROJECT_BINARY_DIR}/examples")
endforeach()

# ------------------------------------------------------------------- their tests
if(SONNET_BUILD_TESTS AND support_tests)
  add_executable(example_support_test ${support_tests})
  target_link_libraries(
    example_support_test PRIVATE example_support sonnet_testing ZLIB::ZLIB
                                 PNG::PNG)
  target_precompile_headers(example_support_test REUSE_FROM sonnet_testing)
  sonnet_add_test(example_support_test COMMAND example_support_test
                                               ${test_arguments})
endif()
if(SONNET_BUILD_TESTS AND NOT SONNET_SANITIZE)
  foreach(name char_mlp char_rnn)
    add_test(NAME example_${name}
             COMMAND "${PROJECT_SOURCE_DIR}/tests/${name}.sh" $<TARGET_FILE:${name}>
                     "${PROJECT_SOURCE_DIR}/README.md")
  endforeach()
  foreach(name mnist vqvae gan)
    add_test(NAME example_${name}
             COMMAND "${PROJECT_SOURCE_DIR}/tests/${name}.sh" $<TARGET_FILE:${name}>)
  endforeach()
endif()
