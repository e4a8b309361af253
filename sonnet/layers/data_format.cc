#include "sonnet/layers/data_format.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"

namespace snt {
namespace {

// Whether `format` is `start`, then anything without `channel`, then `end`.
bool has_form(std::string_view format, std::string_view start, char channel,
              std::string_view end) {
  if (!format.starts_with(start) || !format.ends_with(end) ||
      format.size() < start.size() + end.size()) {
    return false;
  }
  format.remove_prefix(start.size());
  format.remove_suffix(end.size());
  return format.find(channel) == format.npos;
}

}  // namespace

int64_t utils::get_channel_index(std::string_view data_format) {
  if (data_format == "channels_first") return 1;
  if (data_format == "channels_last") return -1;
  if (has_form(data_format, "NC", 'C', "")) return 1;
  if (has_form(data_format, "N", 'C', "C") ||
      has_form(data_format, "BT", 'D', "D") ||
      has_form(data_format, "TB", 'D', "D")) {
    return -1;
  }
  throw ValueError(
      format("[get_channel_index] Unable to extract channel information from '",
             data_format,
             "'. Valid data formats are spatial (e.g.`NCHW`), sequential (e.g. "
             "`BTHWD`), `channels_first` and `channels_last`)."));
}

bool utils::is_channels_first(std::string_view data_format) {
  return get_channel_index(data_format) == 1;
}

at::Tensor detail::to_channels_first(const at::Tensor& x,
                                     std::string_view data_format) {
  return utils::is_channels_first(data_format) ? x : x.movedim(-1, 1);
}

at::Tensor detail::from_channels_first(const at::Tensor& x,
                                       std::string_view data_format) {
  return utils::is_channels_first(data_format) ? x : x.movedim(1, -1);
}

std::vector<int64_t> detail::channel_shape(int64_t channels, int64_t rank,
                                           std::string_view data_format) {
  std::vector<int64_t> shape = {channels};
  if (utils::is_channels_first(data_format)) shape.resize(rank - 1, 1);
  return shape;
}

}  // namespace snt
