// File: core/walk.h
// One pass over everything a module holds: its variables, its constant tensors
// and the modules inside, each with its path. All that the library does with a
// whole module (listing, saving, moving, freezing) is such a pass.

#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <unordered_set>
#include <utility>

#include "sonnet/core/options.h"
#include "sonnet/core/reflect.h"
#include "sonnet/core/variable.h"

namespace snt {

// A module that a walk meets.
struct ModuleRef {
  std::string path;        // Field path from the root: "body/layers/0".
  std::string name;        // For people: "mlp/linear_0".
  std::string class_name;  // "Linear".
  void* address = nullptr;
  const std::type_info* type = nullptr;
  void (*check)(const void* address) = nullptr;  // Its check(), if any.

  // The module itself if it is a T, else nullptr.
  template <class T>
  T* get_if() const {
    return *type == typeid(T) ? static_cast<T*>(address) : nullptr;
  }
};

// Receives what a walk meets; override what is wanted. `path()` and `name()`
// tell where the walk stands.
class Walker {
 public:
  virtual ~Walker() = default;

  // A Variable, also when it is empty; a shared one is met at every path.
  virtual void on_variable(Variable&) {}
  // A tensor field: a constant that is neither trained nor saved.
  virtual void on_constant(at::Tensor&) {}
  // A module, before what it holds.
  virtual void on_module(const ModuleRef&) {}

  // The field path from the root: "body/layers/0/w".
  const std::string& path() const { return path_; }
  // The path for people, with names where modules were given some.
  std::string name() const;

  // A step of the walk, for `walk` and types with a `walk_` only: adds a
  // component to the path while it lives.
  class Field {
   public:
    // An empty name adds nothing.
    Field(Walker& walker, std::string_view name);
    ~Field() { walker_.path_.resize(size_); }
    Field(const Field&) = delete;
    Field& operator=(const Field&) = delete;

   private:
    Walker& walker_;
    size_t size_;
  };
  // Another step: announces a module; names below it start from it.
  class Module {
   public:
    // `name` is what the module was given, or empty.
    Module(Walker& walker, std::string_view class_name, std::string_view name,
           void* address, const std::type_info& type,
           void (*check)(const void*));
    ~Module();
    Module(const Module&) = delete;
    Module& operator=(const Module&) = delete;

   private:
    Walker& walker_;
    std::string outer_name_;
    size_t outer_size_;
  };
  // Another step: replaces the last component of the name while it lives.
  class Alias {
   public:
    // An empty name replaces nothing.
    Alias(Walker& walker, std::string_view name);
    ~Alias();
    Alias(const Alias&) = delete;
    Alias& operator=(const Alias&) = delete;

   private:
    Walker& walker_;
    std::string outer_name_;
    size_t outer_size_;
  };
  // Whether a shared object is not being walked already; pairs with `leave`.
  bool enter(const void* shared) { return active_.insert(shared).second; }
  void leave(const void* shared) { active_.erase(shared); }

