#include "examples/support/strokes.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace examples {
namespace {

// The distance of each image to each, [N, M].
at::Tensor distances(const at::Tensor& a, const at::Tensor& b) {
  return at::cdist(a.flatten(1).to(at::kFloat), b.flatten(1).to(at::kFloat));
}

TEST(DrawDigits, MakesNoneAndOne) {
  EXPECT_EQ(draw_digits(0).images.sizes(), at::IntArrayRef({0, 28, 28}));
  const LabelledImages one = draw_digits(1, {.size = 9});
  EXPECT_EQ(one.images.sizes(), at::IntArrayRef({1, 9, 9}));
  EXPECT_EQ(one.labels.sizes(), at::IntArrayRef({1}));
}

TEST(DrawDigits, HasAllClassesAboutEquallyOften) {
  const at::Tensor counts = at::bincount(draw_digits(2000).labels, {}, 10);
  EXPECT_EQ(counts.size(0), 10);
  // 200 each; 5 standard deviations are 67.
  EXPECT_GT(counts.min().item<int64_t>(), 133);
  EXPECT_LT(counts.max().item<int64_t>(), 267);
}

TEST(DrawDigits, DependsOnlyOnTheOptions) {
  const LabelledImages many = draw_digits(200, {.seed = 5});
  const int threads = at::get_num_threads();
  at::set_num_threads(threads == 1 ? 2 : 1);
  const LabelledImages few = draw_digits(70, {.seed = 5});
  at::set_num_threads(threads);
  EXPECT_TRUE(many.images.slice(0, 0, 70).equal(few.images));
  EXPECT_TRUE(many.labels.slice(0, 0, 70).equal(few.labels));
  EXPECT_FALSE(draw_digits(70, {.seed = 6}).labels.equal(few.labels));
}

TEST(DrawDigits, DrawsOneShapePerClassWithoutVariety) {
  const LabelledImages set = draw_digits(40, {.noise = 0, .variety = 0});
  const at::Tensor same_class = set.labels.unsqueeze(1).eq(set.labels);
  EXPECT_TRUE(distances(set.images, set.images).eq(0).equal(same_class));
}

TEST(DrawDigits, VariesEachImageButKeepsClassesApart) {
  const LabelledImages known = draw_digits(2000, {.seed = 1});
  const LabelledImages asked = draw_digits(500, {.seed = 2});
  const at::Tensor nearest = distances(asked.images, known.images).argmin(1);
  const double right = known.labels.index_select(0, nearest)
                           .eq(asked.labels)
                           .to(at::kFloat)
                           .mean()
                           .item<double>();
  EXPECT_GT(right, 0.8);  // A task that can be learned,
  EXPECT_LT(right, 1.0);  // but not by looking images up.
}

TEST(DrawDigits, KeepsStrokesInsideAndTheBackgroundDark) {
  const at::Tensor images =
      draw_digits(500, {.noise = 0}).images.to(at::kFloat) / 255;
  const double ink = images.mean().item<double>();
  EXPECT_GT(ink, 0.05);
  EXPECT_LT(ink, 0.25);
  EXPECT_LT(images.select(1, 0).mean().item<double>(), 0.03);
  EXPECT_LT(images.select(2, 27).mean().item<double>(), 0.03);
}

}  // namespace
}  // namespace examples
