#include "sonnet/mixed_precision/mixed_precision.h"

namespace snt::mixed_precision {
namespace {

thread_local std::optional<at::ScalarType> mode_now;

}  // namespace

void enable(std::optional<at::ScalarType> dtype) { mode_now = dtype; }

void disable() { mode_now.reset(); }

std::optional<at::ScalarType> mode() { return mode_now; }

scope::scope(std::optional<at::ScalarType> dtype) : before_(mode_now) {
  mode_now = dtype;
}

scope::~scope() { mode_now = before_; }

}  // namespace snt::mixed_precision
