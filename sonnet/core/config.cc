#include "sonnet/core/config.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "sonnet/core/errors.h"
#include "sonnet/core/format.h"

namespace snt {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kWidth = 80;  // Python's pprint and Sonnet's auto_repr.

std::string quoted(const std::string& text) {
  const char quote = text.find('\'') != std::string::npos &&
                             text.find('"') == std::string::npos
                         ? '"'
                         : '\'';
  std::string result(1, quote);
  for (char c : text) {
    const size_t special = std::string_view("\n\t\r").find(c);
    if (c == quote || c == '\\') {
      result += '\\';
      result += c;
    } else if (special != std::string_view::npos) {
      result += '\\';
      result += "ntr"[special];
    } else {
      result += c;
    }
  }
  return result + quote;
}

// Lines after the first moved right.
std::string indented(const std::string& text, size_t columns) {
  std::string result;
  for (char c : text) {
    result += c;
    if (c == '\n') result.append(columns, ' ');
  }
  return result;
}

std::string repr_object(const Config::Object& object);

// As pprint does.
Config::Map sorted(Config::Map map) {
  std::sort(map.begin(), map.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return map;
}

// On one line, except for objects that do not fit on one: Python's repr, or
// the line that pprint tries first, with `sort`ed keys.
std::string flat(const Config& config, bool sort) {
  struct Visitor {
    bool sort;
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(bool value) const { return format(value); }
    std::string operator()(int64_t value) const { return format(value); }
    std::string operator()(double value) const { return format(value); }
    std::string operator()(const std::string& value) const {
      return quoted(value);
    }
    std::string operator()(const Config::Literal& value) const {
      return value.text;
    }
    std::string operator()(const Config::List& list) const {
      std::string text = "[";
      for (size_t i = 0; i < list.size(); ++i) {
        text += (i > 0 ? ", " : "") + flat(list[i], sort);
      }
      return text + "]";
    }
    std::string operator()(const Config::Map& map) const {
      std::string text = "{";
      for (const auto& [key, value] : sort ? sorted(map) : map) {
        text += (text.size() > 1 ? ", " : "") + quoted(key) + ": " +
                flat(value, sort);
      }
      return text + "}";
    }
    std::string operator()(const Config::Object& object) const {
      return repr_object(object);
    }
  };
  return std::visit(Visitor{sort}, config.value);
}

// As pprint: lists and maps that do not fit have an entry a line, aligned.
// `column` is where the text starts, `behind` the size of what follows it.
std::string pretty(const Config& config, size_t column = 0, size_t behind = 0) {
  std::string text = flat(config, /*sort=*/true);
  if (column + text.size() + behind <= kWidth) return text;
  const std::string separator = ",\n" + std::string(column + 1, ' ');
  if (const auto* list = config.get_if<Config::List>()) {
    text = "[";
    for (size_t i = 0; i < list->size(); ++i) {
      const bool last = i + 1 == list->size();
      text += pretty((*list)[i], column + 1, last ? behind + 1 : 1) +
              (last ? "" : separator);
    }
    text += "]";
  } else if (const auto* given = config.get_if<Config::Map>()) {
    const Config::Map map = sorted(*given);
    text = "{";
    for (size_t i = 0; i < map.size(); ++i) {
      const bool last = i + 1 == map.size();
      const std::string key = quoted(map[i].first) + ": ";
      text += key;
      text += pretty(map[i].second, column + 1 + key.size(),
                     last ? behind + 1 : 1) +
              (last ? "" : separator);
    }
    text += "}";
  }
  return text;
}

// As Sonnet's auto_repr.
std::string repr_object(const Config::Object& object) {
  const std::string name =
      !object.repr_name.empty()
          ? object.repr_name
          : object.class_name.substr(object.class_name.rfind('.') + 1);
  std::string one_line;
  std::string many_lines;
  for (const Config::Option& option : object.options) {
    if (option.is_default) continue;
    const std::string key = option.key + "=";
    one_line += (one_line.empty() ? "" : ", ") + key;
    one_line += flat(option.value, /*sort=*/false);
    many_lines += "    " + key;
    many_lines += indented(pretty(option.value), 4 + key.size()) + ",\n";
  }
  one_line = name + "(" + one_line + ")";
  if (one_line.size() <= kWidth) return one_line;
  return name + "(\n" + many_lines + ")";
}

Json json_of(const Config& config) {
  struct Visitor {
    Json operator()(std::monostate) const { return nullptr; }
    Json operator()(bool value) const { return value; }
    Json operator()(int64_t value) const { return value; }
    Json operator()(double value) const {
      check(std::isfinite(value), "to_json", "JSON cannot hold ", value);
      return value;
    }
    Json operator()(const std::string& value) const { return value; }
    Json operator()(const Config::Literal& value) const {
      check(!value.json.empty(), "to_json", "JSON cannot hold ", value.text,
            ": give it a name of snt::activations, or a registered struct");
      return json_of(value.json[0]);
    }
    Json operator()(const Config::List& list) const {
      Json result = Json::array();
      for (const Config& entry : list) result.push_back(json_of(entry));
      return result;
    }
    Json operator()(const Config::Map& map) const {
      Json result = Json::object();
      for (const auto& [key, entry] : map) result[key] = json_of(entry);
      return result;
    }
    Json operator()(const Config::Object& object) const {
      Json options = Json::object();
      for (const Config::Option& option : object.options) {
        options[option.key] = json_of(option.value);
      }
      return Json{{"class", object.class_name}, {"config", options}};
    }
  };
  return std::visit(Visitor(), config.value);
}

Config config_of(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return {json.get<bool>()};
    case Json::value_t::number_unsigned:
      check(json.get<uint64_t>() <= std::numeric_limits<int64_t>::max(),
            "parse_json", "integers must fit 64 bits, got ",
            json.get<uint64_t>());
      return {json.get<int64_t>()};
    case Json::value_t::number_integer:
      return {json.get<int64_t>()};
    case Json::value_t::number_float:
      return {json.get<double>()};
    case Json::value_t::string:
      return {json.get<std::string>()};
    case Json::value_t::array: {
      Config::List list;
      for (const Json& entry : json) list.push_back(config_of(entry));
      return {std::move(list)};
    }
    case Json::value_t::object: {
      Config::Map map;
      for (const auto& [key, entry] : json.items()) {
        map.emplace_back(key, config_of(entry));
      }
      return {std::move(map)};
    }
    default:
      return {};
  }
}

}  // namespace

