// File: core/registry.h
// Classes by name, for what is made from JSON: modules, initialisers,
// regularisers, optimizers, schedules, activations.

#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sonnet/core/options.h"

namespace snt {

// Makes values of the type-erased `Erased` from a class name and options.
template <class Erased>
class Registry {
 public:
  // How one class is made from its options.
  using Make = std::function<Erased(const Config&, const std::string& where)>;

  // Adds or replaces a class under a name of one's own.
  void add(const std::string& name, Make make) {
    std::lock_guard lock(mutex_);
    makers_[name] = std::move(make);
  }

  // Adds a plain struct under the name `config_name` gives it.
  template <class T>
  void add() {
    add(config_name<T>(), [](const Config& config, const std::string& where) {
      return Erased(from_config<T>(config, where));
    });
  }

  // Makes what `config` says: {"class": ..., "config": {...}}, or a bare name.
  //
  // Throws ValueError for a class that is not registered, listing those that
  // are, and for bad options.
  Erased make(const Config& config, const std::string& where) const {
    const Config* name = &config;
    Config options{Config::Map{}};
    if (const Config* given = config.find("class")) {
      detail::check_keys(config, {"class", "config"}, where);
      name = given;
      if (const Config* inner = config.find("config")) options = *inner;
    }
    const auto* text = name->template get_if<std::string>();
    if (text == nullptr) {
      detail::fail_config(config, where,
                          "a name or {\"class\": ..., \"config\": {...}}");
    }
    return find(*text, where)(options, where + "(" + *text + ")");
  }

  // The names there are, sorted.
  std::vector<std::string> names() const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> result;
    for (const auto& [name, make] : makers_) result.push_back(name);
    return result;
  }

 private:
  Make find(const std::string& name, const std::string& where) const {
    {
      std::lock_guard lock(mutex_);
      if (auto it = makers_.find(name); it != makers_.end()) return it->second;
    }
    std::string known;
    for (const std::string& other : names()) {
      known += (known.empty() ? "" : ", ") + other;
    }
    throw ValueError("[" + where + "] unknown class '" + name +
                     "'; known: " + known);
  }

  mutable std::mutex mutex_;
  std::map<std::string, Make, std::less<>> makers_;
};

// Adds the library's own classes to all registries; runs once, before the
// first look-up. A plain function, because a static library would drop static
// registrars.
void register_all();

namespace detail {
template <class Erased>
Registry<Erased>& the_registry() {
  static auto* registry = new Registry<Erased>();  // Outlives static objects.
  return *registry;
}
}  // namespace detail

// The registry of one kind of class, filled with the library's own.
//
//     // snt::registry<snt::Layer>().add<MyBlock>();
template <class Erased>
Registry<Erased>& registry() {
  register_all();
  return detail::the_registry<Erased>();
}

}  // namespace snt
