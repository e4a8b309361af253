#include <ATen/ATen.h>

#include <cmath>

#include "sonnet/conformance/class_table.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/random.h"
#include "sonnet/goldens/creation.h"
#include "sonnet/goldens/decode.h"
#include "sonnet/goldens/run.h"
#include "sonnet/goldens/run_on_ones.h"

namespace snt::goldens {
namespace {

constexpr double kStandardErrors = 6;
constexpr int64_t kSamples = 1'000'000;
// A difference of floats that are meant to be equal.
constexpr double kRounding = 1e-6;

struct Moments {
  explicit Moments(const at::Tensor& samples) {
    const at::Tensor x = samples.to(at::kDouble).flatten();
    count = static_cast<double>(x.numel());
    mean = x.mean().item<double>();
    const at::Tensor centred = x - mean;
    std = std::sqrt(centred.square().mean().item<double>());
    fourth = centred.pow(4).mean().item<double>();
    lowest = x.min().item<double>();
    highest = x.max().item<double>();
  }
  // Standard error of the standard deviation: that of the variance, which
  // depends on the fourth moment, over 2 std.
  double error_of_std() const {
    const double variance = std * std;
    return std::sqrt((fourth - variance * variance) / count) / (2 * std);
  }

  double count, mean, std, fourth, lowest, highest;
};

at::Tensor draw(const conformance::Subject& initializer, const Json& json) {
  const Arguments arguments(Json{{"args", Json::array({json.at("shape")})},
                                 {"kwargs", {{"dtype", json.at("dtype")}}}},
                            {});
  return initializer.call(arguments.args(), arguments.kwargs()).tensor();
}

void run_moments(const Case& golden, Outcome& outcome) {
  const Json& json = golden.json;
  const Json& want = json["expected"];
  const conformance::Subject initializer = build(json, {});
  std::vector<at::Tensor> draws;
  for (int64_t count = 0; count < kSamples; count += draws.back().numel()) {
    draws.push_back(draw(initializer, json));
    check(draws.back().numel() > 0, "goldens", "nothing was drawn");
  }
  outcome.expect_equal("shape", draws[0].sizes().vec(),
                       json["shape"].get<std::vector<int64_t>>());
  outcome.expect_equal("dtype", format(draws[0].scalar_type()),
                       json["dtype"].get<std::string>());

  const Moments got(at::stack(draws));
  const double mean = want.at("mean").get<double>();
  const double std = want.at("std").get<double>();
  outcome.expect(
      std::abs(got.mean - mean) <= kStandardErrors * std / std::sqrt(got.count),
      "mean ", got.mean, " instead of ", mean);
  outcome.expect(
      std::abs(got.std - std) <= kStandardErrors * got.error_of_std(), "std ",
      got.std, " instead of ", std);
  if (want.contains("lower") && !want["lower"].is_null()) {
    const double lower = want["lower"].get<double>();
    const double upper = want["upper"].get<double>();
    outcome.expect(got.lowest >= lower - kRounding * (1 + std::abs(lower)),
                   "lowest ", got.lowest, " instead of ", lower);
    outcome.expect(got.highest <= upper + kRounding * (1 + std::abs(upper)),
                   "highest ", got.highest, " instead of ", upper);
  }
}

void run_orthogonal(const Case& golden, Outcome& outcome) {
  const Json& want = golden.json["expected"];
  const at::Tensor drawn = draw(build(golden.json, {}), golden.json);
  outcome.expect_equal("shape", drawn.sizes().vec(),
                       golden.json.at("shape").get<std::vector<int64_t>>());
  const at::Tensor flat = drawn.to(at::kDouble).flatten(0, -2);
  const at::Tensor gram = want["gram_of"] == "columns"
                              ? at::matmul(flat.t(), flat)
                              : at::matmul(flat, flat.t());
  const double diagonal = want.at("gram_diagonal").get<double>();
  const double others = want.at("gram_off_diagonal").get<double>();
  const at::Tensor expected =
      at::full_like(gram, others) +
      (diagonal - others) * at::eye(gram.size(0), at::kDouble);
  const double error = (gram - expected).abs().max().item<double>();
  outcome.expect(error <= want.at("tolerance").get<double>(),
                 "gram matrix off by ", error);
}

void run_dropout(const Case& golden, Outcome& outcome) {
  const Json& json = golden.json;
  const Json& want = json["expected"];
  const auto shape = json["input"].at("shape").get<std::vector<int64_t>>();
  const at::Tensor ones =
      at::full(shape, json["input"].at("value").get<double>(), at::kFloat);
  const conformance::Subject dropout = build(json, {});
  const std::vector<Nest> arguments = {ones, true};
  const at::Tensor y = dropout.call(arguments).tensor();
  const at::Tensor again = dropout.call(arguments).tensor();
  outcome.expect_equal("shape", y.sizes().vec(), shape);

  // Values along the axes where the noise has size one share their fate.
  at::Tensor fates = y;
  const Json config = json.value("config", Json::object());
  const Json noise = config.value("noise_shape", Json());
  for (size_t i = 0; !noise.is_null() && i < shape.size(); ++i) {
    if (noise[i] != 1 || shape[i] == 1) continue;
    const auto axis = static_cast<int64_t>(i);
    fates = fates.narrow(axis, 0, 1);
    outcome.expect(at::equal(y, y.narrow(axis, 0, 1).expand(y.sizes())),
                   "values differ along axis ", axis);
  }

  std::vector<double> values;
  const at::Tensor unique =
      std::get<0>(at::_unique(y, /*sorted=*/true)).to(at::kDouble);
  for (int64_t i = 0; i < unique.numel(); ++i) {
    values.push_back(unique[i].item<double>());
  }
  const auto wanted = want.at("values").get<std::vector<double>>();
  bool same = values.size() == wanted.size();
  for (size_t i = 0; same && i < wanted.size(); ++i) {
    same = std::abs(values[i] - wanted[i]) <= kRounding * wanted[i];
  }
  outcome.expect(same, "values ", values, " instead of ", wanted);

  const double kept = want.at("kept_fraction").get<double>();
  const double got = y.ne(0).to(at::kDouble).mean().item<double>();
  const double error =
      std::sqrt(kept * (1 - kept) / static_cast<double>(fates.numel()));
  outcome.expect(std::abs(got - kept) <= kStandardErrors * error,
                 "kept fraction ", got, " instead of ", kept);
  if (json.at("facts").value("two_calls_differ", false)) {
    outcome.expect(!at::equal(y, again), "two calls give the same");
  }
}

void check_default(const std::string& path, const Json& want,
                   const at::Tensor& samples, Outcome& outcome) {
  const Moments got(samples);
  const double golden_mean = want.at("mean").get<double>();
  const double golden_std = want.at("std").get<double>();
  const double lowest = want.at("min").get<double>();
  const double highest = want.at("max").get<double>();
  const bool is_aimed = want.contains("expected");
  // Not random: bias vectors, of one value or of two.
  if (!is_aimed && std::get<0>(at::_unique(samples)).numel() <= 2) {
    for (const auto& [name, value, wanted] :
         {std::tuple("mean", got.mean, golden_mean),
          std::tuple("std", got.std, golden_std),
          std::tuple("min", got.lowest, lowest),
          std::tuple("max", got.highest, highest)}) {
      outcome.expect(std::abs(value - wanted) <= kRounding, path, " ", name,
                     " ", value, " instead of ", wanted);
    }
    return;
  }
  // The golden is a sample itself.
  const double std =
      is_aimed ? want["expected"].at("std").get<double>() : golden_std;
  const double error_of_std = got.error_of_std() * (is_aimed ? 1 : M_SQRT2);
  outcome.expect(std::abs(got.mean - golden_mean) <=
                     kStandardErrors * std * std::sqrt(2 / got.count),
                 path, " mean ", got.mean, " instead of about ", golden_mean);
  outcome.expect(std::abs(got.std - std) <= kStandardErrors * error_of_std,
                 path, " std ", got.std, " instead of ", std);
  // A sample of thousands reaches the bounds of a uniform (1.7 std) and of a
  // truncated normal distribution (2.3 std) to a per cent or so.
  const double reach = std::max(-lowest, highest);
  if (reach < 2.4 * golden_std && got.count >= 5000) {
    const double got_reach = std::max(-got.lowest, got.highest);
    outcome.expect(std::abs(got_reach - reach) <= 0.03 * reach, path,
                   " reaches ", got_reach, " instead of ", reach);
  }
}

void run_default_initial(const Case& golden, Outcome& outcome) {
  const Json& json = golden.json;
  const Json& wanted = json["variables"];
  int64_t repeats = 1;
  for (const Json& entry : wanted) {
    const auto shape = entry.at("shape").get<std::vector<int64_t>>();
    const int64_t size = c10::multiply_integers(shape);
    repeats = std::max(repeats, entry.at("samples").get<int64_t>() / size);
  }
  std::map<std::string, std::vector<at::Tensor>> pool;
  for (int64_t i = 0; i < repeats; ++i) {
    const conformance::Subject subject = build(json, {});
    if (json.at("input").is_null()) {
      create_without_input(subject);
    } else {
      call_on_ones(subject, json["input"].at("shape"), Json::object());
    }
    for (const auto& [path, variable] : built_variables(subject)) {
      pool[path].push_back(variable.value().detach());
    }
  }
  for (const auto& [path, draws] : pool) {
    outcome.expect(wanted.contains(path), path,
                   ": a variable that Sonnet does not have");
  }
  for (const auto& [path, want] : wanted.items()) {
    if (!pool.contains(path)) {
      outcome.fail(path, ": there is no such variable");
      continue;
    }
    outcome.expect_equal(path + " shape", pool[path][0].sizes().vec(),
                         want.at("shape").get<std::vector<int64_t>>());
    check_default(path, want, at::stack(pool[path]), outcome);
  }
}

}  // namespace

void run_facts(const Case& golden, Outcome& outcome) {
  snt::seed(31);
  const Json want = golden.json.value("expected", Json::object());
  if (golden.json.contains("variables")) {
    run_default_initial(golden, outcome);
  } else if (want.contains("gram_of")) {
    run_orthogonal(golden, outcome);
  } else if (want.contains("kept_fraction")) {
    run_dropout(golden, outcome);
  } else {
    run_moments(golden, outcome);
  }
}

}  // namespace snt::goldens
