#include "sonnet/core/layer.h"

namespace snt {

Layer make_module(std::string_view class_name, std::string_view json) {
  return registry<Layer>().make(
      Config{Config::Map{{"class", {std::string(class_name)}},
                         {"config", parse_json(json)}}},
      "make_module");
}

namespace detail {

void fail_arguments(std::string_view who, size_t got) {
  throw TypeError("[" + std::string(who) + "] cannot be called with " +
                  std::to_string(got) + " arguments");
}

}  // namespace detail
}  // namespace snt
