# File: cmake/SonnetBenchmarks.cmake
# benchmarks/: this library's rows, and those of torch::nn, its peer in C++.
# Not built by default: `make bench` asks for the target `benchmarks`.

find_package(CLI11 REQUIRED)

# What both programs share knows nothing of this library.
file(GLOB sources CONFIGURE_DEPENDS "benchmarks/support/*.cc")
add_library(benchmark_support STATIC EXCLUDE_FROM_ALL ${sources})
target_include_directories(benchmark_support PUBLIC "${PROJECT_SOURCE_DIR}")
target_link_libraries(
  benchmark_support PUBLIC Libtorch::Libtorch
  PRIVATE sonnet_options CLI11::CLI11 nlohmann_json::nlohmann_json)
target_compile_features(benchmark_support PUBLIC cxx_std_20)

file(GLOB sources CONFIGURE_DEPENDS "benchmarks/*.cc")
add_executable(sonnet_benchmarks EXCLUDE_FROM_ALL ${sources})
target_link_libraries(
  sonnet_benchmarks PRIVATE OneDnn::OneDnn # before Libtorch
                            sonnet::sonnet benchmark_support sonnet_options)
target_precompile_headers(sonnet_benchmarks REUSE_FROM sonnet)

add_executable(torch_nn EXCLUDE_FROM_ALL benchmarks/peers/torch_nn.cc)
target_link_libraries(torch_nn PRIVATE benchmark_support sonnet_options)

set_target_properties(
  sonnet_benchmarks torch_nn
  PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/benchmarks")
add_custom_target(benchmarks DEPENDS sonnet_benchmarks torch_nn)

if(SONNET_BUILD_TESTS)
  sonnet_add_test(bench_tools COMMAND "${Python3_EXECUTABLE}"
                                      "${PROJECT_SOURCE_DIR}/tools/bench_test.py")
endif()
