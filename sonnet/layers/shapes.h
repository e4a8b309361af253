// File: layers/shapes.h
// Checks of ranks, and options that are given once for all dimensions.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/layers/one_or_list.h"

namespace snt::utils {

// `element` as a list of `num_times`: one value is repeated, a list of that
// length stays as it is. `name` is the option's, `who` the class it is of.
//
//     snt::utils::replicate(snt::IntOrList(3), 2, "stride");  // [3, 3]
//
// Throws TypeError for a list of any other length but 1. Source: sonnet/src/
// utils.py.
template <class T>
std::vector<T> replicate(const OneOrList<T>& element, int64_t num_times,
                         std::string_view name,
                         std::string_view who = "replicate") {
  const std::vector<T>& values = element.values();
  const auto length = static_cast<int64_t>(values.size());
  check<TypeError>(length == 1 || length == num_times, who, name,
                   " must be a scalar or sequence of length 1 or sequence of "
                   "length ",
                   num_times, ". Got a sequence of length ", length);
  return length == num_times ? values
                             : std::vector<T>(num_times, values.front());
}

// Throws ValueError unless x has `rank` dimensions.
//
//     snt::utils::assert_rank(at::ones({2, 3}), 2);
void assert_rank(const at::Tensor& x, int64_t rank);

// Throws ValueError unless x has at least `rank` dimensions.
void assert_minimum_rank(const at::Tensor& x, int64_t rank);

}  // namespace snt::utils
