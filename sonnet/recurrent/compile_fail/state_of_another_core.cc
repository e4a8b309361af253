// expect: snt: this is the state of another core: start from
// core.initial_state(batch_size).
#include "sonnet/recurrent/lstm.h"
#include "sonnet/recurrent/unroll.h"

void f(const snt::LSTM& core, const at::Tensor& x, const at::Tensor& state) {
  snt::dynamic_unroll(core, x, state);
}
