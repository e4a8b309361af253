#include "sonnet/layers/conv_transpose.h"

#include <ATen/ATen.h>
#include <c10/util/accumulate.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/scope.h"
#include "sonnet/layers/convolution.h"
#include "sonnet/layers/convolve.h"
#include "sonnet/layers/data_format.h"

namespace snt {
namespace {

using detail::ConvolutionParts;

// The options that convolutions of other kinds do not have.
struct TransposeParts : ConvolutionParts {
  int64_t output_channels;
  const std::optional<std::vector<int64_t>>& output_shape;
  const std::string& padding;
};

template <class Conv>
TransposeParts transpose_parts(const Conv& conv, const char* type,
                               int64_t dims) {
  return {detail::parts_of(conv, type, dims, /*input_dim=*/dims + 1),
          conv.output_channels, conv.output_shape, conv.padding};
}

void check_transpose(const TransposeParts& parts) {
  check(parts.spatial_dims >= 1 && parts.spatial_dims <= 3, parts.type,
        "We only support transpose convolution operations for "
        "num_spatial_dims=1, 2 or 3, received num_spatial_dims=",
        parts.spatial_dims, ".");
  check<TypeError>(parts.padding == "SAME" || parts.padding == "VALID",
                   parts.type,
                   "ConvNDTranspose only takes string padding, please provide "
                   "either `SAME` or `VALID`. Got ",
                   parts.padding);
  detail::check_convolution(parts);
  check(parts.output_channels > 0, parts.type,
        "output_channels must be > 0, got ", parts.output_channels);
  if (!parts.output_shape) return;
  const auto length = static_cast<int64_t>(parts.output_shape->size());
  check(length == parts.spatial_dims, parts.type,
        "The output_shape must be of length ", parts.spatial_dims,
        " but instead was ", length, ".");
}

// The spatial sizes of y. All sizes from `lowest` up to `highest` are taken to
// that of x by the convolution.
std::vector<int64_t> output_sizes(const TransposeParts& parts,
                                  const detail::Window& window,
                                  const at::Tensor& x) {
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < parts.spatial_dims; ++i) {
    const int64_t more = parts.padding == "SAME" ? 0 : window.extent(i) - 1;
    const int64_t highest = x.size(2 + i) * window.stride[i] + more;
    const int64_t lowest = highest - window.stride[i] + 1;
    const int64_t size =
        parts.output_shape ? (*parts.output_shape)[i] : highest;
    check(size >= lowest && size <= highest, Who{parts.type, parts.w},
          "output_shape must be from ", lowest, " to ", highest,
          " in spatial dimension ", i, " for x of size ", x.size(2 + i),
          " there, got ", size);
    sizes.push_back(size);
  }
  return sizes;
}

at::Tensor call_transpose(const TransposeParts& parts,
                          const at::Tensor& inputs) {
  const at::Tensor x = detail::channels_first_input(parts, inputs);
  const detail::Window window = detail::window_of(parts);
  const std::vector<int64_t> sizes = output_sizes(parts, window, x);

  const name_scope scope(parts.type, parts.w);
  std::vector<int64_t> shape = window.kernel;
  shape.push_back(x.size(1));
  const int64_t fan_in = c10::multiply_integers(shape);
  shape.insert(shape.end() - 1, parts.output_channels);
  const auto [w, b] = detail::convolution_weights(
      parts, inputs, shape, parts.output_channels, fan_in);

  const at::Tensor y = detail::convolve_transpose(
      x, w.movedim({-1, -2}, {0, 1}),  // [kernel..., out, C] -> [C, out, ...]
      b, window,
      parts.padding == "SAME" ? detail::same_zeros(sizes, window)
                              : detail::Zeros(parts.spatial_dims, {0, 0}),
      sizes);
  return detail::from_channels_first(y, parts.data_format);
}

}  // namespace

void Conv1DTranspose::check() const {
  check_transpose(transpose_parts(*this, "Conv1DTranspose", 1));
}
at::Tensor Conv1DTranspose::operator()(const at::Tensor& x) const {
  if (!w.is_built()) check();
  return call_transpose(transpose_parts(*this, "Conv1DTranspose", 1), x);
}
int64_t Conv1DTranspose::input_channels() const { return w.shape()[2]; }

void Conv2DTranspose::check() const {
  check_transpose(transpose_parts(*this, "Conv2DTranspose", 2));
}
at::Tensor Conv2DTranspose::operator()(const at::Tensor& x) const {
  if (!w.is_built()) check();
  return call_transpose(transpose_parts(*this, "Conv2DTranspose", 2), x);
}
int64_t Conv2DTranspose::input_channels() const { return w.shape()[3]; }

void Conv3DTranspose::check() const {
  check_transpose(transpose_parts(*this, "Conv3DTranspose", 3));
}
at::Tensor Conv3DTranspose::operator()(const at::Tensor& x) const {
  if (!w.is_built()) check();
  return call_transpose(transpose_parts(*this, "Conv3DTranspose", 3), x);
}
int64_t Conv3DTranspose::input_channels() const { return w.shape()[4]; }

void ConvNDTranspose::check() const {
  check_transpose(transpose_parts(*this, "ConvNDTranspose", num_spatial_dims));
}
at::Tensor ConvNDTranspose::operator()(const at::Tensor& x) const {
  if (!w.is_built()) check();
  return call_transpose(
      transpose_parts(*this, "ConvNDTranspose", num_spatial_dims), x);
}
int64_t ConvNDTranspose::input_channels() const {
  return w.shape()[num_spatial_dims + 1];
}

}  // namespace snt
