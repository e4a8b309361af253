// File: core/config.h
// The options of a module as a value: what `repr` prints and JSON stores.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace snt {

// A tree of plain values. JSON maps onto it one to one; it also knows objects
// (a class with options, of which some have their default) and literals (what
// prints without quotes, like a dtype).
struct Config {
  // Entries in order; a map's keys are unique.
  using List = std::vector<Config>;
  using Map = std::vector<std::pair<std::string, Config>>;

  // An option of an object.
  struct Option;

  // A class and its options, in the order of declaration.
  struct Object {
    std::string class_name;  // As in JSON: "nets.MLP".
    std::vector<Option> options;
    std::string repr_name = {};  // Printed; empty: the end of `class_name`.
  };

  // Prints as `text`; in JSON it is `json`, or an error where that is absent.
  struct Literal {
    std::string text;               // As printed.
    std::vector<Config> json = {};  // None or one.
  };

  std::variant<std::monostate, bool, int64_t, double, std::string, Literal,
               List, Map, Object>
      value = std::monostate();  // None at first.

  // Whether this is None (null in JSON).
  bool is_none() const { return std::holds_alternative<std::monostate>(value); }
  // The alternative of type T, or nullptr.
  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&value);
  }
  // The entry of a map, or nullptr when there is none or this is no map.
  const Config* find(std::string_view key) const;
};

struct Config::Option {
  std::string key;          // The field's name.
  Config value;             // Its value.
  bool is_default = false;  // Whether the struct gives it without being told.
};

// Whether both print and store alike. Literals without JSON (a user's lambda)
// are never equal.
bool operator==(const Config& a, const Config& b);

// The text that Python would print: on one line of at most 80 characters, else
// with an option a line. Options that have their default are left out.
std::string to_repr(const Config& config);

// JSON text; objects become {"class": ..., "config": {...}} with all their
// options. `indent` < 0: on one line.
//
// Throws ValueError for what JSON cannot hold (a user's lambda, bytes that are
// not UTF-8), naming it.
std::string to_json(const Config& config, int indent = -1);

// Reads JSON text; {"class", "config"} stays a map here.
//
// Throws ValueError with the position for malformed text, and for a key that
// comes twice.
Config parse_json(std::string_view text);

}  // namespace snt
