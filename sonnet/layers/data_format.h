// File: layers/data_format.h
// Where the channels of a tensor are.

#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>
#include <vector>

namespace snt {
namespace utils {

// The dimension of the channels, as Sonnet counts it: 1 or -1.
//
//   1   "channels_first", "NC" followed by anything without a C: "NCHW"
//   -1  "channels_last", "N" ... "C": "NHWC"; "BT" ... "D", "TB" ... "D": "BTD"
//
//     int64_t channels = snt::utils::get_channel_index("NHWC");  // -1
//
// Throws ValueError for any other text. Source: sonnet/src/utils.py.
int64_t get_channel_index(std::string_view data_format);

// Whether the channels are dimension 1. Throws as get_channel_index.
bool is_channels_first(std::string_view data_format);

}  // namespace utils

namespace detail {

// A view of x with its channels in dimension 1, where libtorch wants them, and
// the way back. `data_format` says where they are outside.
//
//   x  [N, spatial..., C] or [N, C, spatial...]   result  [N, C, spatial...]
at::Tensor to_channels_first(const at::Tensor& x, std::string_view data_format);
at::Tensor from_channels_first(const at::Tensor& x,
                               std::string_view data_format);

// The shape that lets a vector of one number for each channel broadcast against
// a tensor of that rank: [C, 1, 1] for "NCHW", [C] for "NHWC".
std::vector<int64_t> channel_shape(int64_t channels, int64_t rank,
                                   std::string_view data_format);

}  // namespace detail
}  // namespace snt
