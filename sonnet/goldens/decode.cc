#include "sonnet/goldens/decode.h"

#include <ATen/ATen.h>

#include "sonnet/conformance/class_table.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/format.h"

namespace snt::goldens {
namespace {

using conformance::class_table;
using conformance::Subject;

// Nested lists of the numbers of a tensor; a number where it has no dimensions.
Config numbers_of(const at::Tensor& tensor) {
  if (tensor.dim() == 0) {
    if (tensor.scalar_type() == at::kBool) return {tensor.item<bool>()};
    if (!tensor.is_floating_point()) return {tensor.item<int64_t>()};
    return {tensor.item<double>()};
  }
  Config::List list;
  for (int64_t i = 0; i < tensor.size(0); ++i) {
    list.push_back(numbers_of(tensor[i]));
  }
  return {std::move(list)};
}

// A tensor as an option: its numbers and its dtype.
Config tensor_config(const at::Tensor& tensor) {
  if (tensor.dim() == 0) return numbers_of(tensor);
  Config::Map map;
  map.emplace_back("tensor", numbers_of(tensor));
  map.emplace_back("dtype", Config{dtype_name(tensor.scalar_type())});
  return {std::move(map)};
}

const at::Tensor& find(const Tensors& tensors, const std::string& name) {
  const auto it = tensors.find(name);
  check<KeyError>(it != tensors.end(), "goldens", "the case has no tensor '",
                  name, "'");
  return it->second;
}

// Nothing but names of tensors stands in a tree.
Config tree_config(const Json& json, const Tensors& tensors) {
  if (json.is_string()) {
    return tensor_config(find(tensors, json.get<std::string>()));
  }
  if (json.is_array()) {
    Config::List list;
    for (const Json& entry : json) list.push_back(tree_config(entry, tensors));
    return {std::move(list)};
  }
  if (json.is_object()) {
    Config::Map map;
    for (const auto& [key, entry] : json.items()) {
      map.emplace_back(key, tree_config(entry, tensors));
    }
    return {std::move(map)};
  }
  return config_of(json, tensors);
}

bool is_stand_in(const Json& json) {
  return json.is_object() && json.size() == 2 && json.contains("shape") &&
         json.contains("dtype");
}

// Whether it is what a function returns that no registry has.
bool is_made_by_function(const Json& json) {
  for (const char* name :
       {"lstm_with_recurrent_dropout", "TrainableState.for_core",
        "nets.dnc.control.deep_core"}) {
    if (json.contains("class") && json["class"] == name) return true;
  }
  return false;
}

}  // namespace

Config config_of(const Json& json, const Tensors& tensors) {
  if (json.is_boolean()) return {json.get<bool>()};
  if (json.is_number_integer()) return {json.get<int64_t>()};
  if (json.is_number()) return {json.get<double>()};
  if (json.is_string()) return {json.get<std::string>()};
  if (json.is_array()) {
    Config::List list;
    for (const Json& entry : json) list.push_back(config_of(entry, tensors));
    return {std::move(list)};
  }
  if (json.is_object()) {
    if (json.contains("tensor")) {
      return tensor_config(find(tensors, json["tensor"].get<std::string>()));
    }
    if (json.contains("tree")) return tree_config(json["tree"], tensors);
    if (is_made_by_function(json)) {
      return parse_json(to_json(build(json, tensors).config()));
    }
    Config::Map map;
    for (const auto& [key, entry] : json.items()) {
      // None is Sonnet's default of the layers: no layers.
      if (key == "layers" && entry.is_null()) continue;
      map.emplace_back(key, config_of(entry, tensors));
    }
    return {std::move(map)};
  }
  return {};
}

Subject build(const Json& spec, const Tensors& tensors) {
  const std::string name = spec.at("class").get<std::string>();
  const conformance::ClassRow* row = class_table().find_class(name);
  check<KeyError>(row != nullptr, "goldens", "the table has no class ", name);
  std::optional<int64_t> select;
  if (spec.contains("select")) select = spec["select"].get<int64_t>();
  const Json options = spec.value("config", Json::object());
  const Subject subject = row->make(config_of(options, tensors), select);
  // JSON rounds: tensors are set once more as what they are.
  for (const auto& [key, value] : options.items()) {
    if (!value.is_object()) continue;
    if (value.contains("tensor")) {
      const std::string tensor = value["tensor"].get<std::string>();
      subject.set_tensors(key, find(tensors, tensor).clone());
    } else if (value.contains("tree")) {
      Json call{{"args", Json::array({value})}};
      subject.set_tensors(key, Arguments(call, tensors).args()[0]);
    }
  }
  return subject;
}

at::Tensor stand_in(const Json& spec) {
  const auto shape = spec.at("shape").get<std::vector<int64_t>>();
  const at::ScalarType dtype =
      dtype_from_name(spec.at("dtype").get<std::string>());
  if (dtype == at::kBool) return at::zeros(shape, dtype);
  return at::arange(c10::multiply_integers(shape), at::kLong)
      .remainder(7)
      .reshape(shape)
      .to(dtype);
}

Arguments::Arguments(const Json& call, const Tensors& tensors)
    : tensors_(tensors) {
  if (call.contains("args")) {
    for (const Json& argument : call["args"]) {
      args_.push_back(value(argument, false));
    }
  }
  if (call.contains("kwargs")) {
    for (const auto& [key, argument] : call["kwargs"].items()) {
      kwargs_.emplace_back(key, value(argument, false));
    }
  }
}

Nest Arguments::leaf(const std::string& name) {
  const auto [it, is_new] = inputs_.try_emplace(name);
  if (is_new) {
    it->second = find(tensors_, name).clone();
    it->second.set_requires_grad(it->second.is_floating_point());
  }
  return it->second;
}

// Outside trees a string may also be a plain text.
Nest Arguments::value(const Json& json, bool in_tree) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) {
    const std::string text = json.get<std::string>();
    if (in_tree || tensors_.contains(text)) return leaf(text);
    return text;
  }
  if (json.is_array()) {
    Nest::List list;
    for (const Json& entry : json) list.push_back(value(entry, in_tree));
    return list;
  }
  if (json.is_object()) {
    if (is_stand_in(json)) return stand_in(json);
    if (!in_tree && json.contains("tree")) return value(json["tree"], true);
    if (!in_tree && json.contains("tensor")) {
      return leaf(json["tensor"].get<std::string>());
    }
    Nest::Dict dict;
    for (const auto& [key, entry] : json.items()) {
      dict.emplace_back(key, value(entry, in_tree));
    }
    return dict;
  }
  return {};
}

Nest invoke_function(const std::string& name, const Subject* subject,
                     const Arguments& arguments) {
  const conformance::FunctionRow* row = class_table().find_function(name);
  check<KeyError>(row != nullptr, "goldens", "the table has no function ",
                  name);
  return row->call(subject,
                   row->signature.bind(arguments.args(), arguments.kwargs(),
                                       /*fill=*/true, name));
}

Nest invoke(const Subject& subject, const Json& call,
            const Arguments& arguments) {
  if (call.contains("function")) {
    return invoke_function(call["function"].get<std::string>(), &subject,
                           arguments);
  }
  if (call.contains("method")) {
    return subject.call_method(call["method"].get<std::string>(),
                               arguments.args(), arguments.kwargs());
  }
  return subject.call(arguments.args(), arguments.kwargs());
}

}  // namespace snt::goldens
