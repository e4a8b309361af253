// File: kernels/losses/cross_entropy.h
// libtorch's cross entropy of class indices on CPUs, replaced by a faster one.

#pragma once

namespace snt::kernels {

// From now on at::cross_entropy_loss is one operation, forward and backward,
// for plain float32 logits on a CPU while the switch `fast_losses` is on: in
// any thread, in user code too.
//
//   logits  [N, C], or [N, C, T]: any strides, but classes side by side
//   labels  [N] or [N, T], int64; those equal to `ignore_index` do not count
//
//   loss = sum or mean over the labels of log(sum_c e^logits[c]) -
//   logits[label]
//
// Libtorch keeps the rest: weights, smoothed labels, probabilities for labels,
// losses of single rows, other dtypes and layouts, and labels that are no
// class, which it refuses. May be called again; libtorch asks for no calls of
// this operator meanwhile the first time.
void install_cross_entropy();

}  // namespace snt::kernels
