// File: core/tree.h
// Operations on nests of tensors: a tensor, or any struct, tuple, pair, array,
// vector, string map or optional of nests, or a dynamic snt::Nest. Leaves that
// are no tensors (numbers, strings) are carried through.

#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/nest.h"
#include "sonnet/core/options.h"
#include "sonnet/core/reflect.h"

namespace snt::tree {

namespace detail {

// Tensor functions of tree.cc, so that this header needs no ATen/ATen.h.
at::Tensor where_leaf(const at::Tensor& mask, const at::Tensor& a,
                      const at::Tensor& b, const std::string& path);
at::Tensor stack_leaves(const std::vector<at::Tensor>& leaves, int64_t dim,
                        const std::string& path);
at::Tensor index_leaf(const at::Tensor& leaf, int64_t i, int64_t dim);
[[noreturn]] void fail_structure(const std::string& path,
                                 const std::string& first,
                                 const std::string& other);

inline std::string join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "/" + std::string(name);
}

// f(path, leaf, other leaves...) for each tensor of `tree`, which the others
// must match. An undefined tensor is an absent leaf.
template <class F, class T, class... Ts>
void zip(F& f, const std::string& path, T& tree, Ts&... others) {
  using U = std::remove_const_t<T>;
  static_assert((std::is_same_v<U, std::remove_const_t<Ts>> && ...),
                "snt::tree: the trees must be of one type.");
  if constexpr (std::is_same_v<U, at::Tensor>) {
    const bool defined = tree.defined();
    (void)((others.defined() == defined
                ? true
                : (fail_structure(path, defined ? "a tensor" : "no tensor",
                                  defined ? "no tensor" : "a tensor"),
                   false)) &&
           ...);
    if (defined) f(path, tree, others...);
  } else if constexpr (std::is_same_v<U, Nest>) {
    const auto same = [&](bool ok, const Nest& other) {
      if (!ok) fail_structure(path, tree.kind(), other.kind());
    };
    if (auto* leaf = tree.template get_if<at::Tensor>()) {
      (same(others.template get_if<at::Tensor>() != nullptr, others), ...);
      detail::zip(f, path, *leaf, *others.template get_if<at::Tensor>()...);
    } else if (auto* list = tree.template get_if<Nest::List>()) {
      (same(others.template get_if<Nest::List>() != nullptr, others), ...);
      detail::zip(f, path, *list, *others.template get_if<Nest::List>()...);
    } else if (auto* dict = tree.template get_if<Nest::Dict>()) {
      (same(others.template get_if<Nest::Dict>() != nullptr &&
                others.template get_if<Nest::Dict>()->size() == dict->size(),
            others),
       ...);
      for (size_t i = 0; i < dict->size(); ++i) {
        const std::string& key = (*dict)[i].first;
        (same((*others.template get_if<Nest::Dict>())[i].first == key, others),
         ...);
        detail::zip(f, join(path, key), (*dict)[i].second,
                    (*others.template get_if<Nest::Dict>())[i].second...);
      }
    } else {
      const auto is_value = [](const Nest& nest) {
        return !nest.is_none() && !nest.get_if<at::Tensor>() &&
               !nest.get_if<Nest::List>() && !nest.get_if<Nest::Dict>();
      };
      (same(tree.is_none() ? others.is_none() : is_value(others), others), ...);
    }
  } else if constexpr (snt::detail::is_optional<U>) {
    (void)((others.has_value() == tree.has_value()
                ? true
                : (fail_structure(path, tree ? "a value" : "no value",
                                  tree ? "no value" : "a value"),
                   false)) &&
           ...);
    if (tree) detail::zip(f, path, *tree, *others...);
  } else if constexpr (snt::detail::is_list<U>) {
    (void)((others.size() == tree.size()
                ? true
                : (fail_structure(path,
                                  std::to_string(tree.size()) + " entries",
                                  std::to_string(others.size()) + " entries"),
                   false)) &&
           ...);
    if constexpr (!std::is_same_v<typename U::value_type, bool>) {
      for (size_t i = 0; i < tree.size(); ++i) {
        detail::zip(f, join(path, std::to_string(i)), tree[i], others[i]...);
      }
    }
  } else if constexpr (snt::detail::is_map<U>) {
    for (auto& [key, value] : tree) {
      const std::string here = join(path, format(key));
      (void)((others.contains(key)
                  ? true
                  : (fail_structure(here, "an entry", "none"), false)) &&
             ...);
      detail::zip(f, here, value, others.at(key)...);
    }
    (void)((others.size() == tree.size()
                ? true
                : (fail_structure(path, std::to_string(tree.size()) + " keys",
                                  std::to_string(others.size()) + " keys"),
                   false)) &&
           ...);
  } else if constexpr (snt::detail::is_tuple<U>) {
    [&]<size_t... I>(std::index_sequence<I...>) {
      (
          [&]<size_t J>(std::integral_constant<size_t, J>) {
            detail::zip(f, join(path, std::to_string(J)), std::get<J>(tree),
                        std::get<J>(others)...);
          }(std::integral_constant<size_t, I>()),
          ...);
    }
    (std::make_index_sequence<std::tuple_size_v<U>>());
  } else if constexpr (std::is_arithmetic_v<U> || std::is_enum_v<U> ||
                       std::is_convertible_v<U, std::string_view> ||
                       reflect::is_foreign<U>()) {
    // Carried through.
  } else {
    [&]<size_t... I>(std::index_sequence<I...>) {
      (
          [&]<size_t J>(std::integral_constant<size_t, J>) {
            detail::zip(f, join(path, reflect::field_name<U, J>),
                        reflect::field<J>(tree), reflect::field<J>(others)...);
          }(std::integral_constant<size_t, I>()),
          ...);
    }
    (std::make_index_sequence<reflect::num_fields<U>()>());
  }
}

}  // namespace detail

