// Updates of parameters: Adam on the shapes of ResNet50, the other optimizers
// on them, and Adam by the number of parameters.

#include <string>

#include "benchmarks/sizes.h"
#include "benchmarks/workloads.h"

namespace benchmarks {
namespace {

// `per_parameter`: numbers read and written for each parameter, the gradient
// among them.
template <class O>
Work apply(const O& optimizer, const std::vector<std::vector<int64_t>>& shapes,
           double per_parameter) {
  std::vector<snt::Variable> parameters;
  std::vector<at::Tensor> gradients;
  int64_t count = 0;
  for (const std::vector<int64_t>& shape : shapes) {
    parameters.emplace_back(numbers(shape));
    gradients.push_back(numbers(shape));
    count += gradients.back().numel();
  }
  return {[=] { optimizer.apply(gradients, parameters); },
          {0, bytes(per_parameter * static_cast<double>(count))}};
}

// Ten tensors with `count` numbers in all.
std::vector<std::vector<int64_t>> ten_shapes(int64_t count) {
  return std::vector<std::vector<int64_t>>(10, {count / 10});
}

}  // namespace

std::vector<Row> optimizer_rows() {
  using sizes::resnet50_shapes;
  using snt::optimizers::Adam;
  using snt::optimizers::Momentum;
  using snt::optimizers::RMSProp;
  using snt::optimizers::SGD;
  std::vector<Row> rows = {
      {"adam_apply", [] { return apply(Adam{1e-3}, resnet50_shapes(), 7); }},
      {"sgd_apply", [] { return apply(SGD{1e-2}, resnet50_shapes(), 3); }},
      {"momentum_apply",
       [] {
         return apply(Momentum{1e-2, 0.9}, resnet50_shapes(), 5);
       }},
      {"rmsprop_apply",
       [] { return apply(RMSProp{1e-2}, resnet50_shapes(), 7); }},
  };
  int64_t count = 1000;
  for (int exponent = 3; exponent <= 8; ++exponent, count *= 10) {
    rows.push_back({"adam_1e" + std::to_string(exponent), [count] {
                      return apply(Adam{1e-3}, ten_shapes(count), 7);
                    }});
  }
  return rows;
}

}  // namespace benchmarks
