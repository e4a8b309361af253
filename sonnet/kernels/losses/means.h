// File: kernels/losses/means.h
// Means over all numbers, whose gradient is one number, seen as an array:
// libtorch writes an array of it.

#pragma once

namespace snt::kernels {

// From now on x.mean() of float32 tensors on a CPU that require gradients gets
// them as those of x.sum() are:
//
//   dx = (dy / n).expand(shape of x)
//
// in user code too. libtorch's kernel keeps everything else, and everything
// without `Switches::fast_losses`.
//
// May be called at any time and by any thread, again too, except that libtorch
// asks for no calls of this operator meanwhile the first time.
void install_means();

}  // namespace snt::kernels
