#include "sonnet/kernels/short_backward.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <optional>
#include <utility>
#include <vector>

#include "sonnet/core/gradients.h"
#include "sonnet/kernels/losses/cross_entropy.h"
#include "sonnet/kernels/products/dense_layers.h"

namespace snt::kernels::short_backward_test {
namespace {

using at::Tensor;

// Two bodies and a loss: a chain of three nodes.
struct Network {
  Tensor x = at::randn({5, 4});
  Tensor labels = at::randint(3, {5}, at::kLong);
  std::vector<Tensor> leaves = {leaf({4, 6}), leaf({6}),    leaf({6, 7}),
                                leaf({7}),    leaf({7, 3}), leaf({3})};

  static Tensor leaf(at::IntArrayRef shape) {
    return at::randn(shape).requires_grad_();
  }
  Tensor body(const Tensor& input) const {
    return dense_layers(input, {{leaves[0], leaves[1]}, {leaves[2], leaves[3]}},
                        true);
  }
  Tensor loss(const Tensor& hidden) const {
    install_cross_entropy();
    return at::cross_entropy_loss(
        dense_layers(hidden, DenseLayer{leaves[4], leaves[5]}, false), labels);
  }
  Tensor loss() const { return loss(body(x)); }
};

std::optional<std::vector<Tensor>> short_way(const Tensor& loss,
                                             const std::vector<Tensor>& leaves,
                                             bool retain_graph = true) {
  return short_backward(loss, at::ones({}), leaves, retain_graph);
}

std::vector<Tensor> engine(const Tensor& loss,
                           const std::vector<Tensor>& leaves) {
  return torch::autograd::grad({loss}, leaves, {at::ones({})}, true, false,
                               true);
}

TEST(ShortBackward, GivesWhatTheEngineGives) {
  const Network net;
  const Tensor loss = net.loss();
  std::vector<Tensor> leaves = net.leaves;
  std::swap(leaves[0], leaves[4]);
  leaves.push_back(at::ones({2}).requires_grad_());  // Not in the graph.
  for (int i = 0; i < 2; ++i) {
    const auto got = short_way(loss, leaves);
    ASSERT_TRUE(got.has_value());
    const auto want = engine(loss, leaves);
    for (size_t l = 0; l < 6; ++l) {
      EXPECT_TRUE(at::equal((*got)[l], want[l]));
      EXPECT_FALSE((*got)[l].requires_grad());
      EXPECT_FALSE(leaves[l].grad().defined());
    }
    EXPECT_FALSE((*got)[6].defined());
  }
}

TEST(ShortBackward, LetsGoOfTheGraph) {
  const Network net;
  const Tensor loss = net.loss();
  ASSERT_TRUE(short_way(loss, net.leaves, /*retain_graph=*/false));
  EXPECT_THROW(short_way(loss, net.leaves), c10::Error);
  EXPECT_THROW(engine(loss, net.leaves), c10::Error);
}

TEST(ShortBackward, LeavesOtherGraphsToTheEngine) {
  const Network net;
  EXPECT_TRUE(short_way(net.loss(), net.leaves));
  EXPECT_FALSE(short_way(2 * net.loss(), net.leaves));
  EXPECT_FALSE(short_way(net.loss(2 * net.body(net.x)), net.leaves));
  EXPECT_FALSE(short_way(
      net.loss(net.body(net.body(net.x).mm(at::ones({7, 4})))), net.leaves));
  // Some are not asked for, or asked for twice.
  EXPECT_FALSE(short_way(net.loss(), {net.leaves[4], net.leaves[5]}));
  std::vector<Tensor> twice = net.leaves;
  twice.push_back(net.leaves[0]);
  EXPECT_FALSE(short_way(net.loss(), twice));
  const auto given = gradients(net.loss(), twice);
  EXPECT_TRUE(at::equal(given.back(), given[0]));
  const Tensor x = Network::leaf({5, 4});
  EXPECT_FALSE(short_way(net.loss(net.body(x)), net.leaves));
  // A weight that is used twice.
  const Tensor w = Network::leaf({4, 4});
  const Tensor y = dense_layers(net.x, {{w, {}}, {w, {}}}, false);
  const Tensor loss = at::cross_entropy_loss(y, net.labels);
  EXPECT_FALSE(short_way(loss, {w}));
  EXPECT_TRUE(at::allclose(
      gradients(loss, std::vector<Tensor>{w})[0],
      gradients(at::cross_entropy_loss(net.x.mm(w).relu().mm(w), net.labels),
                std::vector<Tensor>{w})[0]));
  // What lies between.
  const Tensor hidden = net.body(net.x);
  EXPECT_FALSE(short_way(net.loss(hidden), {hidden}));
}

TEST(ShortBackward, LeavesHooksToTheEngine) {
  const auto expect_heard = [](const Network& net, const Tensor& hidden,
                               const Tensor& watched) {
    int heard = 0;
    watched.register_hook([&](const Tensor& d) {
      ++heard;
      return 2 * d;
    });
    const Tensor loss = net.loss(hidden);
    EXPECT_FALSE(short_way(loss, net.leaves));
    // libtorch 1.13 tells those of leaves nothing here.
    engine(loss, net.leaves);
    const int once = heard;
    EXPECT_TRUE(once == 1 || watched.is_leaf());
    gradients(loss, net.leaves);
    EXPECT_EQ(heard, 2 * once);
  };
  const Network net;
  const Tensor hidden = net.body(net.x);
  expect_heard(net, hidden, hidden);
  const Network other;
  expect_heard(other, other.body(other.x), other.leaves[2]);
}

}  // namespace
}  // namespace snt::kernels::short_backward_test