// The tree of f(leaf, other leaves...), with the structure of `tree` and its
// leaves that are no tensors. The other trees must have the same type.
//
//     struct State { at::Tensor hidden, cell; };
//     State a{at::ones({2}), at::zeros({2})};
//     State b = snt::tree::map(
//         [](const at::Tensor& x) { return 2 * x; }, a);
//
// Throws ValueError that names the path at which two trees differ.
template <class F, class T, class... Ts>
T map(F&& f, const T& tree, const Ts&... others) {
  T result = tree;
  const auto apply = [&](const std::string&, at::Tensor& leaf,
                         const auto&... rest) { leaf = f(leaf, rest...); };
  detail::zip(apply, "", result, const_cast<Ts&>(others)...);
  return result;
}

// Calls f(path, leaf) for each tensor, in order.
template <class F, class T>
void for_each(F&& f, const T& tree) {
  const auto apply = [&](const std::string& path, const at::Tensor& leaf) {
    f(path, leaf);
  };
  detail::zip(apply, "", tree);
}

// The tensors of a tree, in order: struct fields as declared, maps by key.
template <class T>
std::vector<at::Tensor> flatten(const T& tree) {
  std::vector<at::Tensor> leaves;
  tree::for_each([&](const std::string&,
                     const at::Tensor& leaf) { leaves.push_back(leaf); },
                 tree);
  return leaves;
}

// The inverse of `flatten`: a tree like `like` with these tensors.
//
// Throws ValueError when there are more or fewer tensors than leaves.
template <class T>
T unflatten(const T& like, const std::vector<at::Tensor>& leaves) {
  const size_t needed = tree::flatten(like).size();
  check(leaves.size() == needed, "tree::unflatten", "needs ", needed,
        " tensors, got ", leaves.size());
  size_t next = 0;
  return tree::map([&](const at::Tensor&) { return leaves[next++]; }, like);
}

// Checks that two trees have the same structure; shapes may differ.
//
// Throws ValueError that names the path at which they differ.
template <class T>
void assert_same_structure(const T& a, const T& b) {
  tree::map([](const at::Tensor& x, const at::Tensor&) { return x; }, a, b);
}

// Leaf by leaf a where `mask` holds and b elsewhere. `mask` is [B], a bool
// tensor; leaves are [B, ...]. Leaves without dimensions are taken from a.
//
// Throws ValueError that names the path of a leaf that does not fit.
template <class T>
T where(const at::Tensor& mask, const T& a, const T& b) {
  T result = a;
  const auto apply = [&](const std::string& path, at::Tensor& x,
                         const at::Tensor& y) {
    x = detail::where_leaf(mask, x, y, path);
  };
  detail::zip(apply, "", result, const_cast<T&>(b));
  return result;
}

// One tree whose leaves are those of the given trees along a new dimension.
//
// Throws ValueError for no trees, or leaves of different shapes (with path).
template <class T>
T stack(const std::vector<T>& trees, int64_t dim = 0) {
  check(!trees.empty(), "tree::stack", "needs at least one tree");
  T result = trees[0];
  std::vector<std::vector<at::Tensor>> columns;
  for (const T& tree : trees) {
    tree::assert_same_structure(trees[0], tree);
    columns.push_back(tree::flatten(tree));
  }
  size_t next = 0;
  const auto apply = [&](const std::string& path, at::Tensor& leaf) {
    std::vector<at::Tensor> leaves;
    for (const auto& column : columns) leaves.push_back(column[next]);
    leaf = detail::stack_leaves(leaves, dim, path);
    ++next;
  };
  detail::zip(apply, "", result);
  return result;
}

// Entry i of every leaf along `dim`: the inverse of `stack`.
template <class T>
T index(const T& tree, int64_t i, int64_t dim = 0) {
  return tree::map(
      [&](const at::Tensor& x) { return detail::index_leaf(x, i, dim); }, tree);
}

// Every leaf cut off from the graph that computed it.
template <class T>
T detach(const T& tree) {
  return tree::map([](const at::Tensor& x) { return x.detach(); }, tree);
}

// Every leaf on another device; floating leaves also in another dtype.
template <class T>
T to(const T& tree, const at::TensorOptions& options) {
  return tree::map(
      [&](const at::Tensor& x) {
        at::Tensor y = options.device_opt() ? x.to(options.device()) : x;
        return options.dtype_opt() && x.is_floating_point()
                   ? y.to(c10::typeMetaToScalarType(options.dtype()))
                   : y;
      },
      tree);
}

}  // namespace snt::tree
