#include "sonnet/recurrent/trainable_state.h"

#include <ATen/ATen.h>

#include <optional>

#include "sonnet/core/errors.h"

namespace snt {
namespace {

// f(path, value, mask) for each leaf of `values`: a tensor or number.
template <class F>
void for_each_state_leaf(const std::string& path, const Nest& values,
                         const Nest* mask, const F& f) {
  const auto fail = [&] {
    throw ValueError(
        "[TrainableState] The two structures don't have the same nested "
        "structure: at '" +
        path + "' initial_values has " + values.kind() + " and mask " +
        mask->kind());
  };
  if (const auto* list = values.get_if<Nest::List>()) {
    const auto* others = mask ? mask->get_if<Nest::List>() : nullptr;
    if (mask && (!others || others->size() != list->size())) fail();
    for (size_t i = 0; i < list->size(); ++i) {
      for_each_state_leaf(tree::detail::join(path, std::to_string(i)),
                          (*list)[i], others ? &(*others)[i] : nullptr, f);
    }
  } else if (const auto* dict = values.get_if<Nest::Dict>()) {
    const auto* others = mask ? mask->get_if<Nest::Dict>() : nullptr;
    if (mask && (!others || others->size() != dict->size())) fail();
    for (const auto& [key, entry] : *dict) {
      const Nest* other = nullptr;
      for (size_t i = 0; others && i < others->size(); ++i) {
        if ((*others)[i].first == key) other = &(*others)[i].second;
      }
      if (mask && !other) fail();
      for_each_state_leaf(tree::detail::join(path, key), entry, other, f);
    }
  } else {
    if (mask && (mask->get_if<Nest::List>() || mask->get_if<Nest::Dict>())) {
      fail();
    }
    f(path, values, mask);
  }
}

const Nest* given_mask(const Nest& mask) {
  return mask.is_none() ? nullptr : &mask;
}

// Numbers as TensorFlow makes tensors of them.
at::Tensor state_value(const std::string& path, const Nest& leaf) {
  if (const auto* v = leaf.get_if<at::Tensor>()) return *v;
  if (const auto* v = leaf.get_if<double>()) {
    return at::scalar_tensor(*v, at::kFloat);
  }
  if (const auto* v = leaf.get_if<int64_t>()) {
    return at::scalar_tensor(*v, at::kInt);
  }
  if (const auto* v = leaf.get_if<bool>()) {
    return at::scalar_tensor(static_cast<int64_t>(*v), at::kBool);
  }
  throw ValueError(
      "[TrainableState] initial_values must be tensors and "
      "numbers, got " +
      leaf.kind() + (path.empty() ? "" : " at '" + path + "'"));
}

bool is_trainable_in(const Nest* mask) {
  if (mask == nullptr) return true;
  if (const auto* v = mask->get_if<bool>()) return *v;
  if (const auto* v = mask->get_if<int64_t>()) return *v != 0;
  throw TypeError("[TrainableState] mask must be bools, got " + mask->kind());
}

// The tree of f(leaf) for the leaves of `values` in order.
template <class F>
Nest map_state_leaves(const Nest& values, const F& f) {
  if (const auto* list = values.get_if<Nest::List>()) {
    Nest::List result;
    for (const Nest& entry : *list)
      result.push_back(map_state_leaves(entry, f));
    return result;
  }
  if (const auto* dict = values.get_if<Nest::Dict>()) {
    Nest::Dict result;
    for (const auto& [key, entry] : *dict) {
      result.emplace_back(key, map_state_leaves(entry, f));
    }
    return result;
  }
  return f(values);
}

}  // namespace

const std::vector<StateVariables::Entry>& StateVariables::get(
    const Nest& initial_values, const Nest& mask) const {
  state_->once([&] {
    std::vector<Entry> entries;
    for_each_state_leaf(
        "", initial_values, given_mask(mask),
        [&](const std::string& path, const Nest&, const Nest* leaf) {
          Entry entry{path, {}};
          entry.variable.declare_trainable(is_trainable_in(leaf));
          entries.push_back(entry);
        });
    state_->entries = std::move(entries);
  });
  return state_->entries;
}

void StateVariables::walk_(Walker& walker) {
  if (!state_->once.done()) return;
  for (Entry& entry : state_->entries) {
    const Walker::Field here(walker, entry.path);
    walker.on_variable(entry.variable);
  }
}

StateVariables StateVariables::clone_(Cloner& cloner) const {
  StateVariables copy;
  copy.state_ = cloner.shared(state_, [&] {
    auto state = std::make_shared<State>();
    if (state_->once.done()) {
      state->once([&] {
        for (const Entry& entry : state_->entries) {
          state->entries.push_back(
              {entry.path, cloner.variable(entry.variable)});
        }
      });
    }
    return state;
  });
  return copy;
}

Nest detail::without_batch(const Nest& state) {
  Nest result = state;
  const auto squeeze = [](const std::string& path, at::Tensor& leaf) {
    snt::check(leaf.dim() >= 1 && leaf.size(0) == 1, "TrainableState",
               "the core's state needs a batch dimension at '", path,
               "', got shape ", leaf.sizes(), " for a batch of 1");
    leaf = leaf.squeeze(0);
  };
  tree::detail::zip(squeeze, "", result);
  return result;
}

void TrainableState::check() const {
  for_each_state_leaf(
      "", initial_values, given_mask(mask),
      [](const std::string& path, const Nest& value, const Nest* leaf) {
        state_value(path, value);
        is_trainable_in(leaf);
      });
}

Nest TrainableState::operator()(int64_t batch_size) const {
  const auto& entries = variables.get(initial_values, mask);
  if (!entries.empty() && !entries[0].variable.is_built()) check();
  snt::check(batch_size >= 0, "TrainableState", "batch_size must be >= 0, got ",
             batch_size);

  size_t next = 0;
  return map_state_leaves(initial_values, [&](const Nest& leaf) -> Nest {
    const StateVariables::Entry& entry = entries.at(next++);
    const at::Tensor first =
        state_value(entry.path, leaf).detach().unsqueeze(0);
    const at::Tensor& value = entry.variable.create(
        first.sizes(), first,
        [&](at::IntArrayRef, at::ScalarType) { return first; });

    std::vector<int64_t> times(value.dim(), 1);
    times[0] = batch_size;
    return value.repeat(times);
  });
}

}  // namespace snt
