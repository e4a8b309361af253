#include "sonnet/core/options.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cctype>

namespace snt {
namespace {

Config numbers_of(const at::Tensor& tensor) {
  Config result;
  if (tensor.dim() == 0) {
    if (tensor.is_floating_point()) {
      result.value = tensor.item<double>();
    } else {
      result.value = tensor.item<int64_t>();
    }
    return result;
  }
  Config::List list;
  for (int64_t i = 0; i < tensor.size(0); ++i) {
    list.push_back(numbers_of(tensor[i]));
  }
  result.value = std::move(list);
  return result;
}

}  // namespace

Config ConfigTraits<at::Tensor>::to(const at::Tensor& value) {
  return value.defined() ? numbers_of(value.detach().cpu()) : Config{};
}

at::Tensor ConfigTraits<at::Tensor>::from(const Config& config,
                                          const std::string& where) {
  if (config.is_none()) return {};
  if (const Config* numbers = config.find("tensor")) {
    detail::check_keys(config, {"tensor", "dtype"}, where);
    const Config* dtype = config.find("dtype");
    const at::Tensor tensor = from(*numbers, where);
    return dtype ? tensor.to(from_config<at::ScalarType>(*dtype, where))
                 : tensor;
  }
  const auto* list = config.get_if<Config::List>();
  if (list == nullptr) {
    return at::scalar_tensor(from_config<double>(config, where));
  }
  std::vector<at::Tensor> entries;
  for (size_t i = 0; i < list->size(); ++i) {
    entries.push_back(from((*list)[i], where + "[" + std::to_string(i) + "]"));
    check(entries[i].sizes() == entries[0].sizes(), where,
          "must have rows of one length, got ", entries[0].sizes(), " and ",
          entries[i].sizes());
  }
  return entries.empty() ? at::zeros({0}) : at::stack(entries);
}

void check_name(std::string_view class_name, std::string_view name) {
  if (name.empty()) return;
  bool valid = std::isdigit(static_cast<unsigned char>(name[0])) == 0;
  for (char c : name) {
    valid &= c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
  }
  check(valid, class_name, "'", name,
        "' is not a valid module name. Module names must be valid Python "
        "identifiers (e.g. a valid class name).");
}

namespace detail {

void check_keys(const Config& config, const std::vector<std::string>& known,
                const std::string& where) {
  const auto* map = config.get_if<Config::Map>();
  if (map == nullptr) fail_config(config, where, "an object with options");
  std::string names;
  for (const std::string& name : known) {
    names += (names.empty() ? "" : ", ") + name;
  }
  for (const auto& [key, value] : *map) {
    check(std::find(known.begin(), known.end(), key) != known.end(), where,
          "unknown option '", key,
          "'; known: ", names.empty() ? "none" : names);
  }
}

const Config& options_of(const Config& config, const std::string& class_name,
                         const std::string& where) {
  const Config* given = config.find("class");
  if (given == nullptr) return config;
  check_keys(config, {"class", "config"}, where);
  check(*given == Config{class_name}, where, "must be of class '", class_name,
        "', got ", [&] { return to_repr(*given); });
  static const auto* none = new Config{Config::Map{}};
  const Config* options = config.find("config");
  return options != nullptr ? *options : *none;
}

void fail_config(const Config& config, const std::string& where,
                 const char* needed) {
  throw ValueError("[" + where + "] must be " + needed + ", got " +
                   to_repr(config));
}

}  // namespace detail
}  // namespace snt
