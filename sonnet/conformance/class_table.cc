#include "sonnet/conformance/class_table.h"

#include <ATen/ATen.h>

namespace snt::conformance {
namespace {

template <class Row>
const Row* find(const std::map<std::string, Row>& rows,
                const std::string& name) {
  const auto it = rows.find(name);
  return it == rows.end() ? nullptr : &it->second;
}

// The option of a module, or nullptr.
const Config* option_of(const Config& module, const std::string& key) {
  if (const auto* object = module.get_if<Config::Object>()) {
    for (const Config::Option& option : object->options) {
      if (option.key == key) return &option.value;
    }
  }
  // A Deferred prints as its target; its options stand in its JSON.
  if (const auto* literal = module.get_if<Config::Literal>()) {
    if (literal->json.empty()) return nullptr;
    const Config* options = literal->json[0].find("config");
    return options ? options->find(key) : nullptr;
  }
  return nullptr;
}

// The module that an option holds, or the first of them.
const Config* inner_module(const Config& module, const std::string& key) {
  const Config* value = option_of(module, key);
  if (value == nullptr) return nullptr;
  if (const auto* list = value->get_if<Config::List>()) {
    return list->empty() ? nullptr : &list->front();
  }
  return value;
}

// "Linear", or "" for a function.
std::string class_of(const Config& module) {
  if (const auto* object = module.get_if<Config::Object>()) {
    return object->class_name;
  }
  if (const auto* literal = module.get_if<Config::Literal>()) {
    const Config* name =
        literal->json.empty() ? nullptr : literal->json[0].find("class");
    if (name != nullptr) return *name->get_if<std::string>();
  }
  return "";
}

}  // namespace

Signature ClassRow::signature_of(const Config& config) const {
  if (forwards_to.empty()) return signature;
  if (const Config* inner = inner_module(config, forwards_to)) {
    if (const ClassRow* row = class_table().find_class(class_of(*inner))) {
      return row->signature_of(*inner);
    }
  }
  return "inputs";
}

const ClassRow* ClassTable::find_class(const std::string& name) const {
  return find(classes_, name);
}

const FunctionRow* ClassTable::find_function(const std::string& name) const {
  return find(functions_, name);
}

const ClassTable& class_table() {
  static const auto* table = [] {
    auto* rows = new ClassTable();
    add_convolution_rows(*rows);
    add_core_rows(*rows);
    add_initializer_rows(*rows);
    add_layer_rows(*rows);
    add_metric_rows(*rows);
    add_net_rows(*rows);
    add_normalization_rows(*rows);
    add_optimizer_rows(*rows);
    add_unroll_rows(*rows);
    return rows;
  }();
  return *table;
}

ExampleArgs floats(std::vector<int64_t> shape) {
  return [shape](at::ScalarType dtype) {
    return std::vector<Nest>{at::randn(shape).to(dtype)};
  };
}

}  // namespace snt::conformance
