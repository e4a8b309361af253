#include <ATen/ATen.h>

#include "sonnet/conformance/class_table.h"
#include "sonnet/distribute/cross_replica_batch_norm.h"
#include "sonnet/layers/base_batch_norm.h"
#include "sonnet/layers/batch_norm.h"
#include "sonnet/layers/group_norm.h"
#include "sonnet/layers/instance_norm.h"
#include "sonnet/layers/layer_norm.h"

namespace snt::conformance {
namespace {

template <class T>
RowOf<T> norm(const std::string& name) {
  return module<T>(name).call("inputs, scale=None, offset=None");
}

template <class T>
RowOf<T> batch_norm(const std::string& name) {
  return module<T>(name)
      .call(
          "inputs, is_training, test_local_stats=False, scale=None, "
          "offset=None")
      .method("shape",
              [name](const T& m) { return m.shape.get(name, "shape"); });
}

// Normalised by the batch, without a change of state.
ExampleArgs local_stats(std::vector<int64_t> shape) {
  return [shape](at::ScalarType dtype) {
    return std::vector<Nest>{at::randn(shape).to(dtype), false, true};
  };
}

constexpr const char* kMetrics = R"({
    "create_scale": true, "create_offset": true,
    "moving_mean": {"class": "ExponentialMovingAverage",
                    "config": {"decay": 0.9}},
    "moving_variance": {"class": "Mean"}})";

}  // namespace

void add_normalization_rows(ClassTable& table) {
  table.add(norm<LayerNorm>("LayerNorm")
                .example(R"({"axis": {"slice": [1, null]},
                             "create_scale": true, "create_offset": true})",
                         floats({2, 3, 4})));
  table.add(norm<InstanceNorm>("InstanceNorm")
                .example(R"({"create_scale": true, "create_offset": true})",
                         floats({2, 3, 4, 5})));
  table.add(norm<GroupNorm>("GroupNorm")
                .example(R"({"groups": 2})", floats({2, 3, 4})));
  table.add(batch_norm<BaseBatchNorm>("BaseBatchNorm")
                .example(kMetrics, local_stats({3, 2, 5})));
  table.add(batch_norm<BatchNorm>("BatchNorm")
                .example(R"({"create_scale": true, "create_offset": true})",
                         local_stats({3, 4, 2, 5})));
  table.add(batch_norm<distribute::CrossReplicaBatchNorm>(
                "distribute.CrossReplicaBatchNorm")
                .example(kMetrics, local_stats({6, 4})));
}

}  // namespace snt::conformance
