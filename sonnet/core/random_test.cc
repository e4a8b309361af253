#include "sonnet/core/random.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <barrier>
#include <cmath>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sonnet/core/build.h"
#include "sonnet/core/clone.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/distributions.h"
#include "sonnet/layers/linear.h"
#include "sonnet/nets/mlp.h"

namespace snt::random_test {
namespace {

using at::Tensor;

Tensor draw(const std::optional<int64_t>& seed = {}) {
  return at::rand({4}, random::generator(seed), at::kDouble);
}

// The w of a Linear that is made as the `number`-th after seed(1).
Tensor weight(int number, int64_t output_size = 3) {
  snt::seed(1);
  for (int i = 0; i < number; ++i) Linear{5}(at::ones({1, 2}));
  const Linear linear{output_size};
  linear(at::ones({1, 2}));
  return linear.w.value().detach();
}

std::vector<Tensor> values_of(const nets::MLP& mlp) {
  std::vector<Tensor> result;
  for (const Variable& variable : variables(mlp)) {
    result.push_back(variable.value().detach());
  }
  return result;
}

nets::MLP make_mlp() {
  return {.output_sizes = {5, 4, 3}, .b_init = initializers::RandomNormal()};
}

TEST(Random, SeedRestartsEverything) {
  const auto all = [](uint64_t seed) {
    snt::seed(seed);
    return std::vector<Tensor>{draw(), draw(), draw(3), draw(3), at::rand({4})};
  };
  const std::vector<Tensor> first = all(1), again = all(1), other = all(2);
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_TRUE(at::equal(first[i], again[i])) << i;
    EXPECT_FALSE(at::equal(first[i], other[i])) << i;
  }
}

TEST(Random, EveryStreamIsAnother) {
  snt::seed(1);
  std::vector<Tensor> draws;
  for (int i = 0; i < 10; ++i) {
    draws.push_back(draw());
    for (const int64_t seed : {0, 1, 2, -1}) draws.push_back(draw(seed));
    const random::CreationStream stream;
    draws.push_back(draw());
    draws.push_back(draw());  // Goes on with the stream of the Variable.
    draws.push_back(draw(1));
  }
  for (size_t i = 0; i < draws.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      EXPECT_FALSE(at::equal(draws[i], draws[j])) << i << " and " << j;
    }
  }
}

TEST(Random, StreamsOfNeighbouringSeedsAreUnrelated) {
  // The mean of 2^16 products of two standard normal numbers has a standard
  // deviation of 2^-8; 5 of them: p_fail = 6e-7 for a new seed, 30 pairs.
  std::vector<Tensor> streams;
  for (const uint64_t seed : {0, 1, 2}) {
    snt::seed(seed);
    for (int i = 0; i < 2; ++i) {
      streams.push_back(at::randn({1 << 16}, random::generator(), at::kDouble));
    }
    streams.push_back(at::randn({1 << 16}, random::generator(1), at::kDouble));
  }
  for (size_t i = 0; i < streams.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      EXPECT_LT(std::abs((streams[i] * streams[j]).mean().item<double>()),
                5.0 / 256)
          << i << " and " << j;
    }
  }
}

TEST(Random, AVariableDrawsFromTheStreamOfItsNumber) {
  const Tensor expected = weight(2);
  EXPECT_FALSE(at::equal(expected, weight(1)));

  snt::seed(1);
  Linear{500}(at::ones({1, 2}));  // The sizes of others change nothing,
  Linear{5}(at::ones({0, 7}, at::kDouble));
  draw();  // nor does what else is drawn,
  draw(3);
  at::rand({100});
  Variable(at::ones({2}));  // nor variables that draw nothing.
  const Linear linear{3};
  linear(at::ones({1, 2}));
  EXPECT_TRUE(at::equal(linear.w.value(), expected));
}

