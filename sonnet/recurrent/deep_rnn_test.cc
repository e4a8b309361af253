#include "sonnet/recurrent/deep_rnn.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/activation.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/tree.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/kernels/switches.h"
#include "sonnet/layers/linear.h"
#include "sonnet/recurrent/gru.h"
#include "sonnet/recurrent/lstm.h"
#include "sonnet/recurrent/unroll.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_unroll.h"
#include "sonnet/testing/message_of.h"

namespace snt::deep_rnn_test {
namespace {

at::Tensor cat(const at::Tensor& a, const at::Tensor& b) {
  return at::cat({a, b}, 1);
}

TEST(DeepRNN, ChainsCoresAndFunctions) {
  const Linear linear{6};
  const LSTM lstm{4};
  const GRU gru{3};
  const DeepRNN rnn{{linear, activations::relu, lstm, gru,
                     [](const at::Tensor& x) { return 2 * x; }}};
  const at::Tensor x = at::randn({2, 5});
  const Nest start = rnn.initial_state(2);
  ASSERT_EQ(start.get_if<Nest::List>()->size(), 2u);

  const LSTMState lstm_start{at::randn({2, 4}), at::randn({2, 4})};
  const at::Tensor gru_start = at::randn({2, 3});
  const auto [y, next] = rnn(x, std::tuple(lstm_start, gru_start));
  const auto [h, lstm_next] = lstm(at::relu(linear(x)), lstm_start);
  const auto [g, gru_next] = gru(h, gru_start);
  EXPECT_TRUE(at::equal(y, 2 * g));
  EXPECT_TRUE(at::equal(next.at(0).at("hidden").tensor(), lstm_next.hidden));
  EXPECT_TRUE(at::equal(next.at(0).at("cell").tensor(), lstm_next.cell));
  EXPECT_TRUE(at::equal(next.at(1).tensor(), gru_next));

  std::vector<std::string> paths;
  for (const auto& found : named_variables(rnn)) paths.push_back(found.path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{
                "layers/0/w", "layers/0/b", "layers/2/w_i", "layers/2/w_h",
                "layers/2/b", "layers/3/w_i", "layers/3/w_h", "layers/3/b"}));
}

TEST(DeepRNN, WithoutCoresTheStateIsEmpty) {
  const DeepRNN none;
  const at::Tensor x = at::randn({2, 5});
  const auto [y, state] = none(x, none.initial_state(2));
  EXPECT_TRUE(at::equal(y, x));
  EXPECT_EQ(state.get_if<Nest::List>()->size(), 0u);
  EXPECT_EQ(repr(none), "DeepRNN(layers=[])");

  const DeepRNN lambdas{{[](const at::Tensor& t) { return t + 1; },
                         [](const at::Tensor& t) { return 2 * t; }}};
  EXPECT_TRUE(at::equal(lambdas(x, Nest(Nest::List())).first, 2 * (x + 1)));
  // It unrolls all the same.
  const at::Tensor sequence = at::randn({3, 2, 5});
  const auto [out, last] =
      dynamic_unroll(lambdas, sequence, lambdas.initial_state(2));
  EXPECT_TRUE(at::equal(out, 2 * (sequence + 1)));
}

TEST(DeepRNN, HoldsDeepRNNs) {
  const LSTM lstm{4};
  const GRU gru{3};
  const DeepRNN inner{{lstm, gru}};
  const DeepRNN rnn{{inner, activations::tanh, LSTM{2}}};
  const at::Tensor x = at::randn({4, 2, 5});
  const auto [y, state] = dynamic_unroll(rnn, x, rnn.initial_state(2));
  EXPECT_EQ(y.sizes(), (at::IntArrayRef{4, 2, 2}));
  // The inner state is what the inner core alone would have.
  const auto alone = dynamic_unroll(inner, x, inner.initial_state(2));
  EXPECT_TRUE(
      at::allclose(state.at(0).at(1).tensor(), alone.second.at(1).tensor()));
}

TEST(DeepRNN, PassesNestsBetweenLayers) {
  const auto split = [](const at::Tensor& x) { return std::tuple(x, 2 * x); };
  const auto join = [](const std::tuple<at::Tensor, at::Tensor>& pair) {
    return std::get<0>(pair) + std::get<1>(pair);
  };
  const at::Tensor x = at::randn({2, 3});
  const DeepRNN rnn{{split, join}};
  EXPECT_TRUE(at::allclose(rnn(x, Nest()).first, 3 * x));
  const DeepRNN half{{split}};
  EXPECT_TRUE(at::equal(half.step(x, Nest()).first.at(1).tensor(), 2 * x));
}

TEST(DeepRNN, RefusesAStateThatDoesNotFit) {
  const DeepRNN rnn{{LSTM{4}, GRU{3}}};
  const at::Tensor x = at::ones({2, 5});
  EXPECT_EQ(message_of([&] { rnn(x, Nest(Nest::List{x})); }),
            "[DeepRNN] the state must be a list with one entry for each of the "
            "2 cores, got a list of 1");
  EXPECT_EQ(message_of<TypeError>([&] {
              rnn(x, std::tuple(at::zeros({2, 4}), at::zeros({2, 3})));
            }),
            "[LSTM argument 1] must be a LSTMState of 2 fields, got a tensor "
            "[2, 4]");
}

TEST(SkipConnections, EachLayerSeesTheInputs) {
  const LSTM lstm{4};
  const GRU gru{3};
  const at::Tensor x = at::randn({2, 5});
  const auto rnn = deep_rnn_with_skip_connections({lstm, gru});
  const auto [y, next] = rnn(x, rnn.initial_state(2));
  const at::Tensor h = lstm(x, lstm.initial_state(2)).first;
  const at::Tensor g = gru(cat(x, h), gru.initial_state(2)).first;
  EXPECT_TRUE(at::equal(y, cat(h, g)));
  EXPECT_TRUE(at::equal(next.at(1).tensor(), g));

  const auto last = deep_rnn_with_skip_connections(
      {lstm, gru}, /*concat_final_output=*/false, "last");
  EXPECT_TRUE(at::equal(last(x, last.initial_state(2)).first, g));
  EXPECT_EQ(repr(last),
            "_LegacyDeepRNN(\n    layers=[LSTM(hidden_size=4), "
            "GRU(hidden_size=3)],\n    skip_connections=True,\n    "
            "concat_final_output_if_skip=False,\n    name='last',\n)");
  EXPECT_EQ(message_of([] { deep_rnn_with_skip_connections({}); }),
            "[deep_rnn_with_skip_connections] there are no layers to join the "
            "outputs of");
}

TEST(SkipConnections, JoinNestsLeafByLeaf) {
  const auto both = [](const std::tuple<at::Tensor, at::Tensor>& x) {
    return std::tuple(2 * std::get<0>(x), 3 * std::get<1>(x));
  };
  const DeepRNN first{{both}};
  const auto rnn = deep_rnn_with_skip_connections({first, first});
  const at::Tensor a = at::randn({2, 1}), b = at::randn({2, 2});
  const auto [y, state] =
      rnn(std::tuple(a, b), Nest(Nest::List{Nest(), Nest()}));
  EXPECT_TRUE(
      at::allclose(y.at(0).tensor(), at::cat({2 * a, 2 * a, 4 * a}, 1)));
  EXPECT_TRUE(
      at::allclose(y.at(1).tensor(), at::cat({3 * b, 3 * b, 9 * b}, 1)));
}

TEST(ResidualConnections, AddTheInputOfEachLayer) {
  const LSTM lstm{.hidden_size = 4, .name = "first"};
  const GRU gru{4};
  const at::Tensor x = at::randn({2, 4});
  const auto rnn = deep_rnn_with_residual_connections({lstm, gru});
  const auto [y, next] = rnn(x, rnn.initial_state(2));
  const at::Tensor h = lstm(x, lstm.initial_state(2)).first;
  const at::Tensor g = gru(h + x, gru.initial_state(2)).first;
  EXPECT_TRUE(at::equal(y, g + (h + x)));
  EXPECT_TRUE(at::equal(next.at(1).tensor(), g));
  EXPECT_EQ(rnn.layers[0].core()->name(), "first_residual");
  EXPECT_EQ(rnn.layers[1].core()->name(), "gru_residual");
  EXPECT_EQ(named_variables(rnn)[0].path, "layers/0/base_core/w_i");

  const auto misfit = deep_rnn_with_residual_connections({GRU{3}});
  EXPECT_EQ(message_of([&] { misfit(x, misfit.initial_state(2)); }),
            "[ResidualWrapper] the output of GRU must have the shape of its "
            "input [2, 4], got [2, 3]");
}

TEST(DeepRNN, ComesFromJson) {
  const DeepRNN rnn{{Linear{6}, activations::relu, LSTM{4}}, "stack"};
  const DeepRNN again = from_json<DeepRNN>(to_json(rnn));
  EXPECT_EQ(repr(again), repr(rnn));
  EXPECT_NE(again.layers[2].core(), nullptr);
  EXPECT_EQ(again.layers[0].core(), nullptr);

  const Core residual = make_core(
      "deep_rnn_with_residual_connections",
      R"({"layers": [{"class": "GRU", "config": {"hidden_size": 4}}]})");
  EXPECT_EQ(
      repr(from_config<Core>(parse_json(to_json(residual.config())), "core")),
      repr(residual));
  EXPECT_EQ(message_of([] {
              make_core("deep_rnn_with_skip_connections",
                        R"({"layers": ["tanh"]})");
            }),
            "[deep_rnn_with_skip_connections] deep_rnn_with_skip_connections "
            "requires all layers to be instances of RNNCore, got tanh");
}

// Layer by layer, it gives what it gives step by step.
template <class C>
void expect_same_by_layer(const C& core, const at::Tensor& lengths = {}) {
  const at::Tensor x = at::randn({5, 2, 4});
  const auto start = core.initial_state(2);
  const auto [y, state] = dynamic_unroll(core, x, start, lengths);
  kernels::switches().recurrent_sequences = false;
  const auto [want, last] = dynamic_unroll(core, x, start, lengths);
  kernels::switches().recurrent_sequences = true;
  expect_close(y, want);
  const auto leaves = tree::flatten(state), wanted = tree::flatten(last);
  ASSERT_EQ(leaves.size(), wanted.size());
  for (size_t i = 0; i < leaves.size(); ++i) expect_close(leaves[i], wanted[i]);
}

TEST(DeepRNN, UnrollsLayerByLayer) {
  expect_same_by_layer(
      DeepRNN{{Linear{6}, activations::softmax, LSTM{3}, GRU{4},
               [](const at::Tensor& h) { return h * h.sum(); }}});
  expect_same_by_layer(DeepRNN{{activations::relu}});
  expect_same_by_layer(deep_rnn_with_skip_connections({LSTM{3}, GRU{2}}));
  expect_same_by_layer(deep_rnn_with_skip_connections(
      {LSTM{3}, GRU{2}}, /*concat_final_output=*/false));
  expect_same_by_layer(deep_rnn_with_residual_connections({LSTM{4}, GRU{4}}));
}

TEST(DeepRNN, UnrollsLayerByLayerWithLengths) {
  for (const at::Tensor& lengths :
       {at::tensor({5, 0, 3}), at::tensor({2, 9, 1}, at::kInt)}) {
    const auto expect = [&](const auto& make) {
      expect_same_at_once(make(), make(), lengths);
    };
    // Layers that are no cores give no zeros and repeat nothing.
    expect([] {
      return DeepRNN{
          {Linear{6}, activations::softmax, LSTM{3}, GRU{4},
           Linear{.output_size = 2, .b_init = initializers::Ones()}}};
    });
    expect([] { return DeepRNN{{GRU{3}, activations::exp}}; });
    expect([] { return DeepRNN{{DeepRNN{{LSTM{3}}}, GRU{2}}}; });
    expect([] { return deep_rnn_with_skip_connections({LSTM{3}, GRU{2}}); });
    expect([] {
      return deep_rnn_with_skip_connections({LSTM{3}, GRU{2}}, false);
    });
    expect([] {
      return deep_rnn_with_residual_connections({LSTM{4}, GRU{4}});
    });
  }
}

// A layer that sees the whole batch must not see what a layer by layer run puts
// behind the end of a sequence.
TEST(DeepRNN, UnrollsStepByStepWhereSequencesSeeEachOther) {
  const at::Tensor lengths = at::tensor({5, 2});
  const auto mixed = [](const at::Tensor& h) { return h * h.sum(); };
  const DeepRNN rnn{{GRU{4}, mixed, LSTM{3}}};
  EXPECT_FALSE(rnn.unroll_(at::ones({5, 2, 4}), rnn.initial_state(2), lengths));
  expect_same_by_layer(rnn, lengths);
  // Nor is there a kernel for projections.
  expect_same_by_layer(
      DeepRNN{{GRU{4}, LSTM{.hidden_size = 3, .projection_size = 2}}}, lengths);
}

}  // namespace
}  // namespace snt::deep_rnn_test
