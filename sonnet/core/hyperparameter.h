// File: core/hyperparameter.h
// A number that may change while a program runs: a learning rate, a decay, the
// rate of a dropout.

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "sonnet/core/callable.h"
#include "sonnet/core/options.h"
#include "sonnet/core/variable.h"

namespace snt {

// A number for each step, counted from 0: a struct of snt::schedules, or any
// function of one's own.
//
//     snt::Schedule halves = [](int64_t step) {
//       return 0.1 * std::pow(0.5, static_cast<double>(step / 1000));
//     };
using Schedule = Callable<double(int64_t)>;

// A number, a Variable, a tensor without dimensions, or a schedule. Read anew
// whenever it is used, so that all but the number may change meanwhile.
//
//     snt::Hyperparameter number = 0.1;
//     snt::Variable variable(at::scalar_tensor(0.1), /*trainable=*/false);
//     snt::Hyperparameter rate = variable;
//     variable.assign(0.01);
//     double now = rate.value();  // 0.01, as a float32
//     snt::Hyperparameter decayed = snt::schedules::Cosine{
//         .start = 0.1, .steps = 1000};
//     double half_way = decayed.value(500);  // 0.05
//
// There is no default: an option of this type must be given unless its struct
// says a number. A Variable belongs to the variables of the module that holds
// it, at the path of the option. Prints as its number; JSON holds the number,
// {"variable": 0.1, "name": "rate"} or a schedule's class and options.
class Hyperparameter {
 public:
  static constexpr bool holds_variables = true;
  static constexpr bool is_module = false;

  // A number.
  template <class T>
  requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
      Hyperparameter(T number)
      : held_(static_cast<double>(number)) {}

  // A variable, which is not trained by being here.
  //
  // Throws ValueError unless it is empty or has one element.
  Hyperparameter(const Variable& variable);

  // A tensor without dimensions, read where it is used.
  //
  // Throws ValueError when it has dimensions, or is undefined.
  Hyperparameter(const at::Tensor& tensor);

  // A schedule, or any function from a step to a number.
  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, Hyperparameter> &&
           std::is_invocable_r_v<double, const std::decay_t<F>&, int64_t>)
      Hyperparameter(F&& schedule)
      : held_(Schedule(std::forward<F>(schedule))) {}

  // Copies hold the same variable. There is no move: what was moved from stays
  // valid.
  Hyperparameter(const Hyperparameter&) = default;
  Hyperparameter& operator=(const Hyperparameter&) = default;

  // The number at a step. Only schedules look at `step`; a variable or tensor
  // on an accelerator is waited for.
  //
  // Throws NotBuiltError for a variable that is empty, and
  // std::bad_function_call for an unset Schedule.
  double value(int64_t step = 0) const;

  // The dtype of the value: that of the variable or tensor, else float32. (An
  // optimizer computes with the value in this dtype, cast to that of the
  // update: plain numbers are float32 in Sonnet, also for a float64 update.)
  at::ScalarType dtype() const;

  // Whether it depends on the step.
  bool is_schedule() const { return std::holds_alternative<Schedule>(held_); }

  // The variable that is held, or nullptr.
  const Variable* variable() const { return std::get_if<Variable>(&held_); }

  // What `repr` prints and JSON stores.
  Config config() const;

  // Shows walks the variable or tensor that is held, under the name of the
  // option itself.
  template <class F>
  void visit_fields(F&& f) {
    if (auto* variable = std::get_if<Variable>(&held_)) f("", *variable);
    if (auto* tensor = std::get_if<at::Tensor>(&held_)) f("", *tensor);
  }

 private:
  std::variant<double, Variable, at::Tensor, Schedule> held_;
};

// Reads and writes a Hyperparameter as `Hyperparameter` says.
template <>
struct ConfigTraits<Hyperparameter> {
  static Config to(const Hyperparameter& value) { return value.config(); }
  static Hyperparameter from(const Config& config, const std::string& where);
};

}  // namespace snt
