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

namespace {

// What a tensor is in JSON, and what it prints as.
Config tensor_config(const at::Tensor& tensor) {
  const Config numbers = ConfigTraits<at::Tensor>::to(tensor);
  Config::Map map;
  map.emplace_back("tensor", numbers);
  map.emplace_back("dtype", Config{dtype_name(tensor.scalar_type())});
  return {Config::Literal{to_repr(numbers), {Config{std::move(map)}}}};
}

Config dict_config(const Nest::Dict& dict) {
  const bool is_lstm_state =
      dict.size() == 2 && dict[0].first == "hidden" && dict[1].first == "cell";
  if (is_lstm_state) {
    Config::Object object{"LSTMState", {}, {}};
    for (const auto& [key, entry] : dict) {
      object.options.push_back({key, ConfigTraits<Nest>::to(entry), false});
    }
    return {std::move(object)};
  }
  Config::Map map;
  for (const auto& [key, entry] : dict) {
    map.emplace_back(key, ConfigTraits<Nest>::to(entry));
  }
  return {std::move(map)};
}

}  // namespace

Config ConfigTraits<Nest>::to(const Nest& value) {
  if (const auto* v = value.get_if<at::Tensor>()) return tensor_config(*v);
  if (const auto* v = value.get_if<bool>()) return {*v};
  if (const auto* v = value.get_if<int64_t>()) return {*v};
  if (const auto* v = value.get_if<double>()) return {*v};
  if (const auto* v = value.get_if<std::string>()) return {*v};
  if (const auto* v = value.get_if<Nest::Dict>()) return dict_config(*v);
  if (const auto* v = value.get_if<Nest::List>()) {
    Config::List list;
    for (const Nest& entry : *v) list.emplace_back(to(entry));
    return {std::move(list)};
  }
  return {};
}

Nest ConfigTraits<Nest>::from(const Config& config, const std::string& where) {
  if (const auto* v = config.get_if<bool>()) return *v;
  if (const auto* v = config.get_if<int64_t>()) return *v;
  if (const auto* v = config.get_if<double>()) return *v;
  if (const auto* v = config.get_if<std::string>()) return *v;
  if (const auto* v = config.get_if<Config::List>()) {
    Nest::List list;
    for (const Config& entry : *v) list.push_back(from(entry, where));
    return list;
  }
  if (const auto* v = config.get_if<Config::Map>()) {
    if (config.find("tensor") != nullptr) {
      return ConfigTraits<at::Tensor>::from(config, where);
    }
    const Config* inner = config.find("config");
    if (inner != nullptr && config.find("class")) return from(*inner, where);
    Nest::Dict dict;
    for (const auto& [key, entry] : *v) {
      dict.emplace_back(key, from(entry, where + "." + key));
    }
    return dict;
  }
  if (!config.is_none()) detail::fail_config(config, where, "a nest");
  return {};
}

namespace detail {

void fail_nest(const Nest& nest, const std::string& where,
               const std::string& needed) {
  throw TypeError("[" + where + "] must be " + needed + ", got " + nest.kind());
}

}  // namespace detail
}  // namespace snt
