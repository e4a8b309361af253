// Multi-layer perceptrons: two sizes, forward and training.

#include <utility>

#include "benchmarks/sizes.h"
#include "benchmarks/workloads.h"

namespace benchmarks {
namespace {

using sizes::MlpSizes;

snt::nets::MLP make_mlp(const MlpSizes& size) {
  return {.output_sizes =
              std::vector<int64_t>(size.sizes.begin() + 1, size.sizes.end())};
}

// Operations of a call; of a training step: also the gradients for the weights
// and, but for the first layer, for the inputs.
double mlp_flop(const MlpSizes& size, bool training) {
  double flop = 0;
  for (size_t i = 0; i + 1 < size.sizes.size(); ++i) {
    const double one = product(size.batch, size.sizes[i], size.sizes[i + 1]);
    flop += one * (training ? (i == 0 ? 2 : 3) : 1);
  }
  return flop;
}

// The input, and each parameter `per_parameter` times.
double mlp_bytes(const MlpSizes& size, double per_parameter) {
  double count = static_cast<double>(size.batch * size.sizes[0]);
  for (size_t i = 0; i + 1 < size.sizes.size(); ++i) {
    count += per_parameter *
             static_cast<double>((size.sizes[i] + 1) * size.sizes[i + 1]);
  }
  return bytes(count);
}

Work mlp_infer(const MlpSizes& size) {
  const snt::nets::MLP mlp = make_mlp(size);
  const at::Tensor x = numbers({size.batch, size.sizes[0]});
  mlp(x);
  return {infer(mlp, x), {mlp_flop(size, false), mlp_bytes(size, 1)}};
}

// `per_parameter`: numbers that an update reads and writes for each parameter.
template <class O>
Work mlp_train(const MlpSizes& size, const O& optimizer, double per_parameter) {
  const snt::nets::MLP mlp = make_mlp(size);
  const at::Tensor x = numbers({size.batch, size.sizes[0]});
  const at::Tensor labels = ids({size.batch}, size.sizes.back());
  return {train(mlp, mlp, x, labels, optimizer),
          {mlp_flop(size, true), mlp_bytes(size, per_parameter)}};
}

}  // namespace

std::vector<Row> mlp_rows() {
  using sizes::kMlp;
  using sizes::kSmallMlp;
  const auto adam = [] { return snt::optimizers::Adam{1e-3}; };
  const auto sgd = [] { return snt::optimizers::SGD{1e-2}; };
  return {
      {"mlp_small_infer", [] { return mlp_infer(kSmallMlp); }},
      {"mlp_small_train", [=] { return mlp_train(kSmallMlp, sgd(), 2); }},
      {"mlp_infer", [] { return mlp_infer(kMlp); }},
      {"mlp_train", [=] { return mlp_train(kMlp, adam(), 6); }},
  };
}

}  // namespace benchmarks
