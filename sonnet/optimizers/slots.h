// File: optimizers/slots.h
// What an optimizer remembers for each parameter: momenta, averages of
// gradients.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sonnet/core/clone.h"
#include "sonnet/core/variable.h"
#include "sonnet/core/walk.h"

namespace snt::optimizers {

// A list of variables, one for each parameter: zeros at first, with its shape,
// dtype and device, and not trained. Their paths are their positions ("m/0"),
// their names those of the parameters ("adam/m/mlp/linear_0/w").
//
//     snt::Variable w(at::ones({2, 3}));
//     snt::optimizers::Adam adam;
//     adam.apply({at::ones({2, 3})}, {w});
//     at::Tensor m = adam.m[0].value();  // [2, 3]
//
// A parameter is known by its identity, not by its position: the list holds a
// handle to each. Copies are the same list; `snt::clone` makes another one, for
// the same parameters, or for their copies where those were cloned before it
// (a model that is declared before its optimizer).
class Slots {
 public:
  static constexpr bool holds_variables = true;
  static constexpr bool is_module = false;

  // No slots yet. In the names of the variables, `scope` replaces the name of
  // the field if there is one: Sonnet's RMSProp calls `ms` "rms".
  explicit Slots(std::string_view scope = {})
      : data_(std::make_shared<Data>(Data{std::string(scope), {}, {}})) {}
  // Copies are handles to the same list. There is no move: what was moved from
  // stays valid.
  Slots(const Slots&) = default;
  Slots& operator=(const Slots&) = default;

  // The slots, in the order in which their parameters came.
  size_t size() const { return data_->slots.size(); }
  bool empty() const { return data_->slots.empty(); }
  const Variable& operator[](size_t i) const { return data_->slots[i]; }
  auto begin() const { return data_->slots.cbegin(); }
  auto end() const { return data_->slots.cend(); }

  // The parameters they belong to, in the same order.
  const std::vector<Variable>& parameters() const { return data_->parameters; }

  // Adds a slot of zeros for each parameter that has none.
  //
  // Throws NotBuiltError, before anything is added, for a parameter that has no
  // value.
  void initialize(const std::vector<Variable>& parameters) const;

  // The position of the slot of `parameter`, or size() when it has none. Looks
  // at position `hint` first.
  size_t find(const Variable& parameter, size_t hint = 0) const;

  // Shows walks and copies the list.
  template <class F>
  void visit_fields(F&& f) {
    f("", data_);
  }

 private:
  struct Data {
    static constexpr bool holds_variables = true;

    void walk_(Walker& walker);
    Data clone_(Cloner& cloner) const;

    std::string scope;
    std::vector<Variable> slots;
    std::vector<Variable> parameters;  // Known, but not held: never walked.
  };

  std::shared_ptr<Data> data_;
};

}  // namespace snt::optimizers
