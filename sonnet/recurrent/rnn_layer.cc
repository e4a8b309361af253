#include "sonnet/recurrent/rnn_layer.h"

#include <algorithm>

namespace snt {

RNNLayer ConfigTraits<RNNLayer>::from(const Config& config,
                                      const std::string& where) {
  const Config* given = config.find("class");
  const auto* name = (given ? *given : config).get_if<std::string>();
  const std::vector<std::string> cores = registry<Core>().names();
  if (name && std::find(cores.begin(), cores.end(), *name) != cores.end()) {
    return ConfigTraits<Core>::from(config, where);
  }
  return ConfigTraits<Layer>::from(config, where);
}

}  // namespace snt
