#include "sonnet/core/deferred.h"

namespace snt {

const Layer& DeferredTarget::get(const Callable<Layer()>& constructor) const {
  state_->once([&] { state_->target.emplace(constructor()); });
  return *state_->target;
}

DeferredTarget DeferredTarget::clone_(Cloner& cloner) const {
  DeferredTarget copy;
  copy.state_ = cloner.shared(state_, [&] {
    auto state = std::make_shared<State>();
    if (is_built()) {
      state->once(
          [&] { state->target.emplace(state_->target->clone_(cloner)); });
    }
    return state;
  });
  return copy;
}

void Deferred::check() const {
  snt::check(static_cast<bool>(constructor), "Deferred",
             "constructor must be given");
}

const Layer& Deferred::get() const {
  check();
  return target.get(constructor);
}

Config ConfigTraits<Deferred>::to(const Deferred& value) {
  const Config target = value.get().config();
  Config::Map options = {{"constructor", target}};
  if (!value.name.empty()) options.emplace_back("name", Config{value.name});
  return {
      Config::Literal{"Deferred(" + to_repr(target) + ")",
                      {Config{Config::Map{{"class", {std::string("Deferred")}},
                                          {"config", {std::move(options)}}}}}}};
}

Deferred ConfigTraits<Deferred>::from(const Config& config,
                                      const std::string& where) {
  const Config* inner = config.find("config");
  const Config& options = inner ? *inner : config;
  detail::check_keys(options, {"constructor", "name"}, where);
  const Config* made = options.find("constructor");
  snt::check(made != nullptr, where, "option 'constructor' is required");
  Deferred result{[config = *made, where] {
    return registry<Layer>().make(config, where + ".constructor");
  }};
  if (const Config* name = options.find("name")) {
    result.name = from_config<std::string>(*name, where + ".name");
  }
  return result;
}

}  // namespace snt
