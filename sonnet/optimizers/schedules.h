// File: optimizers/schedules.h
// Learning rates, or any other hyper-parameter, as functions of the step.

#pragma once

#include <cstdint>
#include <vector>

#include "sonnet/core/hyperparameter.h"
#include "sonnet/core/required.h"

namespace snt::schedules {

// Steps are counted from 0: the first `apply` of an optimizer uses schedule(0).
// A schedule checks its options at each call and throws ValueError for those
// that make no sense. An optimizer that has one keeps the step in a variable of
// its own, so that it is saved and restored with the rest.
//
//     snt::optimizers::SGD sgd{
//         .learning_rate = snt::schedules::WarmUp{
//             .steps = 100,
//             .then = snt::schedules::Cosine{.start = 0.1, .steps = 1000}}};

// The same value at every step.
//
//     double rate = snt::schedules::Constant{0.1}(7);  // 0.1
struct Constant {
  Required<double> value;  // At every step.

  // The value at a step.
  double operator()(int64_t step) const;
};

// A straight line from `start` to `end`:
// start + (end - start) min(step, steps) / steps.
//
//     snt::schedules::Linear linear{.start = 1.0, .steps = 10};
//     double rate = linear(5);  // 0.5
//
// Throws ValueError when steps < 1.
struct Linear {
  Required<double> start;   // At step 0.
  Required<int64_t> steps;  // How many steps it takes to reach `end`.
  double end = 0.0;         // At step `steps`, and after it.

  // Throws ValueError for options that make no sense.
  void check() const;
  // The value at a step.
  double operator()(int64_t step) const;
};

// Half a cosine wave from `start` to `end`:
// end + (start - end) (1 + cos(pi min(step, steps) / steps)) / 2.
//
// Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm
// Restarts", 2017, equation 5, without restarts (`Joined` restarts it).
//
//     snt::schedules::Cosine cosine{.start = 1.0, .steps = 10};
//     double rate = cosine(5);  // 0.5
//
// Throws ValueError when steps < 1.
struct Cosine {
  Required<double> start;   // At step 0.
  Required<int64_t> steps;  // How many steps it takes to reach `end`.
  double end = 0.0;         // At step `steps`, and after it.

  // Throws ValueError for options that make no sense.
  void check() const;
  // The value at a step.
  double operator()(int64_t step) const;
};

// Multiplied by `rate` every `steps` steps: start rate^(step / steps), with the
// fraction rounded down if `staircase`.
//
//     snt::schedules::Exponential decay{
//         .start = 1.0, .steps = 10, .rate = 0.5, .staircase = true};
//     double rate = decay(25);  // 0.25
//
// Throws ValueError when steps < 1 or rate <= 0.
struct Exponential {
  Required<double> start;   // At step 0.
  Required<int64_t> steps;  // How many steps it takes to multiply by `rate`.
  Required<double> rate;    // The factor.
  bool staircase = false;   // Whether to change only every `steps` steps.

  // Throws ValueError for options that make no sense.
  void check() const;
  // The value at a step.
  double operator()(int64_t step) const;
};

// Constant between boundaries: values[i] from step boundaries[i - 1] on, until
// step boundaries[i].
//
//     snt::schedules::Piecewise piecewise{
//         .boundaries = {100, 200}, .values = {0.1, 0.01, 0.001}};
//     double rate = piecewise(100);  // 0.01
//
// Throws ValueError unless there is one value more than boundaries, and the
// boundaries increase.
struct Piecewise {
  Required<std::vector<int64_t>> boundaries;  // First step of values[1], ...
  Required<std::vector<double>> values;       // One more than `boundaries`.

  // Throws ValueError for options that make no sense.
  void check() const;
  // The value at a step.
  double operator()(int64_t step) const;
};

// A straight line from `start` to the first value of `then`, and then that
// schedule, with its steps counted from there:
// start + (then(0) - start) step / steps for step < steps, then(step - steps)
// after it.
//
//     snt::schedules::WarmUp warm_up{
//         .steps = 10, .then = snt::schedules::Constant{0.5}};
//     double rate = warm_up(2);  // 0.1
//
// Throws ValueError when steps < 0, or `then` is not given.
struct WarmUp {
  Required<int64_t> steps;  // How many steps the line takes; 0: none.
  Schedule then = {};       // What follows. Must be given.
  double start = 0.0;       // At step 0.

  // Throws ValueError for options that make no sense.
  void check() const;
  // The value at a step.
  double operator()(int64_t step) const;
};

// One schedule after the other: schedules[i] from step boundaries[i - 1] on,
// with its steps counted from there.
//
//     const snt::schedules::Linear down{.start = 1.0, .steps = 10};
//     snt::schedules::Joined restarts{.schedules = {down, down},
//                                     .boundaries = {10}};
//     double rate = restarts(12);  // 0.8
//
// Throws ValueError unless there is one schedule more than boundaries, none is
// unset, and the boundaries increase.
struct Joined {
  std::vector<Schedule> schedules = {};  // One more than `boundaries`.
  std::vector<int64_t> boundaries = {};  // First step of schedules[1], ...

  // Throws ValueError for options that make no sense.
  void check() const;
  // The value at a step.
  double operator()(int64_t step) const;
};

// Adds the schedules above to the registry that JSON is read with.
void register_schedules();

}  // namespace snt::schedules
