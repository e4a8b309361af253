// What a module costs: an MLP against the same ATen calls by hand.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <benchmark/benchmark.h>
#include <sonnet/sonnet.h>

#include <vector>

namespace {

struct Sizes {
  int64_t batch;
  int64_t input;
  std::vector<int64_t> outputs;
};

// The two models of the issue that asked for this figure.
const std::vector<Sizes>& sizes() {
  static const std::vector<Sizes> all = {{128, 784, {1024, 1024, 10}},
                                         {32, 16, {64, 64, 10}}};
  return all;
}

at::Tensor by_hand(const std::vector<at::Tensor>& w,
                   const std::vector<at::Tensor>& b, at::Tensor x) {
  for (size_t i = 0; i < w.size(); ++i) {
    x = at::addmm(b[i], x, w[i]);
    if (i + 1 < w.size()) x = at::relu(x);
  }
  return x;
}

void forward(benchmark::State& state, bool as_module) {
  snt::initialize();
  const Sizes& size = sizes()[static_cast<size_t>(state.range(0))];
  const snt::nets::MLP mlp{.output_sizes = size.outputs};
  const at::Tensor x = at::randn({size.batch, size.input});
  mlp(x);
  std::vector<at::Tensor> w;
  std::vector<at::Tensor> b;
  for (const snt::Linear& layer : mlp.layers) {
    w.push_back(layer.w.value());
    b.push_back(layer.b.value());
  }
  const at::NoGradGuard no_grad;
  for (auto _ : state) {
    benchmark::DoNotOptimize(as_module ? mlp(x) : by_hand(w, b, x));
  }
}

void BM_ByHand(benchmark::State& state) { forward(state, false); }
void BM_Module(benchmark::State& state) { forward(state, true); }

// Repetitions interleave the two, so that a busy machine hurts both.
BENCHMARK(BM_ByHand)->Arg(0)->Arg(1)->Repetitions(9);
BENCHMARK(BM_Module)->Arg(0)->Arg(1)->Repetitions(9);

}  // namespace

int main(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  std::string interleave = "--benchmark_enable_random_interleaving=true";
  std::string aggregates = "--benchmark_report_aggregates_only=true";
  arguments.push_back(interleave.data());
  arguments.push_back(aggregates.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
