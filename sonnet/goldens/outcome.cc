#include "sonnet/goldens/outcome.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace snt::goldens {

Tolerance::Tolerance(const Json& json)
    : rtol(json.at("rtol").get<double>()), atol(json.at("atol").get<double>()) {
  if (json.contains("numeric_zeros")) {
    for (const Json& name : json["numeric_zeros"]) {
      numeric_zeros.insert(name.get<std::string>());
    }
  }
}

void compare(const std::string& name, const at::Tensor& got,
             const at::Tensor& want, const Tolerance& tolerance,
             Outcome& outcome) {
  if (!got.defined() || !want.defined()) {
    outcome.expect(!got.defined() && !want.defined(), name, ": ",
                   got.defined() ? "a value" : "no value", " instead of ",
                   want.defined() ? "one" : "none");
    return;
  }
  if (got.sizes() != want.sizes() || got.scalar_type() != want.scalar_type()) {
    outcome.fail(name, ": ", got.scalar_type(), got.sizes(), " instead of ",
                 want.scalar_type(), want.sizes());
    return;
  }
  const at::Tensor got_plain = got.detach().cpu();
  if (!want.is_floating_point()) {
    outcome.expect(at::equal(got_plain, want), name, ": other values");
    return;
  }
  if (want.numel() == 0) return;

  const at::Tensor wide = want.to(at::kDouble);
  const at::Tensor got_wide = got_plain.to(at::kDouble);
  // The same infinity, or not a number in both.
  const at::Tensor same = got_wide.eq(wide).logical_or_(
      got_wide.isnan().logical_and_(wide.isnan()));
  const double error =
      (got_wide - wide).abs().masked_fill_(same, 0).max().item<double>();
  const double size = wide.abs()
                          .masked_fill_(wide.isfinite().logical_not_(), 0)
                          .max()
                          .item<double>();
  const double allowed = tolerance.atol + tolerance.rtol * size;
  // Not a number in one of them fails too.
  outcome.expect(error <= allowed, name, ": off by ", error, ", allowed are ",
                 allowed);
  outcome.largest_share = std::max(outcome.largest_share, error / allowed);
  if (size > 0 && !tolerance.numeric_zeros.contains(name)) {
    outcome.largest_error = std::max(outcome.largest_error, error / size);
  }
}

}  // namespace snt::goldens
