#include "sonnet/kernels/gru_loops.h"

#include <algorithm>

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
                    Scratch::size(rows * a.padded) + rows * kPanel);
    float* const x_h = scratch.take(rows * stride);   // [rows, x and h]
    float* const x_rh = scratch.take(rows * stride);  // [rows, x and r h]
    float* const z = scratch.take(rows * a.padded);
    float* const sums = scratch.take(rows * kPanel);
    float* const h = x_h + a.inputs;
    float* const rh = x_rh + a.inputs;

    copy_rows(a.h_first, 0, share, a.hidden, h, stride);
    for (int64_t t = 0; t < a.steps; ++t) {
      copy_rows(a.x, t, share, a.inputs, x_h, stride);
      copy_rows(a.x, t, share, a.inputs, x_rh, stride);
      if (a.states != nullptr) {
        copy_rows(h, stride, share, a.hidden,
                  a.states + t * a.batch * a.hidden);
      }
      const float* panel = a.zr_panels;
      for (int64_t unit = 0; unit < a.hidden; unit += kWidth) {
        multiply(Isa(), rows, depth, x_h, stride, panel, sums, kPanel);
        panel += depth * kPanel;
        reset(share, t, unit, sums, h, rh, stride, z);
      }
      panel = a.a_panels;
      for (int64_t unit = 0; unit < a.hidden; unit += kPanel) {
        multiply(Isa(), rows, depth, x_rh, stride, panel, sums, kPanel);
        panel += depth * kPanel;
        mix(share, t, unit, sums, h, stride, z);
        if (unit + kWidth < a.hidden) {
          mix(share, t, unit + kWidth, sums + kWidth, h, stride, z);
        }
      }
    }
  }

  // z and r h of units [unit, unit + kWidth).
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
      store<Isa>(rh + r * stride + unit,
                 gate_r * load<Isa>(h + r * stride + unit));
      if (a.gates == nullptr) continue;
      const int64_t row = t * a.batch + share.first + r;
      float* const gates = a.gates + row * 3 * a.padded + unit;
      store<Isa>(gates, gate_z);
      store<Isa>(gates + a.padded, gate_r);
    }
  }

  // h after the step.
  static SNT_INLINE void mix(const GruForwardShare& share, int64_t t,
                             int64_t unit, const float* sums, float* h,
                             int64_t stride, const float* z) {
    const GruForward& a = share.all;
    const int64_t count = std::min(kWidth, a.hidden - unit);
    const V bias = load<Isa>(a.bias + 2 * a.padded + unit);
    for (int64_t r = 0; r < share.rows; ++r, sums += kPanel) {
      const V gate_a = tanh<Isa>(load<Isa>(sums) + bias);
      const V gate_z = load<Isa>(z + r * a.padded + unit);
      float* const at_h = h + r * stride + unit;
      const V next = (1.0f - gate_z) * load<Isa>(at_h) + gate_z * gate_a;
      store<Isa>(at_h, next);
      const int64_t row = t * a.batch + share.first + r;
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
    const int64_t stride = row_stride(3 * hidden + kPanel);

    Scratch scratch(Scratch::size(rows * stride) +
                    Scratch::size(rows * a.padded) + rows * kPanel);
    float* const dgates = scratch.take(rows * stride);  // Gates z r a.
    float* const dh = scratch.take(rows * a.padded);
    float* const room = scratch.take(rows * kPanel);
    copy_rows(a.dh_last, 0, share, hidden, dh, a.padded);

    for (int64_t t = a.steps - 1; t >= 0; --t) {
      for (int64_t unit = 0; unit < hidden; unit += kWidth) {
        unmix(share, t, unit, dh, dgates, stride);
      }
      const float* panel = a.a_panels;
      for (int64_t unit = 0; unit < hidden; unit += kPanel) {
        multiply(Isa(), rows, hidden, dgates + 2 * hidden, stride, panel, room,
                 kPanel);
        panel += hidden * kPanel;
        unreset(share, t, unit, room, dh, dgates, stride);
        if (unit + kWidth < hidden) {
          unreset(share, t, unit + kWidth, room + kWidth, dh, dgates, stride);
        }
      }
      if (t > 0 || a.dh_first != nullptr) {
        panel = a.zr_panels;
        for (int64_t unit = 0; unit < hidden; unit += kPanel) {
          multiply(Isa(), rows, 2 * hidden, dgates, stride, panel, room,
                   kPanel);
          panel += 2 * hidden * kPanel;
          for (int64_t r = 0; r < rows; ++r) {
            float* const to = dh + r * a.padded + unit;
            add_to<Isa>(to, load<Isa>(room + r * kPanel));
            add_to<Isa>(to + kWidth, load<Isa>(room + r * kPanel + kWidth));
          }
        }
      }
      if (a.dx != nullptr) {
        multiply_to_rows<Isa>(share, 3 * hidden, dgates, stride, a.x_panels,
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
    V sum_z = {}, sum_a = {};
    for (int64_t r = 0; r < share.rows; ++r) {
      const int64_t row = t * a.batch + share.first + r;
      const float* const gates = a.gates + row * 3 * a.padded + unit;
      const V gate_z = load<Isa>(gates);
      const V gate_a = load<Isa>(gates + 2 * a.padded);
      const V h = load<Isa>(a.states + row * a.hidden + unit, count);
      float* const at_dh = dh + r * a.padded + unit;
      V dh_now = load<Isa>(at_dh);
      if (a.dy.data != nullptr) {
        dh_now += load_columns<Isa>(a.dy, t, share.first + r, unit, count);
      }
      store<Isa>(at_dh, dh_now * (1.0f - gate_z));
      const V dz = dh_now * (gate_a - h) * gate_z * (1.0f - gate_z);
      const V da = dh_now * gate_z * (1.0f - gate_a * gate_a);
      sum_z += dz;
      sum_a += da;
      put(share, r, row, unit, count, dz, dgates, stride);
      put(share, r, row, 2 * a.hidden + unit, count, da, dgates, stride);
    }
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
      const int64_t row = t * a.batch + share.first + r;
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
    store<Isa>(share.all.dgates + row * 3 * share.all.hidden + column, value,
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
