#include "sonnet/mixed_precision/cast.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "sonnet/mixed_precision/mixed_precision.h"

namespace snt::mixed_precision::detail {

using snt::detail::read_hook;

bool mode_among(const std::vector<at::ScalarType>& valid_types) {
  const auto now = mode();
  return now && std::find(valid_types.begin(), valid_types.end(), *now) !=
                    valid_types.end();
}

at::Tensor cast(const at::Tensor& x, at::ScalarType dtype) {
  return x.is_floating_point() ? x.to(dtype) : x;
}

CastReads::CastReads(at::ScalarType dtype) : dtype_(dtype) { read_hook = this; }

CastReads::~CastReads() { read_hook = outer; }

const at::Tensor& CastReads::read(const Variable& variable,
                                  const at::Tensor& value) {
  const at::Tensor& seen =
      outer != nullptr ? outer->read(variable, value) : value;
  if (!seen.is_floating_point() || seen.scalar_type() == dtype_) return seen;
  return given_[variable.id()] = seen.to(dtype_);
}

const at::Tensor& CastReads::source(const Variable& variable,
                                    const at::Tensor& value) {
  return outer != nullptr ? outer->source(variable, value) : value;
}

at::Tensor CastReads::incoming(const Variable& variable,
                               const at::Tensor& value) {
  const at::ScalarType dtype = variable.dtype();
  const bool both_floating =
      value.is_floating_point() && at::isFloatingType(dtype);
  return ReadHook::incoming(variable, both_floating ? value.to(dtype) : value);
}

Once FirstCalls::of(const Instance& instance) const {
  std::lock_guard lock(state_->mutex);
  auto& records = state_->records;
  auto it = records.find(instance.key);
  // Another object may have come to where one was.
  if (it != records.end() && instance.is_variable &&
      it->second.alive.expired()) {
    records.erase(it);
    it = records.end();
  }
  if (it == records.end()) {
    it = records.emplace(instance.key, Record{Once(), instance.alive}).first;
  }
  return it->second.first;
}

}  // namespace snt::mixed_precision::detail
