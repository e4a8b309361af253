#include "sonnet/kernels/updates/one_pass_update.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <thread>

namespace snt::kernels::one_pass_update_test {
namespace {

// One operation, rounded: the compiler may not fuse it with the next.
float rounded(float x) {
  volatile float result = x;
  return result;
}
float times(float a, float b) { return rounded(a * b); }
float plus(float a, float b) { return rounded(a + b); }

// The arrays of one parameter.
struct Parameter {
  std::vector<float> theta, g, s0, s1, s2;

  UpdateArrays arrays() {
    return {theta.data(),
            g.data(),
            {s0.data(), s1.data(), s2.data()},
            static_cast<int64_t>(theta.size())};
  }
};

// Numbers of all sizes; slots that must not be negative are not.
Parameter random_parameter(size_t size, uint32_t seed) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> special = {
      0.0F, -0.0F, inf, -inf, std::nanf(""), 1e-45F, -1e-40F, 3e38F, 1e20F};
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  const auto draw = [&] {
    const uint32_t which = engine() % 100;
    return which < special.size() ? special[which] : normal(engine);
  };
  Parameter result;
  for (size_t i = 0; i < size; ++i) {
    result.theta.push_back(draw());
    result.g.push_back(draw());
    result.s0.push_back(draw());
    result.s1.push_back(std::fabs(draw()));
    result.s2.push_back(draw());
  }
  return result;
}

// A rule: of one number, and the kernel.
struct Rule {
  const char* name;
  std::function<void(float& theta, float g, float& s0, float& s1, float& s2)>
      one;
  std::function<void(const std::vector<UpdateArrays>&)> all;
};

std::vector<Rule> rules() {
  const float alpha = 0.1F;
  const MomentumNumbers plain{alpha, 0.9F, 0.09F, false};
  const MomentumNumbers nesterov{alpha, 0.9F, 0.09F, true};
  const RMSPropNumbers rms{alpha, 0.9F, 0.1F, 0.5F, 1e-10F, false};
  const RMSPropNumbers centered{alpha, 0.9F, 0.1F, 0.5F, 1e-3F, true};
  const AdamNumbers adam{alpha, 0.9F, 0.1F, 0.999F, 0.001F, 1e-8F};
  return {{"SGD",
           [=](float& theta, float g, float&, float&, float&) {
             theta = plus(theta, -times(alpha, g));
           },
           [=](const auto& arrays) { sgd_in_one_pass(arrays, alpha); }},
          {"Momentum",
           [=](float& theta, float g, float& m, float&, float&) {
             m = plus(times(0.9F, m), g);
             theta = plus(theta, -times(alpha, m));
           },
           [=](const auto& arrays) { momentum_in_one_pass(arrays, plain); }},
          {"Nesterov",
           [=](float& theta, float g, float& m, float&, float&) {
             m = plus(times(0.9F, m), g);
             theta = plus(plus(theta, -times(0.09F, m)), -times(alpha, g));
           },
           [=](const auto& arrays) { momentum_in_one_pass(arrays, nesterov); }},
          {"RMSProp",
           [=](float& theta, float g, float& mom, float& ms, float&) {
             ms = plus(times(0.9F, ms), times(times(0.1F, g), g));
             const float root = std::sqrt(plus(ms, 1e-10F));
             mom = plus(times(0.5F, mom),
                        times(times(alpha, g), rounded(1 / root)));
             theta = plus(theta, -mom);
           },
           [=](const auto& arrays) { rmsprop_in_one_pass(arrays, rms); }},
          {"CenteredRMSProp",
           [=](float& theta, float g, float& mom, float& ms, float& mg) {
             ms = plus(times(0.9F, ms), times(times(0.1F, g), g));
             mg = plus(times(0.9F, mg), times(0.1F, g));
             const float variance = std::fma(-mg, mg, ms);
             const float root = std::sqrt(plus(variance, 1e-3F));
             mom = plus(times(0.5F, mom),
                        times(times(alpha, g), rounded(1 / root)));
             theta = plus(theta, -mom);
           },
           [=](const auto& arrays) { rmsprop_in_one_pass(arrays, centered); }},
          {"Adam",
           [=](float& theta, float g, float& m, float& v, float&) {
             m = plus(times(0.9F, m), times(0.1F, g));
             v = plus(times(0.999F, v), times(times(0.001F, g), g));
             const float divisor = plus(std::sqrt(v), 1e-8F);
             theta = plus(theta, -rounded(times(alpha, m) / divisor));
           },
           [=](const auto& arrays) { adam_in_one_pass(arrays, adam); }}};
}

void update_slowly(const Rule& rule, Parameter& p) {
  for (size_t i = 0; i < p.theta.size(); ++i) {
    rule.one(p.theta[i], p.g[i], p.s0[i], p.s1[i], p.s2[i]);
  }
}

// The same bits, or both are NaN.
void expect_same(const std::vector<float>& got, const std::vector<float>& want,
                 const char* what) {
  ASSERT_EQ(got.size(), want.size());
  size_t different = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const bool is_same = std::memcmp(&got[i], &want[i], sizeof(float)) == 0 ||
                         (std::isnan(got[i]) && std::isnan(want[i]));
    if (is_same) continue;
    if (different == 0) {
      EXPECT_EQ(got[i], want[i]) << what << " " << i;
    }
    ++different;
  }
  EXPECT_EQ(different, 0u) << what;
}

void expect_same(const Parameter& got, const Parameter& want) {
  expect_same(got.theta, want.theta, "theta");
  expect_same(got.g, want.g, "g");
  expect_same(got.s0, want.s0, "slot 0");
  expect_same(got.s1, want.s1, "slot 1");
  expect_same(got.s2, want.s2, "slot 2");
}

