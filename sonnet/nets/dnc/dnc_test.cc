#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/variables.h"
#include "sonnet/nets/dnc/control.h"
#include "sonnet/nets/dnc/read.h"
#include "sonnet/nets/dnc/util.h"
#include "sonnet/nets/dnc/write.h"
#include "sonnet/recurrent/deep_rnn.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/message_of.h"

namespace snt::nets::dnc::dnc_test {
namespace {

TEST(DncRead, WeighsTheRows) {
  const at::Tensor memory = at::randn({2, 5, 3});
  at::Tensor weights = at::zeros({2, 4, 5});
  weights.select(2, 1).fill_(2);
  const at::Tensor words = read::read(memory, weights);
  expect_close(words, (2 * memory.select(1, 1)).unsqueeze(1).expand({2, 4, 3}),
               10);
  expect_close(read::read(memory, weights, activations::tanh, true, true),
               at::tanh(words), 10);
  EXPECT_EQ(message_of([&] { read::read(memory, memory); }),
            "[dnc::read] weights must be [batch, num_reads, memory_size] for "
            "memory [batch, memory_size, word_size], got [2, 5, 3] for [2, 5, "
            "3]");
}

TEST(DncWrite, ErasesAndAddsHeadByHead) {
  const at::Tensor memory = at::randn({2, 5, 3}), address = at::rand({2, 4, 5});
  const at::Tensor resets = at::rand({2, 4, 3}), values = at::randn({2, 4, 3});
  at::Tensor erased = memory.clone(), rows = memory.clone();
  at::Tensor added = at::zeros_like(memory);
  for (int64_t h = 0; h < 4; ++h) {
    const at::Tensor w = address.select(1, h).unsqueeze(2);  // [2, 5, 1]
    erased = erased * (1 - w * resets.select(1, h).unsqueeze(1));
    rows = rows * (1 - w * resets.select(1, h).narrow(1, 0, 1).unsqueeze(1));
    added = added + w * values.select(1, h).unsqueeze(1);
  }
  expect_close(write::erase(memory, address, resets), erased, 10);
  expect_close(write::erase_rows(memory, address, resets.select(2, 0)), rows,
               10);
  expect_close(write::additive_write(memory, address, values), memory + added,
               10);
  expect_close(write::erase_and_write(memory, address, resets, values),
               erased + added, 10);
  EXPECT_THROW(write::erase(memory, address, address), ValueError);
  EXPECT_THROW(write::erase_rows(memory, address, resets), ValueError);
  EXPECT_THROW(write::additive_write(memory, values, values), ValueError);
}

TEST(DncUtil, SegmentDim) {
  const at::Tensor x = at::arange(84).reshape({2, 14, 3});
  const auto pieces = util::segment_dim(x, -2, {{3, 3}, {5}});
  EXPECT_TRUE(at::equal(pieces[0], x.narrow(1, 0, 9).reshape({2, 3, 3, 3})));
  EXPECT_TRUE(at::equal(pieces[1], x.narrow(1, 9, 5)));
  EXPECT_EQ(util::segment_dim(x, 2, {{}})[0].sizes(), (at::IntArrayRef{2, 14}));
  EXPECT_EQ(message_of([&] { util::segment_dim(x, 3, {}); }),
            "[dnc::segment_dim] Invalid dims (3)");
  EXPECT_THROW(util::segment_dim(x, 1, {{15}}), ValueError);
}

TEST(DncUtil, InvertsAndGathersRowByRow) {
  const at::Tensor p = at::tensor({2, 0, 1, 1, 2, 0}, at::kInt).reshape({2, 3});
  const at::Tensor inverse = util::batch_invert_permutation(p);
  EXPECT_EQ(inverse.scalar_type(), at::kInt);
  EXPECT_TRUE(at::equal(
      inverse, at::tensor({1, 2, 0, 2, 0, 1}, at::kInt).reshape({2, 3})));
  const at::Tensor values = at::randn({2, 3, 4});
  const at::Tensor got = util::batch_gather(values, p);
  EXPECT_TRUE(at::equal(got[0][0], values[0][2]));
  EXPECT_TRUE(at::equal(got[1][1], values[1][2]));
  EXPECT_THROW(util::batch_gather(values, p + 1), ValueError);
  EXPECT_THROW(util::batch_invert_permutation(p * 0), ValueError);
}

TEST(DncUtil, OneHotAndLinears) {
  EXPECT_TRUE(at::equal(util::one_hot(3, -1), at::tensor({0.0, 0.0, 1.0})));
  EXPECT_THROW(util::one_hot(3, 3), ValueError);
  const Linear a{3}, b{3};
  const at::Tensor x = at::randn({2, 4}), y = at::randn({2, 5});
  EXPECT_TRUE(at::equal(util::apply_split_linear(a, b, x, y), a(x) + b(y)));
  EXPECT_TRUE(at::equal(
      util::apply_linear(std::pair(x, y), std::pair<Layer, Layer>(a, b),
                         activations::tanh),
      at::tanh(a(x) + b(y))));
  EXPECT_TRUE(at::equal(util::apply_linear(x, a), a(x)));
}

TEST(DncControl, FeedForwardPassesItsStateOn) {
  const control::FeedForward core{3};
  const at::Tensor x = at::randn({2, 4}), state = at::randn({2, 1});
  const auto [y, next] = core(x, state);
  EXPECT_TRUE(at::equal(y, at::tanh(core.linear(x))));
  EXPECT_TRUE(at::equal(next, state));
  EXPECT_EQ(core.initial_state(5).sizes(), (at::IntArrayRef{5, 1}));
  EXPECT_EQ(variables(core).size(), 2u);
}

TEST(DncControl, DeepCoreNamesItsLayers) {
  const Core skip = control::deep_core("LSTM", R"({"hidden_size": 3})", 2);
  EXPECT_EQ(skip(at::ones({2, 4}), skip.initial_state(2)).first.sizes(),
            (at::IntArrayRef{2, 6}));
  ASSERT_NE(skip.get_if<LegacyDeepRNN>(), nullptr);
  EXPECT_EQ(skip.get_if<LegacyDeepRNN>()->layers[1].core()->name(), "LSTM_1");
  const Core plain = control::deep_core("FeedForward", R"({"hidden_size": 3})",
                                        2, /*skip_connections=*/false, "top");
  EXPECT_EQ(plain(at::ones({2, 4}), plain.initial_state(2)).first.sizes(),
            (at::IntArrayRef{2, 3}));
  EXPECT_EQ(plain.name(), "top");
  EXPECT_THROW(control::deep_core("LSTM", R"({"hidden_size": 3})", 0),
               ValueError);
}

}  // namespace
}  // namespace snt::nets::dnc::dnc_test
