// Recurrent modules over whole sequences, and a model of text.

#include "benchmarks/sizes.h"
#include "benchmarks/workloads.h"

namespace benchmarks {
namespace {

using sizes::kCharLm;
using sizes::kConvLstm;
using sizes::kLstm;

at::Tensor sequence() {
  return numbers({kLstm.time, kLstm.batch, kLstm.input});
}

// A forward pass with `gates` matrix products of the size of a state, and the
// bytes of the input, of the output and of the weights.
Cost forward_cost(int64_t gates) {
  const auto& s = kLstm;
  const int64_t weights = (s.input + s.hidden) * gates * s.hidden;
  return {product(s.time * s.batch, s.input + s.hidden, gates * s.hidden),
          bytes(static_cast<double>(s.time * s.batch * (s.input + s.hidden) +
                                    weights))};
}
// With gradients for the input and the weights.
Cost gradient_cost(int64_t gates) {
  const Cost forward = forward_cost(gates);
  return {3 * forward.flop, 2 * forward.byte};
}

auto unrolled_lstm_call(const snt::UnrolledLSTM& lstm) {
  return [lstm](const at::Tensor& x) {
    return lstm(x, lstm.initial_state(x.size(1))).first;
  };
}

Work lstm_infer() {
  const auto call = unrolled_lstm_call(snt::UnrolledLSTM{kLstm.hidden});
  const at::Tensor x = sequence();
  call(x);
  return {infer(call, x), forward_cost(4)};
}

Work lstm_grad() {
  const snt::UnrolledLSTM lstm{kLstm.hidden};
  return {gradients(lstm, unrolled_lstm_call(lstm), sequence()),
          gradient_cost(4)};
}

// The core is called in a loop.
template <class C>
Work core_grad(const C& core, const at::Tensor& x, const Cost& cost) {
  const auto call = [core](const at::Tensor& x) {
    return snt::dynamic_unroll(core, x, core.initial_state(x.size(1))).first;
  };
  return {gradients(core, call, x), cost};
}

Work conv_lstm_grad() {
  const auto& s = kConvLstm;
  const snt::Conv2DLSTM core{.input_shape = {{s.height, s.width, s.input}},
                             .output_channels = s.channels,
                             .kernel_shape = s.kernel};
  const int64_t pixels = s.time * s.batch * s.height * s.width;
  return core_grad(
      core, numbers({s.time, s.batch, s.height, s.width, s.input}),
      {3 * product(pixels, s.kernel * s.kernel * (s.input + s.channels),
                   4 * s.channels),
       bytes(2 * static_cast<double>(pixels * (s.input + s.channels)))});
}

// Operations of a training step, and bytes of Adam's.
Cost char_lm_cost() {
  const auto& s = kCharLm;
  const int64_t steps = s.time * s.batch;
  const double flop = product(steps, s.embed + s.hidden, 4 * s.hidden) +
                      product(steps, s.embed + 2 * s.hidden, 4 * s.hidden) +
                      product(steps, 2 * s.hidden, s.vocab);
  const int64_t weights = (2 * s.embed + 3 * s.hidden) * 4 * s.hidden +
                          2 * s.hidden * s.vocab + s.embed * s.vocab;
  return {3 * flop, bytes(6 * static_cast<double>(weights))};
}

struct CharLm {
  snt::Embed embed = {.vocab_size = kCharLm.vocab,
                      .embed_dim = kCharLm.embed,
                      .densify_gradients = true};
  snt::UnrolledLSTM lower = {kCharLm.hidden}, upper = {kCharLm.hidden};
  snt::Linear head = {kCharLm.vocab};

  // characters [T, B] -> logits of the next [T * B, vocab]
  at::Tensor operator()(const at::Tensor& characters) const {
    const int64_t batch = characters.size(1);
    const at::Tensor x = embed(characters);
    const at::Tensor h = lower(x, lower.initial_state(batch)).first;
    const at::Tensor g =
        upper(at::cat({x, h}, -1), upper.initial_state(batch)).first;
    return head(at::cat({h, g}, -1)).flatten(0, 1);
  }
};

// The same model from Sonnet's parts.
struct CharLmCores {
  snt::Embed embed = {.vocab_size = kCharLm.vocab,
                      .embed_dim = kCharLm.embed,
                      .densify_gradients = true};
  snt::LegacyDeepRNN core = snt::deep_rnn_with_skip_connections(
      {snt::LSTM{kCharLm.hidden}, snt::LSTM{kCharLm.hidden}});
  snt::Linear head = {kCharLm.vocab};

  at::Tensor operator()(const at::Tensor& characters) const {
    const at::Tensor y =
        snt::dynamic_unroll(core, embed(characters),
                            core.initial_state(characters.size(1)))
            .first;
    return head(y).flatten(0, 1);
  }
};

template <class M>
Work char_lm_train() {
  const M model;
  const std::array<int64_t, 2> shape = {kCharLm.time, kCharLm.batch};
  return {
      train(model, model, ids(shape, kCharLm.vocab),
            ids(shape, kCharLm.vocab).flatten(), snt::optimizers::Adam{1e-3}),
      char_lm_cost()};
}

}  // namespace

std::vector<Row> recurrent_rows() {
  const auto lstm = [] {
    return core_grad(snt::LSTM{kLstm.hidden}, sequence(), gradient_cost(4));
  };
  const auto gru = [] {
    return core_grad(snt::GRU{kLstm.hidden}, sequence(), gradient_cost(3));
  };
  const auto vanilla = [] {
    return core_grad(snt::VanillaRNN{kLstm.hidden}, sequence(),
                     gradient_cost(1));
  };
  return {
      {"lstm_infer", lstm_infer},
      {"lstm_grad", lstm_grad},
      {"lstm_core_grad", lstm},
      {"gru_grad", gru},
      {"vanilla_rnn_grad", vanilla},
      {"conv2d_lstm_grad", conv_lstm_grad},
      {"char_lm_train", char_lm_train<CharLm>},
      {"char_lm_cores_train", char_lm_train<CharLmCores>},
  };
}

}  // namespace benchmarks
