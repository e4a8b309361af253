#include "sonnet/core/scope.h"

#include <ATen/record_function.h>

#include <memory>
#include <string>

namespace snt {
namespace {

void* begin(const std::string& name) {
  auto record =
      std::make_unique<at::RecordFunction>(at::RecordScope::USER_SCOPE);
  if (record->isActive()) record->before(name);
  return record.release();
}

}  // namespace

name_scope::name_scope(std::string_view name) {
  if (at::hasCallbacks()) [[unlikely]] {
    record_ = begin(std::string(name));
  }
}

name_scope::name_scope(const char* type, const Variable& variable) {
  if (at::hasCallbacks()) [[unlikely]] {
    record_ = begin(Who{type, variable}());
  }
}

name_scope::~name_scope() {
  if (record_ != nullptr) [[unlikely]] {
    delete static_cast<at::RecordFunction*>(record_);
  }
}

}  // namespace snt
