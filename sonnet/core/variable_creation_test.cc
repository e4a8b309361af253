// How a Variable gets its first value: once, alone, and from a stream of its
// own.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/random.h"
#include "sonnet/core/variable.h"
#include "sonnet/testing/message_of.h"

namespace snt::variable_creation_test {
namespace {

// 0.5, 1.5, 2.5, ...: every element is another.
at::Tensor uneven(at::IntArrayRef shape, at::ScalarType dtype = at::kFloat) {
  return (at::arange(c10::multiply_integers(shape)) + 0.5)
      .reshape(shape)
      .to(dtype);
}
struct Uneven {
  at::Tensor operator()(at::IntArrayRef shape, at::ScalarType dtype) const {
    return uneven(shape, dtype);
  }
};
struct Normal {
  at::Tensor operator()(at::IntArrayRef shape, at::ScalarType dtype) const {
    return at::normal(0, 1, shape, random::generator(),
                      at::TensorOptions(dtype));
  }
};

TEST(Create, CallsTheInitializerOnce) {
  const Variable w;
  int calls = 0;
  const Initializer init = [&](at::IntArrayRef shape, at::ScalarType dtype) {
    ++calls;
    return uneven(shape, dtype);
  };
  const at::Tensor x = at::ones({2, 3}, at::kDouble);
  const at::Tensor& value = w.create({3, 5}, x, init);
  EXPECT_EQ(value.dtype(), at::kDouble);
  EXPECT_TRUE(at::equal(value, uneven({3, 5}, at::kDouble)));
  EXPECT_EQ(&w.create({3, 5}, at::ones({1, 3}), init), &value);
  EXPECT_EQ(&w.value(), &value);
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(w.is_built());
  EXPECT_EQ(w.shape(), (at::IntArrayRef{3, 5}));
  EXPECT_EQ(w.dtype(), at::kDouble);
  EXPECT_EQ(w.device(), at::Device(at::kCPU));
}

TEST(Create, EdgeShapes) {
  EXPECT_EQ(Variable().create({}, at::kFloat, Uneven()).item<float>(), 0.5f);
  EXPECT_EQ(Variable().create({0, 3}, at::kFloat, Uneven()).sizes(),
            (at::IntArrayRef{0, 3}));
}

TEST(Create, TakesTheFallbackForAnUnsetInitializer) {
  const at::Tensor x = at::ones({2});
  const Variable a, b, c;
  const Initializer ones = [](at::IntArrayRef shape, at::ScalarType dtype) {
    return at::ones(shape, dtype);
  };
  EXPECT_EQ(a.create({1}, x, Initializer(), Uneven()).item<float>(), 0.5f);
  EXPECT_EQ(b.create({1}, x, ones, Uneven()).item<float>(), 1.0f);
  EXPECT_THROW(c.create({1}, x, Initializer()), std::bad_function_call);
  EXPECT_FALSE(c.is_built());
}

TEST(Create, GivesALeafThatSharesStorageWithNothing) {
  const at::Tensor base = uneven({4, 4}).requires_grad_();
  const auto check_own = [&](const Initializer& init) {
    const Variable w;
    const at::Tensor& value = w.create({4, 4}, at::kFloat, init);
    EXPECT_TRUE(value.is_leaf());
    EXPECT_TRUE(value.requires_grad());
    EXPECT_FALSE(value.is_view());
    EXPECT_TRUE(value.is_contiguous());
    EXPECT_FALSE(value.is_alias_of(base));
  };
  const auto returns = [](at::Tensor t) {
    return [t](at::IntArrayRef, at::ScalarType) { return t; };
  };
  check_own(returns(base));
  check_own(returns(base.view({16}).view({4, 4})));
  check_own(returns(base.t()));
  check_own(returns(base * 2));
  check_own(returns(at::ones({1}).expand({4, 4})));
  check_own(returns(at::ones({4, 4}, at::kDouble)));  // Another dtype.
}

TEST(Create, InWhateverModeTheCallerIs) {
  for (const char* mode : {"plain", "no grad", "inference"}) {
    const Variable w;
    {
      std::optional<at::NoGradGuard> no_grad;
      std::optional<c10::InferenceMode> inference;
      if (mode == std::string("no grad")) no_grad.emplace();
      if (mode == std::string("inference")) inference.emplace();
      w.create({2}, at::kFloat, Uneven());
    }
    EXPECT_FALSE(w.value().is_inference()) << mode;
    EXPECT_TRUE(w.value().requires_grad()) << mode;
    (w.value() * w.value()).sum().backward();
    EXPECT_TRUE(at::equal(w.value().grad(), at::tensor({1.0f, 3.0f}))) << mode;
  }
}

TEST(Create, AnotherShapeIsAnError) {
  const Variable w;
  w.create({3, 5}, at::kFloat, Uneven());
  const auto again = [&] { w.create({5, 3}, at::kFloat, Uneven()); };
  EXPECT_STREQ(message_of(again).c_str(),
               "[Variable] was created with shape [3, 5], but this call needs "
               "[5, 3]");
  w.set_path("body/w", "net/body/w");
  EXPECT_STREQ(message_of(again).c_str(),
               "[Variable body/w] was created with shape [3, 5], but this call "
               "needs [5, 3]");
}

TEST(Create, TheInitializerMustGiveTheShape) {
  const Variable w;
  const auto create = [&] {
    w.create({3}, at::kFloat, [](at::IntArrayRef, at::ScalarType dtype) {
      return at::ones({1}, dtype);
    });
  };
  EXPECT_STREQ(message_of(create).c_str(),
               "[Variable] the initializer must give shape [3], got [1]");
  w.set_path("w", "net/w");
  EXPECT_STREQ(message_of(create).c_str(),
               "[Variable w] the initializer must give shape [3], got [1]");
  EXPECT_FALSE(w.is_built());
}

TEST(Create, AnInitializerThatThrowsLeavesItEmpty) {
  const Variable w;
  EXPECT_THROW(w.create({2}, at::kFloat,
                        [](at::IntArrayRef, at::ScalarType) -> at::Tensor {
                          throw std::runtime_error("disk full");
                        }),
               std::runtime_error);
  EXPECT_FALSE(w.is_built());
  EXPECT_TRUE(at::equal(w.create({2}, at::kFloat, Uneven()), uneven({2})));
}

// ---------------------------------------------------------- initial values

at::Tensor drawn(at::IntArrayRef shape) {
  return Variable().create(shape, at::kFloat, Normal());
}

TEST(Seed, RepeatsAllInitialValues) {
  seed(3);
  const at::Tensor first = drawn({4}), second = drawn({4});
  EXPECT_FALSE(at::equal(first, second));
  seed(3);
  EXPECT_TRUE(at::equal(drawn({4}), first));
  EXPECT_TRUE(at::equal(drawn({4}), second));
  seed(4);
  EXPECT_FALSE(at::equal(drawn({4}), first));
}

TEST(Seed, TheSizesOfOthersChangeNothing) {
  seed(3);
  drawn({4});
  const at::Tensor second = drawn({4});
  seed(3);
  drawn({1000});
  EXPECT_TRUE(at::equal(drawn({4}), second));
  seed(3);
  Variable().create({2}, at::kFloat, Uneven());  // Draws nothing.
  EXPECT_TRUE(at::equal(drawn({4}), second));
}

// Numbered when it is created, not when it is declared.
TEST(Seed, StreamsAreNumberedInTheOrderOfCreation) {
  seed(3);
  const at::Tensor first = drawn({4}), second = drawn({4});
  seed(3);
  const Variable a, b;
  const Variable filled(at::ones({2}));  // Has a value, needs no stream.
  EXPECT_TRUE(at::equal(b.create({4}, at::kFloat, Normal()), first));
  EXPECT_TRUE(at::equal(b.create({4}, at::kFloat, Normal()), first));
  EXPECT_TRUE(at::equal(a.create({4}, at::kFloat, Normal()), second));
}

// A part of the model that is read from a checkpoint changes no other part.
TEST(Seed, ARestoredVariableUsesItsNumberToo) {
  seed(3);
  drawn({4});
  const at::Tensor second = drawn({4});
  seed(3);
  const Variable restored;
  restored.restore(uneven({4}));
  EXPECT_TRUE(
      at::equal(restored.create({4}, at::kFloat, Normal()), uneven({4})));
  EXPECT_TRUE(at::equal(drawn({4}), second));
}

TEST(Seed, AllDrawsOfOneInitializerAreOneStream) {
  const auto twice = [](at::IntArrayRef shape, at::ScalarType dtype) {
    return at::stack({Normal()(shape, dtype), Normal()(shape, dtype)}).sum(0);
  };
  seed(3);
  const Variable w;
  w.create({4}, at::kFloat, twice);
  const at::Tensor next = drawn({4});
  seed(3);
  const at::Tensor first = drawn({4});
  EXPECT_TRUE(at::equal(drawn({4}), next));
  EXPECT_FALSE(at::equal(w.value(), 2 * first));
}

TEST(Seed, AThreadDrawsWhatTheMainThreadWould) {
  seed(3);
  const at::Tensor first = drawn({4});
  seed(3);
  at::Tensor in_thread;
  std::thread([&] { in_thread = drawn({4}); }).join();
  EXPECT_TRUE(at::equal(in_thread, first));
}

// ------------------------------------------------------------------ threads

constexpr int kThreads = 8;

// Runs f(i) on all threads, at once as far as possible.
template <class F>
void at_once(const F& f) {
  std::atomic<int> waiting = kThreads;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      --waiting;
      while (waiting > 0) std::this_thread::yield();
      f(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(CreateThreads, TheFirstCallsMakeOne) {
  for (int round = 0; round < 20; ++round) {
    const Variable w;
    std::atomic<int> calls = 0;
    const Initializer init = [&](at::IntArrayRef shape, at::ScalarType dtype) {
      ++calls;
      std::this_thread::yield();
      return uneven(shape, dtype);
    };
    std::vector<const at::Tensor*> seen(kThreads);
    std::vector<double> sums(kThreads);
    at_once([&](int i) {
      const Variable handle = w;
      const at::Tensor& value = handle.create({2, 3}, at::kFloat, init);
      seen[i] = &value;
      sums[i] = value.sum().item<double>();
    });
    EXPECT_EQ(calls, 1);
    for (int i = 0; i < kThreads; ++i) {
      EXPECT_EQ(seen[i], &w.value());
      EXPECT_EQ(sums[i], 18.0);
    }
  }
}

TEST(CreateThreads, ReadersWhileItIsCreated) {
  for (int round = 0; round < 20; ++round) {
    const Variable w;
    std::atomic<int> early = 0;
    at_once([&](int i) {
      if (i == 0) {
        w.create({4}, at::kFloat, Uneven());
        return;
      }
      while (!w.is_built()) {
        try {
          EXPECT_EQ(w.value().numel(), 4);
        } catch (const NotBuiltError&) {
          ++early;
        }
        EXPECT_TRUE(w.trainable());
        EXPECT_FALSE(w.is_omitted());
        std::this_thread::yield();
      }
      EXPECT_EQ(w.value().sum().item<double>(), 8.0);
      EXPECT_TRUE(w.value().requires_grad());
    });
    EXPECT_GE(early, 0);
  }
}

TEST(CreateThreads, DeclaredWhileOthersAsk) {
  const Variable w;
  at_once([&](int i) {
    if (i % 2 == 0) {
      w.declare_trainable(false);
      w.create({4}, at::kFloat, Uneven());
      w.omit();
    } else {
      (void)w.trainable();
      w.set_path("w", "net/w");
      EXPECT_TRUE(w.path() == "w");
    }
  });
  EXPECT_FALSE(w.trainable());
  EXPECT_FALSE(w.value().requires_grad());
}

// Each draws from a stream of its own, in whatever order they come.
TEST(CreateThreads, DifferentVariablesDrawDifferentStreams) {
  seed(3);
  std::vector<at::Tensor> alone;
  for (int i = 0; i < kThreads; ++i) alone.push_back(drawn({4}));
  seed(3);
  std::vector<at::Tensor> drawn_at_once(kThreads);
  at_once([&](int i) { drawn_at_once[i] = drawn({4}); });
  for (const at::Tensor& expected : alone) {
    int found = 0;
    for (const at::Tensor& value : drawn_at_once) {
      found += at::equal(value, expected);
    }
    EXPECT_EQ(found, 1);
  }
}

}  // namespace
}  // namespace snt::variable_creation_test
