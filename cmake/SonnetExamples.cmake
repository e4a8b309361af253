# File: cmake/SonnetExamples.cmake
# examples/: a program per source; examples/support/ is what they share.

file(GLOB sources CONFIGURE_DEPENDS "examples/*.cc")
file(GLOB support CONFIGURE_DEPENDS "examples/support/*.cc")
if(sources)
  find_package(CLI11 REQUIRED)
endif()
if(support)
  add_library(example_support STATIC ${support})
  target_link_libraries(example_support PUBLIC sonnet::sonnet CLI11::CLI11
                                        PRIVATE sonnet_options)
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
if(SONNET_BUILD_TESTS AND NOT SONNET_SANITIZE AND TARGET char_mlp)
  add_test(NAME example_char_mlp
           COMMAND "${PROJECT_SOURCE_DIR}/tests/char_mlp.sh" $<TARGET_FILE:char_mlp>
                   "${PROJECT_SOURCE_DIR}/README.md")
endif()
