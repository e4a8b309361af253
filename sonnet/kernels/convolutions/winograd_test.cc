#include "sonnet/kernels/convolutions/winograd.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "sonnet/kernels/convolutions/convolution.h"
#include "sonnet/kernels/convolutions/reference_test.h"
#include "sonnet/kernels/simd.h"

namespace snt::kernels::winograd_test {
namespace {

using at::Tensor;

// A convolution with 3 x 3 weights; its arrays.
struct Case {
  ConvWindow window;
  Tensor x, w, y, b;

  ConvProblem problem() const {
    return {x.sizes(), w.sizes(), y.sizes(), window};
  }
};

Case make_case(int64_t batch, int64_t height, int64_t width, int64_t in,
               int64_t out, ConvSizes before, ConvSizes after) {
  Case c;
  c.window = {{1, 1}, std::move(before), std::move(after), {1, 1}, 1};
  c.x = random_channels_last({batch, in, height, width});
  c.w = at::randn({3, 3, in, out}).movedim({-1, -2}, {0, 1});
  c.y = random_channels_last(
      {batch, out, height + c.window.before[0] + c.window.after[0] - 2,
       width + c.window.before[1] + c.window.after[1] - 2});
  c.b = at::randn({out});
  return c;
}

Case random_case(std::mt19937& random) {
  const auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  return make_case(pick(1, 4), pick(3, 19), pick(3, 19), pick(1, 50),
                   pick(1, 50), {pick(0, 4), pick(0, 4)},
                   {pick(0, 4), pick(0, 4)});
}

// By libtorch, in float64: y, and the gradients of x, w and b from that of y.
struct Wanted {
  Tensor y, x, w, b;
};
Wanted slow(const Case& c, const Tensor& dy) {
  const Tensor x = at::constant_pad_nd(c.x.to(at::kDouble).contiguous(),
                                       {c.window.before[1], c.window.after[1],
                                        c.window.before[0], c.window.after[0]});
  const Tensor w = c.w.to(at::kDouble).contiguous();
  const ConvSizes ones = {1, 1}, none = {0, 0};
  const auto all =
      at::convolution_backward(dy.to(at::kDouble).contiguous(), x, w,
                               at::OptionalIntArrayRef({w.size(0)}), ones, none,
                               ones, false, none, 1, {true, true, true});
  return {at::conv2d(x, w),
          std::get<0>(all)
              .narrow(2, c.window.before[0], c.x.size(2))
              .narrow(3, c.window.before[1], c.x.size(3)),
          std::get<1>(all), std::get<2>(all)};
}

// Errors are those of sums of large numbers: they are as large as these are.
void expect_near(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(got.sizes(), want.sizes());
  const double size = want.abs().max().item<double>() + 1e-30;
  EXPECT_LT((got.to(at::kDouble) - want).abs().max().item<double>() / size,
            1e-5);
}

ConvArrays arrays(const Case& c) {
  return {.x = c.x.data_ptr<float>(),
          .w = c.w.data_ptr<float>(),
          .y = c.y.data_ptr<float>()};
}

void expect_definition(const Case& c) {
  const Tensor dy = c.y.clone();
  const Wanted wanted = slow(c, dy);
  const auto run = [&](ConvPass pass, const Tensor& to, ConvArrays all) {
    to.fill_(NAN);  // All of it is written.
    run_winograd(c.problem(), c.w.strides(), pass, all);
  };

  const Tensor dx = at::empty_like(c.x);
  ConvArrays all = arrays(c);
  all.x = dx.data_ptr<float>();
  run(ConvPass::x, dx, all);
  expect_near(dx, wanted.x);

  Case to_w = c;
  to_w.w = at::empty_strided(c.w.sizes(), c.w.strides());
  const Tensor db = at::empty_like(c.b);
  all = arrays(to_w);
  all.b = db.data_ptr<float>();
  run(ConvPass::w, to_w.w, all);
  expect_near(to_w.w, wanted.w);
  expect_near(db, wanted.b);
  all.b = nullptr;
  const Tensor first = to_w.w.clone();
  run(ConvPass::w, to_w.w, all);
  EXPECT_TRUE(at::equal(to_w.w, first));  // The same at every run.

  run(ConvPass::y, c.y, arrays(c));
  expect_near(c.y, wanted.y);
}

TEST(Winograd, RandomShapesAgainstFloat64) {
  for (int level = 0; level <= 2; ++level) {
    limit_isa_level(level);
    std::mt19937 random(3);
    for (int64_t i = 0; i < 25; ++i) {
      SCOPED_TRACE(testing::Message() << "level " << level << ", case " << i);
      expect_definition(random_case(random));
    }
  }
  limit_isa_level(2);
}

// Chunks of tiles of one thread each, several for each; chunks that all share;
// several of these.
TEST(Winograd, ManyTilesAndManyChannels) {
  expect_definition(make_case(5, 57, 54, 32, 48, {1, 1}, {1, 1}));
  expect_definition(make_case(1, 30, 30, 270, 200, {1, 1}, {1, 1}));
  expect_definition(make_case(4, 34, 34, 260, 140, {0, 0}, {0, 0}));
  expect_definition(make_case(1, 60, 60, 520, 40, {1, 0}, {0, 1}));
}

TEST(Winograd, WeightsOfAnyStrides) {
  Case c = make_case(2, 9, 13, 21, 35, {1, 1}, {1, 1});
  c.w = at::randn({35, 21, 3, 3});
  expect_definition(c);
  c.w = at::randn({40, 3, 21, 3}).permute({0, 2, 1, 3}).slice(0, 0, 35);
  expect_definition(c);
}

TEST(Winograd, WithWhatFollows) {
  const Case c = make_case(3, 13, 10, 19, 37, {1, 1}, {1, 1});
  const Tensor factor = at::randn({37}),
               addend = random_channels_last(c.y.sizes().vec());
  const Tensor y = slow(c, c.y).y;
  const auto wide = [](const Tensor& t) {
    return t.to(at::kDouble).view({-1, 1, 1});
  };
  ConvArrays all = arrays(c);
  all.b = c.b.data_ptr<float>();
  run_winograd(c.problem(), c.w.strides(), ConvPass::y, all);
  expect_near(c.y, y + wide(c.b));
  all.factor = factor.data_ptr<float>();
  run_winograd(c.problem(), c.w.strides(), ConvPass::y, all, /*relu=*/true);
  expect_near(c.y, (y * wide(factor) + wide(c.b)).relu());
  all.addend = addend.data_ptr<float>();
  run_winograd(c.problem(), c.w.strides(), ConvPass::y, all, /*relu=*/true);
  expect_near(c.y,
              (y * wide(factor) + wide(c.b) + addend.to(at::kDouble)).relu());
}

// As the public functions take it.
TEST(Winograd, IsUsedWhereItPays) {
  const auto pays = [](const Case& c) { return pays_winograd(c.problem()); };
  Case c = make_case(2, 32, 32, 64, 64, {1, 1}, {1, 1});
  EXPECT_TRUE(pays(c));
  expect_near(convolution(c.x, c.w, {}, c.window, c.y.sizes()), slow(c, c.y).y);
  EXPECT_FALSE(pays(make_case(2, 32, 32, 3, 64, {1, 1}, {1, 1})));
  EXPECT_FALSE(pays(make_case(2, 32, 32, 64, 3, {1, 1}, {1, 1})));
  EXPECT_FALSE(pays(make_case(1, 14, 14, 64, 64, {1, 1}, {1, 1})));
  EXPECT_FALSE(pays(make_case(64, 4, 1, 64, 64, {1, 1}, {1, 1})));
  c.window.rate = {1, 2};
  EXPECT_FALSE(pays(c));
  c.window.rate = {1, 1};
  c.window.stride = {2, 1};
  EXPECT_FALSE(pays(c));
  c.window.stride = {1, 1};
  c.window.groups = 2;
  EXPECT_FALSE(pays(c));
}

// One number that is not finite spoils its squares, and no others.
TEST(Winograd, NumbersThatAreNoneStayNear) {
  const Case c = make_case(1, 32, 32, 16, 16, {1, 1}, {1, 1});
  c.x[0][3][9][9] = NAN;
  run_winograd(c.problem(), c.w.strides(), ConvPass::y, arrays(c));
  const Tensor spoilt = c.y.isnan().any(1)[0];
  EXPECT_TRUE(spoilt.narrow(0, 8, 3).narrow(1, 8, 3).all().item<bool>());
  spoilt.narrow(0, 4, 8).narrow(1, 4, 8).fill_(false);
  EXPECT_FALSE(spoilt.any().item<bool>());
}

}  // namespace
}  // namespace snt::kernels::winograd_test
