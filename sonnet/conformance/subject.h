// File: conformance/subject.h
// Any module, optimizer or other callable struct behind one interface: what
// tests that run over every class work with.

#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sonnet/conformance/signature.h"
#include "sonnet/core/clone.h"
#include "sonnet/core/nest.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variables.h"
#include "sonnet/core/walk.h"
#include "sonnet/recurrent/core.h"

namespace snt::conformance {

struct ClassRow;

// An object of any class, held by pointer: copies are the same object.
class Subject {
 public:
  // Holds a copy of `object`, a plain struct whose class has a row of the
  // table, or stands there under another name.
  template <class T>
  explicit Subject(T object, const std::string& row_name = config_name<T>())
      : Subject(hold(std::move(object)), row_name) {}

  // Its row of the table.
  const ClassRow& row() const { return *row_; }

  // Calls it, or a method of it, with arguments by position and by name.
  // `variables`, `trainable_variables` and the names of its Variables are
  // methods of every class.
  //
  // Throws TypeError when arguments do not fit, KeyError for an unknown method.
  Nest call(std::span<const Nest> args, const Keywords& keywords = {}) const;
  Nest call_method(const std::string& method, std::span<const Nest> args,
                   const Keywords& keywords = {}) const;
  // The module that a method returns (`reverse`, `reversed`).
  Subject derive(const std::string& method, std::span<const Nest> args,
                 const Keywords& keywords = {}) const;

  // All variables at all their paths, built or not.
  std::vector<snt::detail::Found> find_variables() const;
  // What snt::variables and snt::trainable_variables give and throw.
  std::vector<Variable> variables(bool trainable_only = false) const {
    return held_->variables(trainable_only);
  }
  // The modules inside.
  std::vector<ModuleRef> submodules() const;
  // Shows a walk everything inside.
  void walk(Walker& walker) const { held_->walk(walker); }

  // What it prints as, and its options.
  std::string repr() const { return to_repr(config()); }
  Config config() const { return held_->config(); }
  // The `name` it was given, or else that of its class in snake case.
  std::string name() const { return held_->name(); }
  std::string class_name() const { return held_->class_name(); }
  // Sets one option, as an assignment to the field does.
  //
  // Throws KeyError for an unknown one.
  void set_option(const std::string& key, const Config& value) const;
  // Sets an option that is a tensor or a nest of them, which JSON would round.
  // False when there is none of this name.
  bool set_tensors(const std::string& key, const Nest& value) const {
    return held_->set_tensors(key, value);
  }
  // A deep copy.
  Subject clone() const;
  // The object as a recurrent core that shares its variables, if it is one.
  std::optional<Core> core() const { return held_->core(); }

  // The object itself if it is a T, else nullptr.
  template <class T>
  T* get_if() const {
    auto* of = dynamic_cast<Of<T>*>(held_.get());
    return of ? &of->object : nullptr;
  }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual std::vector<Variable> variables(bool trainable_only) const = 0;
    virtual void walk(Walker& walker) = 0;
    virtual Config config() const = 0;
    virtual std::string name() const = 0;
    virtual std::string class_name() const = 0;
    virtual bool set_option(const std::string& key, const Config& value) = 0;
    virtual bool set_tensors(const std::string& key, const Nest& value) = 0;
    virtual std::shared_ptr<Held> clone() const = 0;
    virtual std::optional<Core> core() const = 0;
  };
  template <class T>
  struct Of;

  template <class T>
  static std::shared_ptr<Held> hold(T object) {
    return std::make_shared<Of<T>>(std::move(object));
  }
  Subject(std::shared_ptr<Held> held, const std::string& row_name);

  std::shared_ptr<Held> held_;
  const ClassRow* row_;
};

template <class T>
struct Subject::Of final : Held {
  explicit Of(T o) : object(std::move(o)) {}

  std::vector<Variable> variables(bool trainable_only) const override {
    return trainable_only ? snt::trainable_variables(object)
                          : snt::variables(object);
  }
  void walk(Walker& walker) override { snt::walk(object, walker); }
  Config config() const override { return to_config(object); }
  std::string name() const override {
    const std::string_view given = snt::detail::given_name(object);
    return given.empty() ? snake_case(reflect::class_name<T>())
                         : std::string(given);
  }
  std::string class_name() const override {
    return std::string(reflect::class_name<T>());
  }
  bool set_option(const std::string& key, const Config& value) override {
    bool found = false;
    for_each_option([&](std::string_view name, auto& field) {
      if (name != key) return;
      field = from_config<std::decay_t<decltype(field)>>(value, key);
      found = true;
    });
    return found;
  }
  bool set_tensors(const std::string& key, const Nest& value) override {
    bool found = false;
    for_each_option([&](std::string_view name, auto& field) {
      using Field = std::decay_t<decltype(field)>;
      if constexpr (std::is_same_v<Field, at::Tensor> ||
                    std::is_same_v<Field, Nest>) {
        if (name != key) return;
        field = from_nest<Field>(value, key);
        found = true;
      }
    });
    return found;
  }
  std::shared_ptr<Held> clone() const override {
    return std::make_shared<Of>(snt::clone(object));
  }
  std::optional<Core> core() const override {
    if constexpr (RecurrentCore<T>) {
      return Core(object);
    } else {
      return std::nullopt;
    }
  }

  template <class F>
  void for_each_option(const F& f) {
    if constexpr (std::is_aggregate_v<T>) {
      [&]<size_t... I>(std::index_sequence<I...>) {
        (f(reflect::field_name<T, I>, reflect::field<I>(object)), ...);
      }
      (std::make_index_sequence<num_options<T>>());
    }
  }

  T object;
};

}  // namespace snt::conformance
