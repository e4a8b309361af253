// expect: snt: a recurrent core needs `core(input, state)`, which gives a pair
// {output, next_state}, and `core.initial_state(batch_size)`, which gives the
// state.
#include "sonnet/layers/linear.h"
#include "sonnet/recurrent/core.h"

snt::Core f() { return snt::Linear{3}; }
