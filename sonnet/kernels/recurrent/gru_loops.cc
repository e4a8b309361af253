#include "sonnet/kernels/recurrent/gru_loops.h"

#include <algorithm>
#include <utility>

namespace snt::kernels {
namespace {

struct GruForwardShare : Share {
  const GruForward& all;
};

template <class Isa>
struct GruForwardLoop {
  using V = Floats<Isa>;
  static constexpr int64_t kWidth = Isa::kWidth, kPanel = 2 * kWidth;

  static SNT_INLINE void run(const GruForwardShare& share) {
    const GruForward& a = share.all;
    const int64_t rows = share.rows, depth = a.inputs + a.hidden;
    const int64_t stride = row_stride(a.inputs + a.padded);

    Scratch scratch(2 * Scratch::size(rows * stride) +
                    Scratch::size(rows * a.padded) +
                    2 * Scratch::size(rows * kPanel));
    float* x_h = scratch.take(rows * stride);  // [rows, x and h]
    // [rows, x and r h]; if it resets after, r, then the h of the next step.
    float* x_rh = scratch.take(rows * stride);
    float* const z = scratch.take(rows * a.padded);
    float* const sums = scratch.take(rows * kPanel);
    float* const news = scratch.take(rows * kPanel);

    copy_rows(a.h_first, 0, share, a.hidden, x_h + a.inputs, stride);
    GruForwardShare here = share;  // The rows that have a step t.
    for (int64_t t = 0; t < share.steps(); ++t) {
      here.rows = share.rows_at(t);
      float* const h = x_h + a.inputs;
      float* const rh = x_rh + a.inputs;
      copy_rows(a.x, t, here, a.inputs, x_h, stride);
      copy_rows(a.x, t, here, a.inputs, x_rh, stride);
      if (a.states != nullptr) {
        copy_rows(h, stride, here, a.hidden, a.states + t * a.batch * a.hidden);
      }
      const float* panel = a.zr_panels;
      for (int64_t unit = 0; unit < a.hidden; unit += kWidth) {
        multiply(Isa(), here.rows, depth, x_h, stride, panel, sums, kPanel);
        panel += depth * kPanel;
        reset(here, t, unit, sums, h, rh, stride, z);
      }
      panel = a.a_panels;
      for (int64_t unit = 0; unit < a.hidden; unit += kPanel) {
        if (a.resets_after) {
          multiply(Isa(), here.rows, a.inputs, x_h, stride, panel, sums,
                   kPanel);
          multiply(Isa(), here.rows, a.hidden, h, stride,
                   panel + a.inputs * kPanel, news, kPanel);
        } else {
          multiply(Isa(), here.rows, depth, x_rh, stride, panel, sums, kPanel);
        }
        panel += depth * kPanel;
        mix(here, t, unit, sums, news, h, rh, stride, z);
        if (unit + kWidth < a.hidden) {
          mix(here, t, unit + kWidth, sums + kWidth, news + kWidth, h, rh,
              stride, z);
        }
      }
      if (a.resets_after) std::swap(x_h, x_rh);
    }
    finish_rows(share, a.steps, a.batch, a.hidden, a.h_first, a.y, nullptr);
  }

  // z and r h (or r) of units [unit, unit + kWidth).
  static SNT_INLINE void reset(const GruForwardShare& share, int64_t t,
                               int64_t unit, const float* sums, const float* h,
                               float* rh, int64_t stride, float* z) {
    const GruForward& a = share.all;
    const V bias_z = load<Isa>(a.bias + unit);
    const V bias_r = load<Isa>(a.bias + a.padded + unit);
    for (int64_t r = 0; r < share.rows; ++r, sums += kPanel) {
      const V gate_z = sigmoid<Isa>(load<Isa>(sums) + bias_z);
      const V gate_r = sigmoid<Isa>(load<Isa>(sums + kWidth) + bias_r);
      store<Isa>(z + r * a.padded + unit, gate_z);
      store<Isa>(
          rh + r * stride + unit,
          a.resets_after ? gate_r : gate_r * load<Isa>(h + r * stride + unit));
      if (a.gates == nullptr) continue;
      const int64_t row = t * a.batch + share.row[r];
      float* const gates = a.gates + row * 3 * a.padded + unit;
      store<Isa>(gates, gate_z);
      store<Isa>(gates + a.padded, gate_r);
    }
  }

