#include "sonnet/core/nest.h"

#include <ATen/ATen.h>

namespace snt {

const at::Tensor& Nest::tensor() const {
  const auto* value = get_if<at::Tensor>();
  if (value == nullptr) detail::fail_nest(*this, "Nest", "a tensor");
  return *value;
}

const Nest& Nest::at(std::string_view key) const {
  if (const auto* dict = get_if<Dict>()) {
    for (const auto& [name, entry] : *dict) {
      if (name == key) return entry;
    }
  }
  throw KeyError("[Nest] there is no '" + std::string(key) + "' in " + kind());
}

const Nest& Nest::at(size_t index) const {
  const auto* list = get_if<List>();
  if (list == nullptr || index >= list->size()) {
    throw KeyError("[Nest] there is no entry " + std::to_string(index) +
                   " in " + kind());
  }
  return (*list)[index];
}

std::string Nest::kind() const {
  struct Visitor {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(const at::Tensor& value) const {
      return "a tensor " + format(value.sizes());
    }
    std::string operator()(bool value) const { return format(value); }
    std::string operator()(int64_t value) const { return format(value); }
    std::string operator()(double value) const { return format(value); }
    std::string operator()(const std::string& value) const {
      return "'" + value + "'";
    }
    std::string operator()(const List& value) const {
      return "a list of " + format(value.size());
    }
    std::string operator()(const Dict& value) const {
      std::string keys;
      for (const auto& [key, entry] : value) {
        keys += (keys.empty() ? "" : ", ") + key;
      }
      return "a dictionary of {" + keys + "}";
    }
  };
  return std::visit(Visitor(), value_);
}

namespace detail {

void fail_nest(const Nest& nest, const std::string& where,
               const std::string& needed) {
  throw TypeError("[" + where + "] must be " + needed + ", got " + nest.kind());
}

}  // namespace detail
}  // namespace snt
