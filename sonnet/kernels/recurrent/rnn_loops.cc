#include "sonnet/kernels/recurrent/rnn_loops.h"

#include <algorithm>
#include <utility>

namespace snt::kernels {
namespace {

struct RnnForwardShare : Share {
  const RnnForward& all;
};

template <class Isa>
struct RnnForwardLoop {
  using V = Floats<Isa>;
  static constexpr int64_t kWidth = Isa::kWidth, kPanel = 2 * kWidth;

  static SNT_INLINE void run(const RnnForwardShare& share) {
    const RnnForward& a = share.all;
    const int64_t rows = share.rows, depth = a.inputs + a.hidden;
    const int64_t stride = row_stride(a.inputs + a.padded);

    Scratch scratch(2 * Scratch::size(rows * stride));
    float* now = scratch.take(rows * stride);   // [rows, x and h]
    float* next = scratch.take(rows * stride);  // The same one step later.

    copy_rows(a.h_first, 0, share, a.hidden, now + a.inputs, stride);
    keep(share, 0, now + a.inputs, stride);
    RnnForwardShare here = share;  // The rows that have a step t.
    for (int64_t t = 0; t < share.steps(); ++t) {
      here.rows = share.rows_at(t);
      copy_rows(a.x, t, here, a.inputs, now, stride);
      const float* panel = a.panels;
      for (int64_t unit = 0; unit < a.hidden; unit += kPanel) {
        float* const h = next + a.inputs + unit;
        multiply(Isa(), here.rows, depth, now, stride, panel, h, stride);
        panel += depth * kPanel;
        activate(here, unit, h, stride);
        activate(here, unit + kWidth, h + kWidth, stride);
      }
      std::swap(now, next);
      copy_rows(now + a.inputs, stride, here, a.hidden,
                a.y + t * a.batch * a.hidden);
      keep(here, t + 1, now + a.inputs, stride);
    }
    finish_rows(share, a.steps, a.batch, a.hidden, a.h_first, a.y, nullptr);
  }

  static SNT_INLINE void keep(const RnnForwardShare& share, int64_t t,
                              const float* h, int64_t stride) {
    const RnnForward& a = share.all;
    if (a.states == nullptr) return;
    copy_rows(h, stride, share, a.hidden, a.states + t * a.batch * a.hidden);
  }

  static SNT_INLINE void activate(const RnnForwardShare& share, int64_t unit,
                                  float* h, int64_t stride) {
    const V zero = {};
    const V bias = load<Isa>(share.all.bias + unit);
    for (int64_t r = 0; r < share.rows; ++r, h += stride) {
      const V sum = load<Isa>(h) + bias;
      store<Isa>(
          h, share.all.is_relu ? (sum < 0.0f ? zero : sum) : tanh<Isa>(sum));
    }
  }
};
SNT_DEFINE_RUN(RnnForwardLoop, const RnnForwardShare)

struct RnnBackwardShare : Share {
  const RnnBackward& all;
  float* dbias;
};

template <class Isa>
struct RnnBackwardLoop {
  using V = Floats<Isa>;
  static constexpr int64_t kWidth = Isa::kWidth, kPanel = 2 * kWidth;

  static SNT_INLINE void run(const RnnBackwardShare& share) {
    const RnnBackward& a = share.all;
    const int64_t rows = share.rows, depth = a.hidden;
    const int64_t stride = row_stride(a.padded);

    Scratch scratch(Scratch::size(rows * stride) +
                    Scratch::size(rows * a.padded) + rows * kPanel);
    float* const dsums = scratch.take(rows * stride);
    float* const dh = scratch.take(rows * a.padded);
    float* const room = scratch.take(rows * kPanel);
    copy_rows(a.dh_last, 0, share, a.hidden, dh, a.padded);
    add_repeated(share, a.steps, a.hidden, a.dy, dh, a.padded);

    RnnBackwardShare here = share;
    for (int64_t t = share.steps() - 1; t >= 0; --t) {
      here.rows = share.rows_at(t);
      for (int64_t unit = 0; unit < a.hidden; unit += kWidth) {
        step(here, t, unit, dh, dsums, stride);
      }
      copy_rows(dsums, stride, here, a.hidden,
                a.dsums + t * a.batch * a.hidden);
      if (t > 0 || a.dh_first != nullptr) {
        const float* panel = a.h_panels;
        for (int64_t unit = 0; unit < a.hidden; unit += kPanel) {
          multiply(Isa(), here.rows, depth, dsums, stride, panel, dh + unit,
                   a.padded);
          panel += depth * kPanel;
        }
      }
      if (a.dx != nullptr) {
        multiply_to_rows<Isa>(here, depth, dsums, stride, a.x_panels, a.inputs,
                              room, a.dx + t * a.batch * a.inputs);
      }
    }
    copy_rows(dh, a.padded, share, a.hidden, a.dh_first);
  }

  static SNT_INLINE void step(const RnnBackwardShare& share, int64_t t,
                              int64_t unit, const float* dh, float* dsums,
                              int64_t stride) {
    const RnnBackward& a = share.all;
    const int64_t count = std::min(kWidth, a.hidden - unit);
    const V zero = {};
    V sum = {};
    for (int64_t r = 0; r < share.rows; ++r) {
      const int64_t row = (t + 1) * a.batch + share.row[r];
      const V h = load<Isa>(a.states + row * a.hidden + unit, count);
      V d = load<Isa>(dh + r * a.padded + unit);
      if (a.dy.data != nullptr) {
        d += load_columns<Isa>(a.dy, t, share.row[r], unit, count);
      }
      d = a.is_relu ? (h <= 0.0f ? zero : d) : d * (1.0f - h * h);
      sum += d;
      store<Isa>(dsums + r * stride + unit, d);
    }
    add_to<Isa>(share.dbias + unit, sum);
  }
};
SNT_DEFINE_RUN(RnnBackwardLoop, const RnnBackwardShare)

}  // namespace

void rnn_forward(const RnnForward& sequence, const Share& share) {
  run_RnnForwardLoop(RnnForwardShare{share, sequence});
}

void rnn_backward(const RnnBackward& sequence, const Share& share,
                  float* dbias) {
  run_RnnBackwardLoop(RnnBackwardShare{share, sequence, dbias});
}

}  // namespace snt::kernels
