#include "sonnet/core/deferred.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <string>
#include <thread>
#include <vector>

#include "sonnet/core/clone.h"
#include "sonnet/core/random.h"
#include "sonnet/core/variables.h"
#include "sonnet/layers/linear.h"
#include "sonnet/layers/sequential.h"
#include "sonnet/testing/message_of.h"

namespace snt::deferred_test {
namespace {

using at::Tensor;

// Another method than the call operator, and arguments.
struct Codec {
  std::string name = {};

  Linear linear{3};

  Tensor operator()(const Tensor& x, double scale = 1.0) const {
    return linear(x) * scale;
  }
  Tensor twice(const Tensor& x) const { return 2 * linear(x); }
};

const Tensor x = at::ones({2, 4});

TEST(Deferred, NeedsAConstructor) {
  const Deferred empty{Callable<Layer()>()};
  const std::string expected = "[Deferred] constructor must be given";
  EXPECT_EQ(message_of([&] { empty(x); }), expected);
  EXPECT_EQ(message_of([&] { empty.check(); }), expected);
  EXPECT_EQ(message_of([&] { empty.get<Linear>(); }), expected);
}

TEST(Deferred, MakesItsTargetOnTheFirstUse) {
  int made = 0;
  const Deferred deferred{[&] {
    ++made;
    return Linear{3};
  }};
  EXPECT_FALSE(deferred.target.is_built());
  EXPECT_TRUE(variables(deferred, {.allow_empty = true}).empty());
  EXPECT_EQ(made, 0);
  const Tensor y = deferred(x);
  EXPECT_TRUE(at::equal(deferred(x), y));
  EXPECT_EQ(deferred.get<Linear>().output_size, 3);
  EXPECT_EQ(made, 1);
  ASSERT_EQ(named_variables(deferred).size(), 2u);
  EXPECT_EQ(named_variables(deferred)[0].path, "target/w");
  EXPECT_EQ(deferred.get<Linear>().w.name(), "deferred/target/w");
}

TEST(Deferred, ReadsWhatOthersKnowOnlyThen) {
  const Linear encoder{6};
  const Deferred decoder{[encoder] { return Linear{encoder.input_size()}; }};
  EXPECT_THROW(decoder(at::ones({2, 6})), NotBuiltError);
  EXPECT_FALSE(decoder.target.is_built());  // An error is no construction.
  EXPECT_EQ(decoder(encoder(x)).sizes(), x.sizes());
  EXPECT_EQ(decoder.get<Linear>().input_size(), encoder.output_size.value);
  EXPECT_EQ(decoder.get<Linear>().output_size, encoder.input_size());
}

TEST(Deferred, ForwardsArgumentsAndMethods) {
  const Deferred deferred{[] { return Codec(); }};
  const Tensor y = deferred.get<Codec>().twice(x);
  EXPECT_TRUE(at::equal(deferred(x, 2.0), y));
  const Nest input(x);
  EXPECT_TRUE(at::equal(2 * deferred.call({&input, 1}).tensor(), y));
  EXPECT_EQ(message_of<TypeError>([&] { deferred(x, 1.0, 2.0); }),
            "[Codec] cannot be called with 3 arguments");
  EXPECT_EQ(message_of<TypeError>([&] { deferred.get<Linear>(); }),
            "[Deferred] the target is a Codec, not a Linear");
  deferred.get<Codec>().name = "changed";
  EXPECT_EQ(deferred.get<Codec>().name, "changed");
}

TEST(Deferred, IsALayer) {
  const Sequential net{
      {Deferred{[] { return Linear{3}; }}, Deferred{[] { return Linear{2}; }}}};
  EXPECT_EQ(net(x).sizes(), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(named_variables(net)[2].path, "layers/1/target/w");
  const Deferred nested{[] { return Deferred{[] { return Linear{3}; }}; }};
  nested(x);
  EXPECT_EQ(named_variables(nested)[0].path, "target/target/w");
}

TEST(Deferred, CopiesShareAndClonesDoNot) {
  int made = 0;
  const Deferred deferred{[&] {
    ++made;
    return Linear{3};
  }};
  const Deferred copy = deferred, early = clone(deferred);
  const Tensor y = copy(x);
  EXPECT_TRUE(at::equal(deferred(x), y));
  EXPECT_EQ(made, 1);
  EXPECT_FALSE(early.target.is_built());
  early(x);
  EXPECT_EQ(made, 2);

  const Deferred late = clone(deferred);
  EXPECT_TRUE(late.target.is_built());
  EXPECT_TRUE(at::equal(late(x), y));
  EXPECT_EQ(made, 2);
  late.get<Linear>().w.assign(at::zeros({4, 3}));
  EXPECT_TRUE(at::equal(deferred(x), y));
}

TEST(Deferred, PrintsAndStoresItsTarget) {
  const Deferred deferred{[] { return Linear{3}; }};
  EXPECT_EQ(repr(deferred), "Deferred(Linear(output_size=3))");
  EXPECT_TRUE(deferred.target.is_built());
  const Sequential net{{Deferred{[] { return Linear{3}; }, "late"}}};
  const auto read = from_json<Sequential>(to_json(net));
  const Deferred& again = *read.layers.at(0).get_if<Deferred>();
  EXPECT_EQ(again.name, "late");
  EXPECT_FALSE(again.target.is_built());
  EXPECT_EQ(again.get<Linear>().output_size, 3);
}

TEST(DeferredThread, IsMadeOnceWithTheVariablesOfOneThread) {
  for (int round = 0; round < 10; ++round) {
    snt::seed(5);
    const Linear alone{3};
    const Tensor expected = alone(x).detach();

    snt::seed(5);
    std::atomic<int> made = 0;
    const Deferred deferred{[&] {
      ++made;
      return Linear{3};
    }};
    std::barrier start(8);
    std::vector<Tensor> outputs(8);
    std::vector<std::thread> threads;
    for (Tensor& output : outputs) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        output = deferred(x).detach();
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(made, 1);
    for (const Tensor& output : outputs) {
      EXPECT_TRUE(at::equal(output, expected));
    }
    EXPECT_TRUE(at::equal(deferred.get<Linear>().w.value(), alone.w.value()));
  }
}

}  // namespace
}  // namespace snt::deferred_test
