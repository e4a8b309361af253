# File: cmake/SonnetBenchmarks.cmake
# benchmarks/*.cc and the *_benchmark.cc beside the sources: a program each.

file(GLOB_RECURSE sources CONFIGURE_DEPENDS "benchmarks/*.cc"
     "sonnet/*_benchmark.cc")
if(sources)
  find_package(benchmark REQUIRED)
endif()
add_custom_target(benchmarks)
foreach(source IN LISTS sources)
  cmake_path(GET source STEM name)
  add_executable(${name} "${source}")
  target_link_libraries(${name} PRIVATE sonnet::sonnet sonnet_options
                                        benchmark::benchmark_main)
  add_dependencies(benchmarks ${name})
  target_precompile_headers(${name} REUSE_FROM sonnet)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                           "${PROJECT_BINARY_DIR}/benchmarks")
endforeach()
