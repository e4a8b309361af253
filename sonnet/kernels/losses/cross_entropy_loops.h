// File: kernels/losses/cross_entropy_loops.h
// The loops of kernels/losses/cross_entropy.h over rows of logits.

#pragma once

#include <cstdint>

namespace snt::kernels {

// Rows are seen as [outer, inner], with `classes` numbers side by side each.
// Labels are in [0, classes) or `ignored`.
struct CrossEntropyRows {
  int64_t outer, inner, classes;
  const float* logits;
  int64_t logits_outer, logits_inner;  // Strides.
  const int64_t* labels;
  int64_t labels_outer, labels_inner;
  int64_t ignored;
};

// Numbers from a row of softmax to the next: whole vectors.
inline int64_t softmax_row(int64_t classes) { return (classes + 15) / 16 * 16; }

// The sum of log(sum_c e^x[c]) - x[label] over all labels that count. Where
// `softmax` is given, [outer, inner, softmax_row], e^x[c] / sum e^x is written
// there, and 0 behind the classes.
double cross_entropy_forward(const CrossEntropyRows& rows, float* softmax);

// dx = (softmax - [c = label]) factor, [outer, inner, classes]; 0 for labels
// that do not count.
void cross_entropy_backward(const CrossEntropyRows& rows, const float* softmax,
                            float factor, float* dx);

}  // namespace snt::kernels
