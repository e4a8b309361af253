#include <ATen/ATen.h>

#include "sonnet/conformance/class_table.h"
#include "sonnet/recurrent/conv_lstm.h"
#include "sonnet/recurrent/cudnn_gru.h"
#include "sonnet/recurrent/gru.h"
#include "sonnet/recurrent/lstm.h"
#include "sonnet/recurrent/unrolled_lstm.h"
#include "sonnet/recurrent/vanilla_rnn.h"

namespace snt::conformance {
namespace {

// An input and a state of one tensor, or of `hidden` and `cell`.
ExampleArgs input_and_state(std::vector<int64_t> input,
                            std::vector<int64_t> state) {
  return [input, state](at::ScalarType dtype) {
    return std::vector<Nest>{at::randn(input).to(dtype),
                             at::randn(state).to(dtype)};
  };
}
ExampleArgs input_and_lstm_state(std::vector<int64_t> input,
                                 std::vector<int64_t> hidden,
                                 std::vector<int64_t> cell) {
  return [input, hidden, cell](at::ScalarType dtype) {
    const LSTMState state = {at::randn(hidden).to(dtype),
                             at::randn(cell).to(dtype)};
    return std::vector<Nest>{at::randn(input).to(dtype), to_nest(state)};
  };
}

// A row of a core with its `initial_state` and the weights as properties.
template <class T>
RowOf<T> core(const std::string& name) {
  return module<T>(name)
      .call("inputs, prev_state")
      .method(
          "initial_state",
          [](const T& m, int64_t batch_size) {
            return m.initial_state(batch_size);
          },
          "batch_size")
      .method("input_to_hidden",
              [](const T& m) {
                if constexpr (requires { m.input_to_hidden.w; }) {
                  return m.input_to_hidden.w.value();
                } else {
                  return m.input_to_hidden();
                }
              })
      .method("hidden_to_hidden", [](const T& m) {
        if constexpr (requires { m.hidden_to_hidden.w; }) {
          return m.hidden_to_hidden.w.value();
        } else {
          return m.hidden_to_hidden();
        }
      });
}

// The same for one that takes whole sequences.
template <class T>
RowOf<T> unrolled_core(const std::string& name, const char* parameters) {
  RowOf<T> row = core<T>(name).call(parameters);
  row.is_unrolled = true;
  return row;
}

}  // namespace

void add_core_rows(ClassTable& table) {
  table.add(core<VanillaRNN>("VanillaRNN")
                .example(R"({"hidden_size": 3, "dtype": "float32"})",
                         input_and_state({2, 5}, {2, 3})));
  table.add(core<LSTM>("LSTM").example(
      R"({"hidden_size": 3, "projection_size": 4, "dtype": "float32"})",
      input_and_lstm_state({2, 5}, {2, 4}, {2, 3})));
  table.add(
      core<GRU>("GRU").example(R"({"hidden_size": 3, "dtype": "float32"})",
                               input_and_state({2, 5}, {2, 3})));
  table.add(unrolled_core<UnrolledLSTM>("UnrolledLSTM",
                                        "input_sequence, initial_state")
                .example(R"({"hidden_size": 3, "dtype": "float32"})",
                         input_and_lstm_state({4, 2, 5}, {2, 3}, {2, 3})));
  table.add(unrolled_core<CuDNNGRU>("CuDNNGRU", "inputs, prev_state")
                .example(R"({"hidden_size": 3, "dtype": "float32"})",
                         input_and_state({4, 2, 5}, {2, 3})));
  table.add(
      core<Conv1DLSTM>("Conv1DLSTM")
          .example(R"({"input_shape": [3, 4], "output_channels": 2,
                             "kernel_shape": 2, "data_format": "NCW",
                             "dtype": "float32"})",
                   input_and_lstm_state({2, 3, 4}, {2, 2, 4}, {2, 2, 4})));
  table.add(core<Conv2DLSTM>("Conv2DLSTM")
                .example(R"({"input_shape": [3, 4, 2], "output_channels": 2,
                             "kernel_shape": [2, 3], "dtype": "float32"})",
                         input_and_lstm_state({2, 3, 4, 2}, {2, 3, 4, 2},
                                              {2, 3, 4, 2})));
  table.add(core<Conv3DLSTM>("Conv3DLSTM")
                .example(R"({"input_shape": [2, 3, 2, 2],
                             "output_channels": 1, "kernel_shape": 2,
                             "dtype": "float32"})",
                         input_and_lstm_state({1, 2, 3, 2, 2}, {1, 2, 3, 2, 1},
                                              {1, 2, 3, 2, 1})));
}

}  // namespace snt::conformance