 private:
  std::string path_;
  std::string module_name_;  // Of the innermost module.
  size_t module_size_ = 0;   // Of the path that `module_name_` stands for.
  std::unordered_set<const void*> active_;
};

// "output_size" style name of a class: Sonnet's default module names,
// "cifar10_conv_net" for Cifar10ConvNet.
std::string snake_case(std::string_view class_name);

namespace detail {

template <class T>
concept VisitsFields = requires(T& t) {
  t.visit_fields([](std::string_view, auto&) {});
};
template <class T>
concept WalksItself = requires(T& t, Walker& w) {
  t.walk_(w);
};
template <class T>
concept IsPointer = requires(T& t) {
  typename T::element_type;
  t.get();
  *t;
};
template <class T>
concept IsRange = requires(T& t) {
  t.begin();
  t.end();
  typename T::value_type;
};

// Whether a struct is a module: it can be called, or holds variables.
template <class T>
consteval bool is_module() {
  if constexpr (requires { T::is_module; }) {
    return T::is_module;
  } else {
    return requires { &T::operator(); }
    || holds_variables<T>();
  }
}

// The check() of a module as a plain function, or nullptr.
template <class T>
constexpr auto checker() -> void (*)(const void*) {
  if constexpr (requires(const T& t) { t.check(); }) {
    return [](const void* object) { static_cast<const T*>(object)->check(); };
  } else {
    return nullptr;
  }
}

template <class T>
std::string_view given_name(const T& object) {
  if constexpr (requires { std::string_view(object.name); }) {
    return object.name;
  } else {
    return {};
  }
}

}  // namespace detail

// Walks over `object` in the order of declaration. Containers add an index or a
// key to the path; pointers, optionals and variants add nothing.
template <class T>
void walk(T& const_object, Walker& walker) {
  using U = std::remove_const_t<T>;
  // Handles are shared, so a const module has variables that can be changed.
  U& object = const_cast<U&>(const_object);
  if constexpr (std::is_same_v<U, Variable>) {
    walker.on_variable(object);
  } else if constexpr (std::is_same_v<U, at::Tensor>) {
    walker.on_constant(object);
  } else if constexpr (opaque<U> || std::is_arithmetic_v<U> ||
                       std::is_enum_v<U> ||
                       std::is_convertible_v<U, std::string_view> ||
                       std::is_same_v<U, std::nullptr_t>) {
    // Nothing to find.
  } else if constexpr (detail::is_required<U>) {
    snt::walk(object.value, walker);
  } else if constexpr (std::is_pointer_v<U>) {
    static_assert(!detail::holds_variables<
                      std::remove_const_t<std::remove_pointer_t<U>>>(),
                  "snt: a module must not hold another by a plain pointer: "
                  "hold it by value (copies share variables) or by "
                  "std::shared_ptr, or specialise snt::opaque.");
  } else if constexpr (detail::WalksItself<U>) {
    object.walk_(walker);
  } else if constexpr (detail::VisitsFields<U>) {
    const auto visit = [&] {
      object.visit_fields([&](std::string_view name, auto& field) {
        const Walker::Field here(walker, name);
        snt::walk(field, walker);
      });
    };
    if constexpr (detail::is_module<U>()) {
      const Walker::Module here(walker, reflect::class_name<U>(),
                                detail::given_name(object), &object, typeid(U),
                                detail::checker<U>());
      visit();
    } else {
      visit();
    }
  } else if constexpr (detail::is_map<U> ||
                       requires { typename U::mapped_type; }) {
    for (auto& [key, value] : object) {
      const Walker::Field here(walker, format(key));
      snt::walk(value, walker);
    }
  } else if constexpr (detail::is_list<U>) {
    if constexpr (!std::is_same_v<typename U::value_type, bool>) {
      for (size_t i = 0; i < object.size(); ++i) {
        const Walker::Field here(walker, std::to_string(i));
        snt::walk(object[i], walker);
      }
    }
  } else if constexpr (detail::is_optional<U>) {
    if (object) snt::walk(*object, walker);
  } else if constexpr (detail::IsPointer<U>) {
    if (object && walker.enter(object.get())) {
      snt::walk(*object, walker);
      walker.leave(object.get());
    }
  } else if constexpr (detail::is_variant<U>) {
    std::visit([&](auto& value) { snt::walk(value, walker); }, object);
  } else if constexpr (detail::is_tuple<U>) {
    [&]<size_t... I>(std::index_sequence<I...>) {
      (
          [&] {
            const Walker::Field here(walker, std::to_string(I));
            snt::walk(std::get<I>(object), walker);
          }(),
          ...);
    }
    (std::make_index_sequence<std::tuple_size_v<U>>());
  } else if constexpr (reflect::is_foreign<U>()) {
    if constexpr (detail::IsRange<U>) {
      static_assert(!detail::holds_variables<typename U::value_type>(),
                    "snt: variables in this kind of container are not found: "
                    "use std::vector, std::array, std::map or std::tuple.");
    }
  } else if constexpr (reflect::readable<U>()) {
    const auto visit = [&] {
      reflect::for_each_field(object, [&](std::string_view name, auto& field) {
        const Walker::Field here(walker, name);
        snt::walk(field, walker);
      });
    };
    if constexpr (detail::is_module<U>()) {
      const std::string_view name = detail::given_name(object);
      check_name(reflect::class_name<U>(), name);
      const Walker::Module here(walker, reflect::class_name<U>(), name, &object,
                                typeid(U), detail::checker<U>());
      visit();
    } else {
      visit();
    }
  }
}

}  // namespace snt
