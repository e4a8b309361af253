#include <ATen/ATen.h>

#include "sonnet/conformance/class_table.h"
#include "sonnet/core/deferred.h"
#include "sonnet/layers/batch_apply.h"
#include "sonnet/layers/bias.h"
#include "sonnet/layers/dropout.h"
#include "sonnet/layers/embed.h"
#include "sonnet/layers/gradient.h"
#include "sonnet/layers/linear.h"
#include "sonnet/layers/parallel_linears.h"
#include "sonnet/layers/reshape.h"
#include "sonnet/layers/sequential.h"

namespace snt::conformance {
namespace {

ExampleArgs ids(std::vector<int64_t> shape, int64_t high) {
  return [shape, high](at::ScalarType) {
    return std::vector<Nest>{at::randint(high, shape, at::kLong)};
  };
}

ExampleArgs floats_and_flag(std::vector<int64_t> shape, bool flag) {
  return [shape, flag](at::ScalarType dtype) {
    return std::vector<Nest>{at::randn(shape).to(dtype), flag};
  };
}

// A number or a tensor as a tensor.
at::Tensor tensor_of(const Nest& value) {
  if (const auto* tensor = value.get_if<at::Tensor>()) return *tensor;
  return at::scalar_tensor(from_nest<double>(value, "bound"));
}

}  // namespace

void add_layer_rows(ClassTable& table) {
  table.add(module<Linear>("Linear")
                .call("inputs")
                .method("input_size", &Linear::input_size)
                .example(R"({"output_size": 3})", floats({2, 5})));
  table.add(module<ParallelLinears>("ParallelLinears")
                .call("inputs")
                .method("input_size", &ParallelLinears::input_size)
                .example(R"({"output_size": 3})", floats({4, 2, 5})));
  table.add(module<Bias>("Bias")
                .call("inputs, multiplier=None")
                .method("input_size", &Bias::input_size)
                .example(R"({"bias_dims": [-1]})", floats({2, 3, 4})));
  table.add(
      module<Embed>("Embed")
          .call("inputs")
          .creates([](const Embed& m) { m(at::zeros({1}, at::kLong)); })
          .example(R"({"vocab_size": 7, "embed_dim": 3})", ids({2, 4}, 7)));
  table.add(module<Dropout>("Dropout")
                .call("inputs, is_training")
                .example(R"({"rate": 0.5})", floats_and_flag({4, 5}, false)));
  table.add(module<Reshape>("Reshape")
                .call("inputs")
                .derives("reversed", &Reshape::reversed, "name=None")
                .example(R"({"output_shape": [2, -1]})", floats({3, 4, 5})));
  table.add(module<Flatten>("Flatten")
                .call("inputs")
                .derives("reversed", &Flatten::reversed, "name=None")
                .example("{}", floats({3, 4, 5})));
  table.add(module<Sequential>("Sequential")
                .call_like("layers")
                .example(R"({"layers": [
                    {"class": "Linear", "config": {"output_size": 4}}, "tanh",
                    {"class": "Linear", "config": {"output_size": 3}}]})",
                         floats({2, 5})));
  table.add(module<BatchApply>("BatchApply")
                .call_like("module")
                .example(R"({"module": {"class": "Linear",
                                        "config": {"output_size": 4}}})",
                         floats({3, 2, 5})));
  table.add(module<Deferred>("Deferred")
                .call_like("constructor")
                .example(R"({"constructor": {"class": "Linear",
                                             "config": {"output_size": 4}}})",
                         floats({2, 5})));
  table.add(function("embedding_dim", "vocab_size", &embedding_dim));
  table.add(function("flatten", "inputs", &flatten));
  table.add(
      function("reshape", "inputs, output_shape, preserve_dims=1", &reshape));
  table.add(
      function("merge_leading_dims", "x, num_dims=2", &merge_leading_dims));
  table.add(function("split_leading_dim", "x, example, num_dims=2",
                     &split_leading_dim));
  table.add(function("scale_gradient", "t, scale", &scale_gradient));
  table.add(function("dense_gradient", "x", &dense_gradient));
  table.add(function(
      "leaky_clip_by_value", "t, clip_value_min, clip_value_max",
      [](const at::Tensor& t, const Nest& low, const Nest& high) {
        if (low.get_if<at::Tensor>() || high.get_if<at::Tensor>()) {
          return leaky_clip_by_value(t, tensor_of(low), tensor_of(high));
        }
        return leaky_clip_by_value(t, from_nest<double>(low, "low"),
                                   from_nest<double>(high, "high"));
      }));
}

}  // namespace snt::conformance
