#include "sonnet/kernels/norms/norm_passes.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sonnet/kernels/norms/norm_loops.h"
#include "sonnet/kernels/norms/norm_plan.h"
#include "sonnet/kernels/plain.h"

namespace snt::kernels {
namespace {

using at::Tensor;

// [outer, groups] or, with `each_channel`, [outer, channels].
Tensor numbers(const NormShape& s, bool each_channel, const Tensor& like) {
  return at::empty({s.outer, each_channel ? s.groups * s.width : s.groups},
                   like.options());
}

NormForward forward_by_row(const Tensor& x, const Tensor& scale,
                           const Tensor& offset, const NormShape& shape,
                           double eps) {
  const NormForward f = {at::empty_like(x), numbers(shape, false, x),
                         numbers(shape, false, x), Tensor()};
  const int64_t channels = shape.width;
  for_rows(shape, [&](int64_t, int64_t first, int64_t rows) {
    RowNormArgs args = {
        {x.data_ptr<float>() + first * channels, channels, rows, channels},
        elements_or_null(scale),
        elements_or_null(offset),
        eps,
        f.y.data_ptr<float>() + first * channels,
        f.mean.data_ptr<float>() + first,
        f.rstd.data_ptr<float>() + first};
    run_RowNorm(args);
  });
  return f;
}

// dy as rows: as it is, or one row where all its numbers are the same memory.
struct GradientRows {
  Tensor held;
  int64_t stride;