TEST(Random, TwoModelsNeverShareAStream) {
  snt::seed(1);
  std::vector<Tensor> weights;
  for (int i = 0; i < 4; ++i) {
    const Linear called{3}, built{3};
    called(at::ones({1, 2}));
    build(built, Shape{1, 2});
    weights.push_back(called.w.value());
    weights.push_back(built.w.value());
  }
  const Linear cloned{3};
  const Linear copy = clone(cloned);
  cloned(at::ones({1, 2}));
  copy(at::ones({1, 2}));
  weights.push_back(cloned.w.value());
  weights.push_back(copy.w.value());
  for (size_t i = 0; i < weights.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      EXPECT_FALSE(at::equal(weights[i], weights[j])) << i << " and " << j;
    }
  }
}

TEST(Random, ARestoredVariableUsesItsNumberToo) {
  const Tensor expected = weight(1);
  snt::seed(1);
  const Linear restored{5};
  restored.w.restore(at::ones({2, 5}));
  restored(at::ones({1, 2}));
  const Linear linear{3};
  linear(at::ones({1, 2}));
  EXPECT_TRUE(at::equal(linear.w.value(), expected));
}

TEST(Random, KeepStateGivesBackAllButTheStreamsOfVariables) {
  snt::seed(1);
  draw(3);
  const std::vector<Tensor> expected = {draw(3), draw(), at::rand({4})};
  const Tensor first = weight(0), second = weight(1);
  snt::seed(1);
  draw(3);
  {
    const random::KeepState keep;
    for (int i = 0; i < 3; ++i) {
      draw(3);
      draw(4);
      draw();
      at::rand({5});
    }
    const Linear linear{5};
    linear(at::ones({1, 2}));
    EXPECT_TRUE(
        at::equal(linear.w.value().slice(1, 0, 0), first.slice(1, 0, 0)));
  }
  EXPECT_TRUE(at::equal(draw(3), expected[0]));
  EXPECT_TRUE(at::equal(draw(), expected[1]));
  EXPECT_TRUE(at::equal(at::rand({4}), expected[2]));
  const Linear linear{3};
  linear(at::ones({1, 2}));
  EXPECT_TRUE(at::equal(linear.w.value(), second));
}

TEST(RandomThread, FirstCallsAtOnceMakeTheVariablesOfOneThread) {
  for (int round = 0; round < 5; ++round) {
    snt::seed(7);
    const nets::MLP alone = make_mlp();
    const Tensor x = at::rand({2, 6});
    const Tensor expected = alone(x).detach();

    snt::seed(7);
    const nets::MLP mlp = make_mlp();
    std::barrier start(8);
    std::vector<Tensor> outputs(8);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < outputs.size(); ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        outputs[i] = mlp(x).detach();
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Tensor& output : outputs) {
      EXPECT_TRUE(at::equal(output, outputs[0]));
      EXPECT_TRUE(at::allclose(output, expected));
    }
    const auto a = values_of(mlp), b = values_of(alone);
    ASSERT_EQ(a.size(), 6u);
    for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(at::equal(a[i], b[i]));
  }
}

TEST(RandomThread, StreamsAreHandedOutOnce) {
  snt::seed(1);
  std::vector<std::vector<Tensor>> draws(8);
  std::vector<std::thread> threads;
  for (auto& mine : draws) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 10; ++i) {
        mine.push_back(draw());
        mine.push_back(draw(5));
        const random::CreationStream stream;
        mine.push_back(draw());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<Tensor> firsts;
  for (const auto& mine : draws) {
    for (const Tensor& each : mine) firsts.push_back(each.slice(0, 0, 1));
  }
  const Tensor sorted = std::get<0>(at::cat(firsts).sort());
  EXPECT_EQ(sorted.size(0), 240);
  EXPECT_TRUE((sorted.slice(0, 1) > sorted.slice(0, 0, -1)).all().item<bool>());
}

TEST(RandomThread, CreationOnOneThreadDoesNotShowOnAnother) {
  snt::seed(1);
  const Tensor expected = draw();
  snt::seed(1);
  const random::CreationStream stream;
  Tensor elsewhere;
  std::thread([&] { elsewhere = draw(); }).join();
  EXPECT_TRUE(at::equal(elsewhere, expected));
  EXPECT_FALSE(at::equal(draw(), expected));
}

}  // namespace
}  // namespace snt::random_test
