// File: kernels/losses/squares.h
// Squares whose gradient is one pass over memory: libtorch's takes three.

#pragma once

namespace snt::kernels {

// From now on x.square() and x.pow(2) of dense float32 tensors on a CPU that
// require gradients get them as
//
//   dx = dy (2 x)
//
// in one pass, which reads dy only once where that is one number for all, as
// the gradients of sums and means are; in user code too. Numbers and second
// derivatives are those of libtorch, whose kernel keeps everything else.
// `Switches::fast_losses` gives it back everything.
//
// May be called at any time and by any thread, again too, except that libtorch
// asks for no calls of this operator meanwhile the first time.
void install_squares();

}  // namespace snt::kernels
