#include "sonnet/recurrent/core.h"

namespace snt {

Core make_core(std::string_view class_name, std::string_view json) {
  Config config{Config::Map{{"class", Config{std::string(class_name)}},
                            {"config", parse_json(json)}}};
  return registry<Core>().make(config, std::string(class_name));
}

}  // namespace snt
