// File: conformance/class_table.h
// The library's classes and functions by the names that Sonnet's users write
// behind `snt.`: one short row each. The goldens and the conformance tests run
// over it.
//
//     // table.add(module<Linear>("Linear")
//     //               .call("inputs")
//     //               .method("input_size", &Linear::input_size)
//     //               .example(R"({"output_size": 3})", floats({2, 5})));
//
// A row says what Python knows and C++ does not: names and defaults of the
// arguments. A class that is not in the table counts as missing.

#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "sonnet/conformance/signature.h"
#include "sonnet/conformance/subject.h"
#include "sonnet/core/config.h"
#include "sonnet/core/dynamic_call.h"
#include "sonnet/core/layer.h"
#include "sonnet/core/nest.h"
#include "sonnet/core/registry.h"

namespace snt::conformance {

// What a row knows of a method: how it is called.
template <class R>
struct Method {
  Signature signature;
  std::function<R(const Subject&, std::span<const Nest>)> call;
};

// What an abstract class would be made of, if one could be made.
struct Nothing {};

// Arguments for a call in some floating dtype.
using ExampleArgs = std::function<std::vector<Nest>(at::ScalarType dtype)>;

// One class.
struct ClassRow {
  std::string name;  // "nets.MLP"

  // Makes one from its options. `select` says which of a pair is meant, where
  // Sonnet's function returns one.
  std::function<Subject(const Config& options, std::optional<int64_t> select)>
      make;

  Signature signature;      // Of the call operator.
  std::string forwards_to;  // Or the option whose signature it has.
  std::function<Nest(const Subject&, std::span<const Nest>)> call;
  bool fills_defaults = false;  // Those of the signature, not those of C++.
  std::map<std::string, Method<Nest>> methods;
  std::map<std::string, Method<Subject>> derivations;  // They give a module.
  // `apply` of an optimizer.
  std::function<void(const Subject&, const std::vector<at::Tensor>& updates,
                     const std::vector<Variable>& parameters)>
      apply;
  // Makes the variables that Sonnet makes in the constructor (a plain struct
  // has none before its first call).
  std::function<void(const Subject&)> create;
  bool is_abstract = false;  // See `abstract`.
  bool is_unrolled = false;  // Takes whole sequences: [T, B, ...].

  // For tests that need one that works.
  std::string example_config;      // JSON of its options; empty: no example.
  ExampleArgs example_args;        // Of the call operator; may be empty.
  bool example_takes_half = true;  // Whether half types may be given.

  // Of the call operator, given the options.
  Signature signature_of(const Config& config) const;
};

// One function. `subject` is the module that unrolls and their like take first.
struct FunctionRow {
  std::string name;  // "pad.causal"
  Signature signature;
  std::function<Nest(const Subject* subject, std::span<const Nest> args)> call;
};

// All rows.
class ClassTable {
 public:
  void add(ClassRow row) { classes_.insert_or_assign(row.name, row); }
  void add(FunctionRow row) { functions_.insert_or_assign(row.name, row); }

  // The row, or nullptr.
  const ClassRow* find_class(const std::string& name) const;
  const FunctionRow* find_function(const std::string& name) const;

  // All of them, sorted by name.
  const std::map<std::string, ClassRow>& classes() const { return classes_; }
  const std::map<std::string, FunctionRow>& functions() const {
    return functions_;
  }