// 100003 numbers are more than one piece of work.
std::vector<Parameter> all_sizes(uint32_t seed) {
  std::vector<Parameter> result;
  for (const size_t size : {0, 1, 7, 1000, 100003, 15, 16, 17, 33}) {
    result.push_back(random_parameter(size, seed++));
  }
  return result;
}

void expect_every_bit(const Rule& rule, std::vector<Parameter> got) {
  SCOPED_TRACE(rule.name);
  std::vector<Parameter> want = got;
  std::vector<UpdateArrays> arrays;
  for (Parameter& p : got) arrays.push_back(p.arrays());
  for (int step = 0; step < 2; ++step) {
    rule.all(arrays);
    for (Parameter& p : want) update_slowly(rule, p);
  }
  for (size_t i = 0; i < got.size(); ++i) expect_same(got[i], want[i]);
}

TEST(OnePassUpdate, IsTheFormulaToTheBit) {
  for (const Rule& rule : rules()) expect_every_bit(rule, all_sizes(1));
}

TEST(OnePassUpdate, TakesSmallListsAndNone) {
  for (const Rule& rule : rules()) {
    expect_every_bit(rule, {});
    expect_every_bit(rule, {random_parameter(0, 1)});
    expect_every_bit(rule, {random_parameter(5, 2), random_parameter(64, 3)});
  }
}

// Several small ones make a piece of work, between large ones too.
TEST(OnePassUpdate, TakesManySmallArrays) {
  std::vector<Parameter> parameters;
  for (uint32_t i = 0; i < 300; ++i) {
    parameters.push_back(random_parameter(i * 7 % 500, i));
  }
  for (const size_t i : {0, 100, 299}) {
    parameters[i] = random_parameter(40000, static_cast<uint32_t>(i));
  }
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  for (const Rule& rule : rules()) expect_every_bit(rule, parameters);
  at::set_num_threads(before);
}

TEST(OnePassUpdate, IsTheSameOnManyCores) {
  const int before = at::get_num_threads();
  at::set_num_threads(3);
  for (const Rule& rule : rules()) expect_every_bit(rule, all_sizes(2));
  at::set_num_threads(before);
}

TEST(OnePassUpdate, ThreadsOfTheProgramDoNotDisturbEachOther) {
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      const Rule rule = rules()[i + 2];
      expect_every_bit(rule, {random_parameter(40000, i)});
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Shifted by a few numbers, which no vector is aligned to.
TEST(OnePassUpdate, TakesAnyAddress) {
  for (const Rule& rule : rules()) {
    Parameter got = random_parameter(100, 5);
    Parameter want = got;
    UpdateArrays arrays = got.arrays();
    arrays.theta += 1;
    arrays.g += 1;
    for (float*& slot : arrays.slots) slot += 1;
    arrays.size -= 2;
    rule.all({arrays});
    for (size_t i = 1; i < 99; ++i) {
      rule.one(want.theta[i], want.g[i], want.s0[i], want.s1[i], want.s2[i]);
    }
    expect_same(got, want);
  }
}

UpdateArrays sgd_arrays(float* theta, const float* g, int64_t size) {
  return {theta, g, {}, size};
}

TEST(AreApart, SaysWhatSharesMemory) {
  std::array<float, 100> x;
  float* a = x.data();
  EXPECT_TRUE(are_apart({}));
  EXPECT_TRUE(are_apart({sgd_arrays(a, a + 10, 10)}));
  EXPECT_TRUE(are_apart({sgd_arrays(a + 10, a, 10)}));
  EXPECT_FALSE(are_apart({sgd_arrays(a, a + 9, 10)}));
  EXPECT_FALSE(are_apart({sgd_arrays(a + 9, a, 10)}));
  EXPECT_FALSE(are_apart({sgd_arrays(a, a, 10)}));
  EXPECT_TRUE(are_apart({sgd_arrays(a, a, 0)}));

  // Of different parameters.
  EXPECT_TRUE(
      are_apart({sgd_arrays(a, a + 20, 10), sgd_arrays(a + 10, a + 25, 10)}));
  EXPECT_FALSE(
      are_apart({sgd_arrays(a, a + 20, 10), sgd_arrays(a + 5, a + 40, 10)}));
  EXPECT_FALSE(
      are_apart({sgd_arrays(a, a + 20, 10), sgd_arrays(a + 50, a + 9, 2)}));
  // A long array around a short one, found past another.
  EXPECT_FALSE(
      are_apart({sgd_arrays(a, a + 50, 40), sgd_arrays(a + 90, a + 5, 1),
                 sgd_arrays(a + 30, a + 50, 5)}));
  EXPECT_TRUE(
      are_apart({sgd_arrays(a, a + 20, 10), sgd_arrays(a + 10, a + 20, 10)}));

  // Slots.
  EXPECT_TRUE(are_apart({{a, a + 10, {a + 20, a + 30, nullptr}, 10}}));
  EXPECT_FALSE(are_apart({{a, a + 10, {a + 20, a + 29, nullptr}, 10}}));
  EXPECT_FALSE(are_apart({{a, a + 10, {a + 12, nullptr, nullptr}, 10}}));

  // What is null does not count.
  EXPECT_TRUE(
      are_apart({sgd_arrays(a, nullptr, 10), sgd_arrays(nullptr, a + 10, 5)}));
  EXPECT_FALSE(
      are_apart({sgd_arrays(a, nullptr, 10), sgd_arrays(nullptr, a + 9, 5)}));
  EXPECT_TRUE(are_apart(
      {sgd_arrays(nullptr, nullptr, 10), sgd_arrays(nullptr, nullptr, 10)}));
}

}  // namespace
}  // namespace snt::kernels::one_pass_update_test