  // h after the step.
  static SNT_INLINE void mix(const GruForwardShare& share, int64_t t,
                             int64_t unit, const float* sums, const float* news,
                             float* h, float* rh, int64_t stride,
                             const float* z) {
    const GruForward& a = share.all;
    const int64_t count = std::min(kWidth, a.hidden - unit);
    const V bias = load<Isa>(a.bias + 2 * a.padded + unit);
    for (int64_t r = 0; r < share.rows; ++r, sums += kPanel, news += kPanel) {
      const int64_t row = t * a.batch + share.row[r];
      const V gate_z = load<Isa>(z + r * a.padded + unit);
      float* const at_h = h + r * stride + unit;
      float* const at_rh = rh + r * stride + unit;
      V gate_a, next;
      if (a.resets_after) {
        const V n = load<Isa>(news);
        gate_a = tanh<Isa>(load<Isa>(sums) + bias + load<Isa>(at_rh) * n);
        next = (1.0f - gate_z) * gate_a + gate_z * load<Isa>(at_h);
        store<Isa>(at_rh, next);
        if (a.news != nullptr) store<Isa>(a.news + row * a.padded + unit, n);
      } else {
        gate_a = tanh<Isa>(load<Isa>(sums) + bias);
        next = (1.0f - gate_z) * load<Isa>(at_h) + gate_z * gate_a;
        store<Isa>(at_h, next);
      }
      store<Isa>(a.y + row * a.hidden + unit, next, count);
      if (a.gates == nullptr) continue;
      store<Isa>(a.gates + (row * 3 + 2) * a.padded + unit, gate_a);
    }
  }
};
SNT_DEFINE_RUN(GruForwardLoop, const GruForwardShare)

struct GruBackwardShare : Share {
  const GruBackward& all;
  float* dbias;
};

template <class Isa>
struct GruBackwardLoop {
  using V = Floats<Isa>;
  static constexpr int64_t kWidth = Isa::kWidth, kPanel = 2 * kWidth;

  static SNT_INLINE void run(const GruBackwardShare& share) {
    const GruBackward& a = share.all;
    const int64_t rows = share.rows, hidden = a.hidden;
    const int64_t stride = row_stride(a.columns() + kPanel);
    const int64_t h_depth = (a.resets_after ? 3 : 2) * hidden;

    Scratch scratch(Scratch::size(rows * stride) +
                    Scratch::size(rows * a.padded) + rows * kPanel);
    float* const dgates = scratch.take(rows * stride);  // As in a.dgates.
    float* const dh = scratch.take(rows * a.padded);
    float* const room = scratch.take(rows * kPanel);
    copy_rows(a.dh_last, 0, share, hidden, dh, a.padded);
    add_repeated(share, a.steps, hidden, a.dy, dh, a.padded);

    GruBackwardShare here = share;
    for (int64_t t = share.steps() - 1; t >= 0; --t) {
      here.rows = share.rows_at(t);
      for (int64_t unit = 0; unit < hidden; unit += kWidth) {
        unmix(here, t, unit, dh, dgates, stride);
      }
      const float* panel = a.a_panels;
      for (int64_t unit = a.resets_after ? hidden : 0; unit < hidden;
           unit += kPanel) {
        multiply(Isa(), here.rows, hidden, dgates + 2 * hidden, stride, panel,
                 room, kPanel);
        panel += hidden * kPanel;
        unreset(here, t, unit, room, dh, dgates, stride);
        if (unit + kWidth < hidden) {
          unreset(here, t, unit + kWidth, room + kWidth, dh, dgates, stride);
        }
      }
      if (t > 0 || a.dh_first != nullptr) {
        panel = a.zr_panels;
        for (int64_t unit = 0; unit < hidden; unit += kPanel) {
          multiply(Isa(), here.rows, h_depth, dgates + a.at_z(), stride, panel,
                   room, kPanel);
          panel += h_depth * kPanel;
          for (int64_t r = 0; r < here.rows; ++r) {
            float* const to = dh + r * a.padded + unit;
            add_to<Isa>(to, load<Isa>(room + r * kPanel));
            add_to<Isa>(to + kWidth, load<Isa>(room + r * kPanel + kWidth));
          }
        }
      }
      if (a.dx != nullptr) {
        multiply_to_rows<Isa>(here, 3 * hidden, dgates, stride, a.x_panels,
                              a.inputs, room, a.dx + t * a.batch * a.inputs);
      }
    }
    copy_rows(dh, a.padded, share, hidden, a.dh_first);
  }