const Config* Config::find(std::string_view key) const {
  if (const auto* map = get_if<Map>()) {
    for (const auto& [name, entry] : *map) {
      if (name == key) return &entry;
    }
  }
  return nullptr;
}

bool operator==(const Config& a, const Config& b) {
  if (a.value.index() != b.value.index()) return false;
  if (const auto* literal = a.get_if<Config::Literal>()) {
    const auto* other = b.get_if<Config::Literal>();
    return literal->text == other->text && !literal->json.empty() &&
           literal->json == other->json;
  }
  if (const auto* object = a.get_if<Config::Object>()) {
    const auto* other = b.get_if<Config::Object>();
    if (object->class_name != other->class_name ||
        object->options.size() != other->options.size()) {
      return false;
    }
    for (size_t i = 0; i < object->options.size(); ++i) {
      if (!(object->options[i].value == other->options[i].value)) return false;
    }
    return true;
  }
  if (const auto* list = a.get_if<Config::List>()) {
    return *list == *b.get_if<Config::List>();
  }
  if (const auto* map = a.get_if<Config::Map>()) {
    return *map == *b.get_if<Config::Map>();
  }
  if (const auto* number = a.get_if<double>()) {
    return *number == *b.get_if<double>();
  }
  if (const auto* number = a.get_if<int64_t>()) {
    return *number == *b.get_if<int64_t>();
  }
  if (const auto* flag = a.get_if<bool>()) return *flag == *b.get_if<bool>();
  if (const auto* text = a.get_if<std::string>()) {
    return *text == *b.get_if<std::string>();
  }
  return true;  // Both are None.
}

std::string to_repr(const Config& config) { return pretty(config); }

std::string to_json(const Config& config, int indent) {
  try {
    return json_of(config).dump(indent);
  } catch (const Json::exception& error) {
    throw ValueError(std::string("[to_json] ") + error.what());
  }
}

Config parse_json(std::string_view text) {
  // A key that comes twice would hide what the first one says.
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto key = value.get<std::string>();
      check(keys.back().insert(key).second, "parse_json", "'", key,
            "' comes twice");
    }
    return true;
  };
  try {
    return config_of(Json::parse(text, watch));
  } catch (const Json::exception& error) {
    throw ValueError(std::string("[parse_json] ") + error.what());
  }
}

}  // namespace snt
