#include <ATen/ATen.h>

#include <variant>

#include "sonnet/conformance/class_table.h"
#include "sonnet/layers/conv.h"
#include "sonnet/layers/conv_transpose.h"
#include "sonnet/layers/data_format.h"
#include "sonnet/layers/depthwise_conv.h"
#include "sonnet/layers/pad.h"
#include "sonnet/layers/shapes.h"

namespace snt::conformance {
namespace {

using OneOrManyInts = std::variant<int64_t, std::vector<int64_t>>;
using OneOrManyNames = std::variant<std::string, std::vector<std::string>>;

template <class To, class From>
OneOrList<To> one_or_list(const From& given) {
  return std::visit([](const auto& v) { return OneOrList<To>(v); }, given);
}

// Functions of snt::pad by the names that JSON has for them.
OneOrList<pad::Function> pad_functions(const OneOrManyNames& names) {
  const Config config =
      std::visit([](const auto& v) { return to_config(v); }, names);
  return from_config<OneOrList<pad::Function>>(config, "padding");
}

template <class Conv>
void add(ClassTable& table, const std::string& name, const std::string& json,
         ExampleArgs args) {
  table.add(module<Conv>(name)
                .call("inputs")
                .method("input_channels", &Conv::input_channels)
                .example(json, std::move(args)));
}

}  // namespace

void add_convolution_rows(ClassTable& table) {
  add<Conv1D>(table, "Conv1D", R"({"output_channels": 3, "kernel_shape": 3,
                                   "stride": 2, "padding": "CAUSAL"})",
              floats({2, 5, 3}));
  add<Conv2D>(table, "Conv2D",
              R"({"output_channels": 3, "kernel_shape": [2, 3], "stride": 2})",
              floats({2, 5, 4, 3}));
  add<Conv3D>(table, "Conv3D", R"({"output_channels": 2, "kernel_shape": 2})",
              floats({2, 3, 4, 3, 2}));
  add<ConvND>(table, "ConvND",
              R"({"num_spatial_dims": 2, "output_channels": 3,
                  "kernel_shape": 3, "data_format": "NCHW"})",
              floats({2, 3, 5, 4}));
  add<Conv1DTranspose>(table, "Conv1DTranspose",
                       R"({"output_channels": 3, "kernel_shape": 3,
                           "stride": 2})",
                       floats({2, 4, 3}));
  add<Conv2DTranspose>(table, "Conv2DTranspose",
                       R"({"output_channels": 3, "kernel_shape": [2, 3],
                           "stride": 2, "output_shape": [5, 6]})",
                       floats({2, 3, 3, 4}));
  add<Conv3DTranspose>(table, "Conv3DTranspose",
                       R"({"output_channels": 2, "kernel_shape": 2,
                           "padding": "VALID"})",
                       floats({2, 2, 3, 3, 2}));
  add<ConvNDTranspose>(table, "ConvNDTranspose",
                       R"({"num_spatial_dims": 2, "output_channels": 3,
                           "kernel_shape": 3, "data_format": "NCHW"})",
                       floats({2, 2, 4, 3}));
  add<DepthwiseConv2D>(table, "DepthwiseConv2D",
                       R"({"kernel_shape": [3, 2], "channel_multiplier": 2})",
                       floats({2, 5, 4, 3}));

  table.add(function("pad.valid", "kernel", &pad::valid));
  table.add(function("pad.same", "kernel", &pad::same));
  table.add(function("pad.full", "kernel", &pad::full));
  table.add(function("pad.causal", "kernel", &pad::causal));
  table.add(function("pad.reverse_causal", "kernel", &pad::reverse_causal));
  table.add(function(
      "pad.create", "padding, kernel, rate, n, channel_index",
      [](const OneOrManyNames& padding, const OneOrManyInts& kernel,
         const OneOrManyInts& rate, int64_t n, int64_t channel_index) {
        return pad::create(pad_functions(padding), one_or_list<int64_t>(kernel),
                           one_or_list<int64_t>(rate), n, channel_index);
      }));

  table.add(function("utils.get_channel_index", "data_format",
                     [](const std::string& data_format) {
                       return utils::get_channel_index(data_format);
                     }));
  table.add(function(
      "utils.replicate", "element, num_times, name",
      [](const OneOrManyInts& element, int64_t n, const std::string& name) {
        return utils::replicate(one_or_list<int64_t>(element), n, name);
      }));
  table.add(function("utils.assert_rank", "inputs, rank", &utils::assert_rank));
  table.add(function("utils.assert_minimum_rank", "inputs, rank",
                     &utils::assert_minimum_rank));
}

}  // namespace snt::conformance