  GradientRows(const Tensor& dy, int64_t channels) {
    const bool is_one =
        dy.numel() > 1 && std::all_of(dy.strides().begin(), dy.strides().end(),
                                      [](int64_t s) { return s == 0; });
    held = is_one ? dy.flatten()[0].expand({channels}).contiguous()
                  : dy.contiguous();
    stride = is_one ? 0 : channels;
  }
  NormRows from(int64_t row, int64_t rows, int64_t channels) const {
    return {held.data_ptr<float>() + row * stride, stride, rows, channels};
  }
};

NormGradients backward_by_row(const Tensor& dy, const Tensor& x,
                              const Tensor& scale, const Tensor& mean,
                              const Tensor& rstd, const NormShape& shape,
                              std::array<bool, 3> wanted) {
  const int64_t channels = shape.width;
  const GradientRows d(dy, channels);
  const auto shares = [&](bool is_wanted) {
    return is_wanted ? at::zeros({count_pieces(shape), channels}, x.options())
                     : Tensor();
  };
  const Tensor dscale = shares(wanted[1]), doffset = shares(wanted[2]);
  const Tensor dx = wanted[0] ? at::empty_like(x) : Tensor();
  const auto at_or_null = [&](const Tensor& t, int64_t offset) {
    return t.defined() ? t.data_ptr<float>() + offset : nullptr;
  };
  for_rows(shape, [&](int64_t piece, int64_t first, int64_t rows) {
    const int64_t share = piece * channels;
    RowNormGradientArgs args = {
        {x.data_ptr<float>() + first * channels, channels, rows, channels},
        d.from(first, rows, channels),
        elements_or_null(scale),
        mean.data_ptr<float>() + first,
        rstd.data_ptr<float>() + first,
        at_or_null(dx, first * channels),
        at_or_null(dscale, share),
        at_or_null(doffset, share)};
    run_RowNormGradient(args);
  });
  const auto total = [](const Tensor& t) {
    return t.defined() ? t.sum(0) : Tensor();
  };
  return {dx, total(dscale), total(doffset), Tensor()};
}

}  // namespace

NormForward norm_forward(const Tensor& x, const Tensor& scale,
                         const Tensor& offset, const NormShape& s, double eps,
                         const AfterNorm& after) {
  if (is_by_row(s)) return forward_by_row(x, scale, offset, s, eps);

  const NormForward f = {at::empty_like(x), numbers(s, false, x),
                         numbers(s, false, x), numbers(s, false, x)};
  const NormPlan plan(s);
  const int64_t channels = plan.channels();
  const Tensor means = numbers(s, true, x), factors = numbers(s, true, x);
  const Tensor shifts =
      offset.defined() ? offset : at::zeros({channels}, x.options());
  const float* const from = x.data_ptr<float>();
  const float* const scales = elements_or_null(scale);
  const double n = static_cast<double>(s.pixels);
  std::vector<double> sums = plan.sums();

  const auto first = [&](const NormPart& p, double* sum) {
    const float* const sample = from + p.outer * s.pixels * channels;
    SumsArgs args = {{sample + p.first * channels, channels, p.rows, channels},
                     /*pivot=*/sample,
                     sum,
                     sum + channels};
    run_Sums(args);
  };
  const auto between = [&](int64_t outer, double* sum) {
    const float* const pivot = from + outer * s.pixels * channels;
    for (int64_t g = 0; g < s.groups; ++g) {
      const int64_t begin = g * s.width, end = begin + s.width;
      double mean = 0;
      for (int64_t c = begin; c < end; ++c) {
        sum[c] = sum[c] / n;  // From now on: the mean without the pivot.
        mean += pivot[c] + sum[c];
      }
      mean /= static_cast<double>(s.width);
      double squares = 0;
      for (int64_t c = begin; c < end; ++c) {
        const double off = pivot[c] + sum[c] - mean;
        squares += sum[channels + c] - n * sum[c] * sum[c] + n * off * off;
      }
      const double variance =
          std::max(squares, 0.0) / (n * static_cast<double>(s.width));
      // max() makes 0 of NaN.
      const double kept = std::isnan(squares) ? squares : variance;
      const int64_t i = outer * s.groups + g;
      const auto rstd = static_cast<float>(1 / std::sqrt(kept + eps));
      f.mean.data_ptr<float>()[i] = static_cast<float>(mean);
      f.rstd.data_ptr<float>()[i] = rstd;
      f.variance.data_ptr<float>()[i] = static_cast<float>(kept);
      for (int64_t c = begin; c < end; ++c) {
        means.data_ptr<float>()[outer * channels + c] =
            static_cast<float>(mean);
        factors.data_ptr<float>()[outer * channels + c] =
            scales != nullptr ? rstd * scales[c] : rstd;
      }
    }
  };
  const auto second = [&](const NormPart& p) {
    const int64_t begin = (p.outer * s.pixels + p.first) * channels;
    NormalizeArgs args = {{from + begin, channels, p.rows, channels},
                          means.data_ptr<float>() + p.outer * channels,
                          factors.data_ptr<float>() + p.outer * channels,
                          shifts.data_ptr<float>(),
                          f.y.data_ptr<float>() + begin,
                          after.addend.defined()
                              ? after.addend.data_ptr<float>() + begin
                              : nullptr,
                          after.relu};
    run_Normalize(args);
  };
  plan.run(sums, first, between, second);
  return f;
}

NormGradients norm_backward(const Tensor& dy, const Tensor& x,
                            const Tensor& scale, const Tensor& mean,
                            const Tensor& rstd, const NormShape& s,
                            std::array<bool, 3> wanted, const ReluGate& gate) {
  if (is_by_row(s)) {
    return backward_by_row(dy, x, scale, mean, rstd, s, wanted);
  }
  const NormPlan plan(s);
  const int64_t channels = plan.channels();
  const GradientRows d(dy, channels);
  const auto per_channel = [&] { return numbers(s, true, x); };
  const Tensor means = per_channel(), factors = per_channel();
  const Tensor slopes = per_channel(), shifts = per_channel();
  const Tensor dscale = per_channel(), doffset = per_channel();
  const Tensor dx = wanted[0] ? at::empty_like(x) : Tensor();
  const float* const scales = elements_or_null(scale);
  const double size = static_cast<double>(s.pixels * s.width);
  for (int64_t i = 0; i < s.outer * channels; ++i) {
    means.data_ptr<float>()[i] = mean.data_ptr<float>()[i / s.width];
    const float r = rstd.data_ptr<float>()[i / s.width];
    factors.data_ptr<float>()[i] =
        scales != nullptr ? r * scales[i % channels] : r;
  }
  const bool is_given = gate.relu && gate.y.defined();
  const bool is_made = gate.relu && !is_given;
  const Tensor kept = is_given ? at::empty_like(x) : Tensor();
  const Tensor y_shifts = !is_made ? Tensor()
                          : gate.offset.defined()
                              ? gate.offset
                              : at::zeros({channels}, x.options());
  std::vector<double> sums = plan.sums();

  const auto rows_of = [&](const NormPart& p) {
    return NormRows{
        x.data_ptr<float>() + (p.outer * s.pixels + p.first) * channels,
        channels, p.rows, channels};
  };
  const auto first = [&](const NormPart& p, double* sum) {
    const int64_t begin = p.outer * s.pixels + p.first;
    GradientSumsArgs args = {rows_of(p), d.from(begin, p.rows, channels),
                             means.data_ptr<float>() + p.outer * channels, sum,
                             sum + channels};
    args.factor = factors.data_ptr<float>() + p.outer * channels;
    args.shift = elements_or_null(y_shifts);
    if (is_given) {
      args.y = gate.y.data_ptr<float>() + begin * channels;
      args.d = kept.data_ptr<float>() + begin * channels;
    }
    run_GradientSums(args);
  };
  // With g = dy scale and x^ = (x - mean) rstd:
  // dx = rstd (g - average(g) - x^ average(g x^))
  const auto between = [&](int64_t outer, double* sum) {
    for (int64_t g = 0; g < s.groups; ++g) {
      const double r = rstd.data_ptr<float>()[outer * s.groups + g];
      double total = 0, products = 0;
      for (int64_t c = g * s.width; c < (g + 1) * s.width; ++c) {
        const double scale = scales != nullptr ? scales[c] : 1;
        total += scale * sum[c];
        products += scale * sum[channels + c];
        const int64_t i = outer * channels + c;
        doffset.data_ptr<float>()[i] = static_cast<float>(sum[c]);
        dscale.data_ptr<float>()[i] = static_cast<float>(sum[channels + c] * r);
      }
      std::fill_n(slopes.data_ptr<float>() + outer * channels + g * s.width,
                  s.width, static_cast<float>(-r * r * r * products / size));
      std::fill_n(shifts.data_ptr<float>() + outer * channels + g * s.width,
                  s.width, static_cast<float>(-r * total / size));
    }
  };
  const auto second = [&](const NormPart& p) {
    if (!dx.defined()) return;
    const int64_t begin = p.outer * s.pixels + p.first;
    const NormRows dy_rows =
        is_given ? NormRows{kept.data_ptr<float>() + begin * channels, channels,
                            p.rows, channels}
                 : d.from(begin, p.rows, channels);
    GradientArgs args = {rows_of(p),
                         dy_rows,
                         means.data_ptr<float>() + p.outer * channels,
                         factors.data_ptr<float>() + p.outer * channels,
                         slopes.data_ptr<float>() + p.outer * channels,
                         shifts.data_ptr<float>() + p.outer * channels,
                         dx.data_ptr<float>() + begin * channels,
                         elements_or_null(y_shifts)};
    run_Gradient(args);
  };
  plan.run(sums, first, between, second);
  return {dx, wanted[1] ? dscale.sum(0) : Tensor(),
          wanted[2] ? doffset.sum(0) : Tensor(), kept};
}

// All rows by the same numbers.
Tensor normalize_by(const Tensor& x, const Tensor& mean, const Tensor& factor,
                    const Tensor& offset, const AfterNorm& after) {
  const int64_t channels = mean.size(0);
  const NormPlan plan({1, x.numel() / channels, channels, 1});
  const Tensor y = at::empty_like(x);
  plan.run_once([&](const NormPart& p) {
    const int64_t begin = p.first * channels;
    NormalizeArgs args = {
        {x.data_ptr<float>() + begin, channels, p.rows, channels},
        mean.data_ptr<float>(),
        factor.data_ptr<float>(),
        offset.data_ptr<float>(),
        y.data_ptr<float>() + begin,
        after.addend.defined() ? after.addend.data_ptr<float>() + begin
                               : nullptr,
        after.relu};
    run_Normalize(args);
  });
  return y;
}

}  // namespace snt::kernels
