// File: kernels/products/matmul.h
// libtorch's float32 matrix products on CPUs, replaced by faster ones.

#pragma once

namespace snt::kernels {

// From now on mm, addmm, bmm and baddbmm, with their in-place and out variants
// and all that libtorch builds on them (matmul, linear, their gradients), use
// gemm.h for dense float32 tensors on a CPU: in any thread, in user code too.
// Libtorch's own kernel keeps what it is as fast at or what is unusual: small
// sizes, other dtypes, named tensors, an output that overlaps an input or has
// another shape, and all calls in destructors of statics. `false` gives it back
// everything; a program that never switches it on never has other kernels.
//
// May be called at any time and by any thread, again too, except that libtorch
// asks for no calls of these operators meanwhile the first time.
void install_matmul(bool on);

}  // namespace snt::kernels
