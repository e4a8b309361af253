#include "sonnet/optimizers/schedules.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "sonnet/core/errors.h"
#include "sonnet/core/registry.h"

namespace snt::schedules {
namespace {

constexpr double kPi = 3.141592653589793238462643;

// How much of `steps` is over, from 0 to 1.
double progress(int64_t step, int64_t steps) {
  return static_cast<double>(std::clamp<int64_t>(step, 0, steps)) /
         static_cast<double>(steps);
}

void check_steps(const char* who, int64_t steps, int64_t least) {
  snt::check(steps >= least, who, "steps must be >= ", least, ", got ", steps);
}

// `count` pieces need one boundary less, in increasing order.
void check_boundaries(const char* who, const char* what, size_t count,
                      const std::vector<int64_t>& boundaries) {
  snt::check(count == boundaries.size() + 1, who, what,
             " must be one more than boundaries, got ", count, " and ",
             boundaries.size());
  snt::check(std::adjacent_find(boundaries.begin(), boundaries.end(),
                                std::greater_equal<>()) == boundaries.end(),
             who, "boundaries must increase, got ", boundaries);
}

// The piece that `step` is in.
size_t piece(const std::vector<int64_t>& boundaries, int64_t step) {
  return static_cast<size_t>(
      std::upper_bound(boundaries.begin(), boundaries.end(), step) -
      boundaries.begin());
}

}  // namespace

double Constant::operator()(int64_t) const { return value; }

void Linear::check() const { check_steps("Linear", steps, 1); }

double Linear::operator()(int64_t step) const {
  check();

  return start + (end - start) * progress(step, steps);
}

void Cosine::check() const { check_steps("Cosine", steps, 1); }

double Cosine::operator()(int64_t step) const {
  check();

  return end + (start - end) * (1 + std::cos(kPi * progress(step, steps))) / 2;
}

void Exponential::check() const {
  check_steps("Exponential", steps, 1);
  snt::check(rate > 0, "Exponential", "rate must be > 0, got ", rate.value);
}

double Exponential::operator()(int64_t step) const {
  check();

  const double periods = static_cast<double>(step) / static_cast<double>(steps);
  return start * std::pow(rate, staircase ? std::floor(periods) : periods);
}

void Piecewise::check() const {
  check_boundaries("Piecewise", "values", values.value.size(), boundaries);
}

double Piecewise::operator()(int64_t step) const {
  check();

  return values.value[piece(boundaries, step)];
}

void WarmUp::check() const {
  check_steps("WarmUp", steps, 0);
  snt::check(bool(then), "WarmUp", "then must be given");
}

double WarmUp::operator()(int64_t step) const {
  check();

  if (step >= steps) return then(step - steps);
  return start + (then(0) - start) * progress(step, steps);
}

void Joined::check() const {
  check_boundaries("Joined", "schedules", schedules.size(), boundaries);
  for (size_t i = 0; i < schedules.size(); ++i) {
    snt::check(bool(schedules[i]), "Joined", "schedules[", i, "] is unset");
  }
}

double Joined::operator()(int64_t step) const {
  check();

  const size_t i = piece(boundaries, step);
  return schedules[i](i == 0 ? step : step - boundaries[i - 1]);
}

void register_schedules() {
  auto& all = snt::detail::the_registry<Schedule>();
  all.add<Constant>();
  all.add<Linear>();
  all.add<Cosine>();
  all.add<Exponential>();
  all.add<Piecewise>();
  all.add<WarmUp>();
  all.add<Joined>();
}

}  // namespace snt::schedules