 private:
  std::map<std::string, ClassRow> classes_;
  std::map<std::string, FunctionRow> functions_;
};

// The table, filled.
const ClassTable& class_table();

// The rows, by folder of the library.
void add_convolution_rows(ClassTable& table);
void add_core_rows(ClassTable& table);
void add_initializer_rows(ClassTable& table);
void add_layer_rows(ClassTable& table);
void add_metric_rows(ClassTable& table);
void add_net_rows(ClassTable& table);
void add_normalization_rows(ClassTable& table);
void add_optimizer_rows(ClassTable& table);
void add_unroll_rows(ClassTable& table);

// -------------------------------------------------------- how rows are written

namespace detail {

// f(args...) with run-time arguments, which must be as many as f takes. R is
// Nest or Subject, which holds what f gives.
template <class R, class F, class... A>
R apply_nests(const F& f, std::type_identity<std::tuple<A...>>,
              std::span<const Nest> args, const std::string& who) {
  using Result = std::invoke_result_t<const F&, A...>;
  if (args.size() != sizeof...(A)) {
    snt::detail::fail_arguments(who, args.size());
  }
  return [&]<size_t... I>(std::index_sequence<I...>)->R {
    const auto run = [&] {
      return f(
          from_nest<A>(args[I], who + " argument " + std::to_string(I))...);
    };
    if constexpr (std::is_void_v<Result>) {
      run();
      return Nest();
    } else if constexpr (std::is_same_v<R, Nest>) {
      return to_nest<std::decay_t<Result>>(run());
    } else {
      return R(run());
    }
  }
  (std::index_sequence_for<A...>());
}

// The parameters of a function, a member function or a lambda.
template <class F>
struct ParametersOf : snt::detail::Parameters<decltype(&F::operator())> {};
template <class F>
requires(std::is_pointer_v<F> ||
         std::is_member_function_pointer_v<F>) struct ParametersOf<F>
    : snt::detail::Parameters<F> {
};

template <class Tuple>
struct Tail;
template <class Head, class... Rest>
struct Tail<std::tuple<Head, Rest...>> {
  using type = std::tuple<Rest...>;
};
// Those behind the object, for a method.
template <class F>
struct MethodParameters : Tail<typename ParametersOf<F>::type> {};
template <class F>
requires(std::is_member_function_pointer_v<F>) struct MethodParameters<F>
    : ParametersOf<F> {
};

// A member function, or a function that takes the object first, as a function
// of a Subject.
template <class R, class T, class F>
auto method_of(F f, const std::string& who) {
  return [f, who](const Subject& subject, std::span<const Nest> args) -> R {
    T& object = *subject.get_if<T>();
    const auto with_object = [&](auto&&... a) {
      return std::invoke(f, object, std::forward<decltype(a)>(a)...);
    };
    return apply_nests<R>(
        with_object, std::type_identity<typename MethodParameters<F>::type>(),
        args, who);
  };
}

}  // namespace detail

// A row of a class, in the making.
template <class T>
struct RowOf : ClassRow {
  // The call operator, with its parameters.
  RowOf&& call(Signature parameters) && {
    signature = std::move(parameters);
    ClassRow::call = [](const Subject& subject, std::span<const Nest> args) {
      return snt::detail::call_dynamic(*subject.get_if<T>(), args,
                                       reflect::class_name<T>());
    };
    return std::move(*this);
  }
  // The same through a function that takes the object first, where arguments
  // must be adapted.
  template <class F>
  RowOf&& call(Signature parameters, F f) && {
    signature = std::move(parameters);
    fills_defaults = true;
    ClassRow::call = detail::method_of<Nest, T>(f, name);
    return std::move(*this);
  }
  // The call operator, with the parameters of the module that an option holds.
  RowOf&& call_like(std::string option) && {
    forwards_to = std::move(option);
    return std::move(*this).call(Signature());
  }
  // A method, or a function that takes the object first.
  template <class F>
  RowOf&& method(const std::string& method, F f, Signature s = {}) && {
    methods[method] = {std::move(s),
                       detail::method_of<Nest, T>(f, name + "." + method)};
    return std::move(*this);
  }
  // The same for one that gives a module.
  template <class F>
  RowOf&& derives(const std::string& method, F f, Signature s = {}) && {
    derivations[method] = {
        std::move(s), detail::method_of<Subject, T>(f, name + "." + method)};
    return std::move(*this);
  }
  // A call that makes the variables that Sonnet makes in the constructor.
  RowOf&& creates(std::function<void(const T&)> call) && {
    create = [call](const Subject& subject) { call(*subject.get_if<T>()); };
    return std::move(*this);
  }
  // An example that works; without arguments where a call says nothing.
  RowOf&& example(std::string json, ExampleArgs args = nullptr) && {
    example_config = std::move(json);
    example_args = std::move(args);
    return std::move(*this);
  }
};

// A row for a struct that is made from its options.
template <class T>
RowOf<T> module(const std::string& name) {
  RowOf<T> row;
  row.name = name;
  row.make = [name](const Config& options, std::optional<int64_t>) {
    return Subject(from_config<T>(options, name), name);
  };
  return row;
}

// A row for an optimizer.
template <class T>
RowOf<T> optimizer(const std::string& name) {
  RowOf<T> row = module<T>(name);
  row.apply = [](const Subject& subject, const std::vector<at::Tensor>& updates,
                 const std::vector<Variable>& parameters) {
    subject.get_if<T>()->apply(updates, parameters);
  };
  return row;
}

// A row for a class that is abstract in Sonnet. T is what stands for it here: a
// type that holds any of its kind, so that there is nothing to make. Asking the
// registry of T for one is an error.
template <class T>
ClassRow abstract(const std::string& name) {
  ClassRow row;
  row.name = name;
  row.is_abstract = true;
  row.make = [name](const Config& options, std::optional<int64_t>) {
    const Config config{
        Config::Map{{"class", Config{name}}, {"config", options}}};
    registry<T>().make(config, name);
    return Subject(Nothing(), name);
  };
  return row;
}

// A row for a function or lambda.
template <class F>
FunctionRow function(const std::string& name, Signature parameters, F f) {
  using Tuple = typename detail::ParametersOf<F>::type;
  return {name, std::move(parameters),
          [f, name](const Subject*, std::span<const Nest> args) {
            return detail::apply_nests<Nest>(f, std::type_identity<Tuple>(),
                                             args, name);
          }};
}

// Example arguments: one tensor of normal numbers.
ExampleArgs floats(std::vector<int64_t> shape);

}  // namespace snt::conformance
