#include "sonnet/optimizers/update.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>
#include <utility>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"
#include "sonnet/optimizers/in_place.h"

namespace snt::optimizers::detail {
namespace {

std::string text(const at::Tensor& tensor) {
  return format("Tensor(shape=", tensor.sizes(),
                ", dtype=", tensor.scalar_type(), ")");
}

std::string text(const Variable& variable) {
  const std::string name = variable.name();
  return format("Variable(", name, name.empty() ? "" : ", ",
                "shape=", variable.shape(), ", dtype=", variable.dtype(), ")");
}

void check_update(std::string_view who, const at::Tensor& update,
                  const Variable& parameter) {
  check(
      update.scalar_type() == parameter.dtype(), who, "DType of update ",
      [&] { return text(update); }, " is not equal to that of parameter ",
      [&] { return text(parameter); });
  check(
      update.sizes() == parameter.shape(), who, "Shape of update ",
      [&] { return text(update); }, " is not equal to that of parameter ",
      [&] { return text(parameter); });
  check(
      update.device() == parameter.device(), who, "Device of update, ",
      update.device(), ", is not that of parameter ",
      [&] { return text(parameter); }, ", ",
      [&] { return parameter.device(); });
  check(update.layout() == at::kStrided ||
            (update.layout() == at::kSparse && update.sparse_dim() == 1),
        who, "a sparse update must have one sparse dimension (rows), got ",
        [&] { return text(update); });
}

// Tensors of half types are summed in float32.
at::Tensor sum_equal_indices(const at::Tensor& update) {
  if (!snt::detail::is_half(update.scalar_type())) return update.coalesce();
  return at::_sparse_coo_tensor_unsafe(
             update._indices(), update._values().to(at::kFloat), update.sizes())
      .coalesce();
}

}  // namespace

void check_updates(std::string_view who, const std::vector<at::Tensor>& updates,
                   const std::vector<Variable>& parameters) {
  check(updates.size() == parameters.size(), who,
        "`updates` and `parameters` must be the same length. Got ",
        updates.size(), " and ", parameters.size(), ".");
  check(!parameters.empty(), who, "`parameters` cannot be empty.");
  check(std::any_of(updates.begin(), updates.end(),
                    [](const at::Tensor& update) { return update.defined(); }),
        who, "No updates provided for any parameter. All ", updates.size(),
        " are undefined: does the loss depend on the parameters?");
  for (size_t i = 0; i < updates.size(); ++i) {
    if (updates[i].defined()) check_update(who, updates[i], parameters[i]);
  }
}

std::vector<size_t> find_slots(std::string_view who, const Slots& slots,
                               const std::vector<Variable>& parameters) {
  const bool is_first = slots.empty();
  if (is_first) slots.initialize(parameters);

  std::vector<size_t> positions;
  std::vector<bool> is_taken(slots.size());
  for (const Variable& parameter : parameters) {
    const size_t position =
        slots.find(parameter, positions.empty() ? 0 : positions.back() + 1);
    check(
        position < slots.size(), who, "parameter ", positions.size(), ", ",
        [&] { return text(parameter); }, ", is not one of the ", slots.size(),
        " that this optimizer knows: apply to all parameters at first, or "
        "call initialize(parameters)");
    check(
        !is_taken[position], who, "parameter ", positions.size(), ", ",
        [&] { return text(parameter); }, ", is given twice");
    const Variable& slot = slots[position];
    check(
        slot.shape() == parameter.shape() &&
            slot.dtype() == parameter.dtype() &&
            slot.device() == parameter.device(),
        who, "the state of parameter ", [&] { return text(parameter); }, " on ",
        [&] { return parameter.device(); }, " is ", [&] { return text(slot); },
        " on ", [&] { return slot.device(); },
        ": move the optimizer together with the model, by snt::to");
    is_taken[position] = true;
    positions.push_back(position);
  }
  return positions;
}

double cast(double value, at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
      return static_cast<float>(value);
    case at::kHalf:
      return static_cast<at::Half>(static_cast<float>(value));
    case at::kBFloat16:
      return static_cast<at::BFloat16>(static_cast<float>(value));
    default:
      return value;
  }
}

double read(const Hyperparameter& hyperparameter, int64_t step) {
  return cast(hyperparameter.value(step), hyperparameter.dtype());
}

Target::Target(const at::Tensor& update, std::vector<Variable> variables)
    : variables_(std::move(variables)), g_(update) {
  if (update.is_sparse()) {
    const at::Tensor rows = sum_equal_indices(update);
    indices_ = rows._indices()[0];
    g_ = rows._values();
  }
  const bool in_float = snt::detail::is_half(update.scalar_type());
  if (in_float) g_ = g_.to(at::kFloat);
  for (const Variable& variable : variables_) {
    at::Tensor value = begin_change(variable);
    at::Tensor work =
        indices_.defined() ? value.index_select(0, indices_) : value;
    work_.push_back(in_float ? work.to(at::kFloat) : work);
    values_.push_back(std::move(value));
  }
}

void Target::store() const {
  for (size_t i = 0; i < values_.size(); ++i) {
    const at::Tensor& value = values_[i];
    if (indices_.defined()) {
      value.index_copy_(0, indices_, work_[i].to(value.scalar_type()));
    } else if (!work_[i].is_same(value)) {
      value.copy_(work_[i]);
    }
    end_change(variables_[i], value);
  }
}

}  // namespace snt::optimizers::detail