  // The gradients of z and a before their functions; dh is then what goes
  // straight to the h before.
  static SNT_INLINE void unmix(const GruBackwardShare& share, int64_t t,
                               int64_t unit, float* dh, float* dgates,
                               int64_t stride) {
    const GruBackward& a = share.all;
    const int64_t count = std::min(kWidth, a.hidden - unit);
    V sum_z = {}, sum_r = {}, sum_a = {};
    for (int64_t r = 0; r < share.rows; ++r) {
      const int64_t row = t * a.batch + share.row[r];
      const float* const gates = a.gates + row * 3 * a.padded + unit;
      const V gate_z = load<Isa>(gates);
      const V gate_a = load<Isa>(gates + 2 * a.padded);
      const V h = load<Isa>(a.states + row * a.hidden + unit, count);
      float* const at_dh = dh + r * a.padded + unit;
      V dh_now = load<Isa>(at_dh);
      if (a.dy.data != nullptr) {
        dh_now += load_columns<Isa>(a.dy, t, share.row[r], unit, count);
      }
      // h' = old h + fresh a
      const V old = a.resets_after ? gate_z : 1.0f - gate_z;
      const V fresh = a.resets_after ? 1.0f - gate_z : gate_z;
      const V difference = a.resets_after ? h - gate_a : gate_a - h;
      store<Isa>(at_dh, dh_now * old);
      const V dz = dh_now * difference * gate_z * (1.0f - gate_z);
      const V da = dh_now * fresh * (1.0f - gate_a * gate_a);
      sum_z += dz;
      sum_a += da;
      put(share, r, row, a.at_z() + unit, count, dz, dgates, stride);
      put(share, r, row, a.at_a() + unit, count, da, dgates, stride);
      if (!a.resets_after) continue;
      const V gate_r = load<Isa>(gates + a.padded);
      const V n = load<Isa>(a.news + row * a.padded + unit);
      const V dr = da * n * gate_r * (1.0f - gate_r);
      sum_r += dr;
      put(share, r, row, 2 * a.hidden + unit, count, dr, dgates, stride);
      put(share, r, row, 3 * a.hidden + unit, count, da * gate_r, dgates,
          stride);
    }
    add_to<Isa>(share.dbias + a.padded + unit, sum_r);
    add_to<Isa>(share.dbias + unit, sum_z);
    add_to<Isa>(share.dbias + 2 * a.padded + unit, sum_a);
  }

  // The gradient of r from that of r h.
  static SNT_INLINE void unreset(const GruBackwardShare& share, int64_t t,
                                 int64_t unit, const float* drh, float* dh,
                                 float* dgates, int64_t stride) {
    const GruBackward& a = share.all;
    const int64_t count = std::min(kWidth, a.hidden - unit);
    V sum = {};
    for (int64_t r = 0; r < share.rows; ++r, drh += kPanel) {
      const int64_t row = t * a.batch + share.row[r];
      const V gate_r = load<Isa>(a.gates + (row * 3 + 1) * a.padded + unit);
      const V h = load<Isa>(a.states + row * a.hidden + unit, count);
      const V d = load<Isa>(drh);
      const V dr = d * h * gate_r * (1.0f - gate_r);
      sum += dr;
      add_to<Isa>(dh + r * a.padded + unit, d * gate_r);
      store<Isa>(a.resets + row * a.hidden + unit, gate_r * h, count);
      put(share, r, row, a.hidden + unit, count, dr, dgates, stride);
    }
    add_to<Isa>(share.dbias + a.padded + unit, sum);
  }

  static SNT_INLINE void put(const GruBackwardShare& share, int64_t r,
                             int64_t row, int64_t column, int64_t count,
                             const V& value, float* dgates, int64_t stride) {
    store<Isa>(dgates + r * stride + column, value, count);
    store<Isa>(share.all.dgates + row * share.all.columns() + column, value,
               count);
  }
};
SNT_DEFINE_RUN(GruBackwardLoop, const GruBackwardShare)

}  // namespace

void gru_forward(const GruForward& sequence, const Share& share) {
  run_GruForwardLoop(GruForwardShare{share, sequence});
}

void gru_backward(const GruBackward& sequence, const Share& share,
                  float* dbias) {
  run_GruBackwardLoop(GruBackwardShare{share, sequence, dbias});
}

}  // namespace snt::kernels
