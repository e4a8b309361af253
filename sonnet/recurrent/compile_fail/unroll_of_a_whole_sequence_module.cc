// expect: snt: this module takes whole sequences: call it instead of unrolling
// it.
#include "sonnet/recurrent/unroll.h"
#include "sonnet/recurrent/unrolled_lstm.h"

void f(const snt::UnrolledLSTM& lstm, const at::Tensor& x) {
  snt::static_unroll(lstm, x, lstm.initial_state(2));
}
