// Normalisations: gradients of the sum of squares.

#include "benchmarks/sizes.h"
#include "benchmarks/workloads.h"

namespace benchmarks {
namespace {

// x is read, its gradient written.
constexpr double kImageBytes = 2.0 * 4 * sizes::kImage[0] * sizes::kImage[1] *
                               sizes::kImage[2] * sizes::kImage[3];

template <class M, class... Args>
Work norm_grad(const M& norm, const Args&... args) {
  const auto call = [=](const at::Tensor& x) {
    return norm(x, args...).square();
  };
  return {gradients(norm, call, numbers(sizes::kImage)), {0, kImageBytes}};
}

}  // namespace

std::vector<Row> norm_rows() {
  return {
      {"layer_norm_grad",
       [] {
         return norm_grad(snt::LayerNorm{
             .axis = -1, .create_scale = true, .create_offset = true});
       }},
      {"batch_norm_grad",
       [] {
         return norm_grad(
             snt::BatchNorm{.create_scale = true, .create_offset = true},
             /*is_training=*/true);
       }},
      {"group_norm_grad", [] { return norm_grad(snt::GroupNorm{8}); }},
      {"instance_norm_grad",
       [] {
         return norm_grad(
             snt::InstanceNorm{.create_scale = true, .create_offset = true});
       }},
  };
}

}  // namespace benchmarks
