#include "sonnet/kernels/recurrent/lstm_loops.h"

#include <algorithm>
#include <utility>

namespace snt::kernels {
namespace {

struct LstmForwardShare : Share {
  const LstmForward& all;
};

template <class Isa>
struct LstmForwardLoop {
  using V = Floats<Isa>;
  static constexpr int64_t kWidth = Isa::kWidth;

  static SNT_INLINE void run(const LstmForwardShare& share) {
    const LstmForward& a = share.all;
    const int64_t rows = share.rows, depth = a.inputs + a.hidden;
    const int64_t stride = row_stride(a.inputs + a.padded);

    Scratch scratch(2 * Scratch::size(rows * stride) +
                    Scratch::size(rows * a.padded) + rows * 4 * kWidth);
    float* now = scratch.take(rows * stride);   // [rows, x and h]
    float* next = scratch.take(rows * stride);  // The same one step later.
    float* const cell = scratch.take(rows * a.padded);
    float* const sums = scratch.take(rows * 4 * kWidth);

    float* const h = now + a.inputs;
    copy_rows(a.h_first, 0, share, a.hidden, h, stride);
    copy_rows(a.c_first, 0, share, a.hidden, cell, a.padded);
    if (a.gates != nullptr) {
      copy_rows(h, stride, share, a.hidden, a.states);
      copy_rows(cell, a.padded, share, a.padded, a.cells);
    }

    LstmForwardShare here = share;  // The rows that have a step t.
    for (int64_t t = 0; t < share.steps(); ++t) {
      here.rows = share.rows_at(t);
      copy_rows(a.x, t, here, a.inputs, now, stride);
      const float* panel = a.panels;
      for (int64_t unit = 0; unit < a.hidden; unit += kWidth) {
        multiply(Isa(), here.rows, depth, now, stride, panel, sums, 4 * kWidth);
        panel += depth * 2 * kWidth;
        multiply(Isa(), here.rows, depth, now, stride, panel, sums + 2 * kWidth,
                 4 * kWidth);
        panel += depth * 2 * kWidth;
        step(here, t, unit, sums, cell, next + a.inputs, stride);
      }
      std::swap(now, next);
    }

    finish_rows(share, a.steps, a.batch, a.hidden, a.h_first, a.y, a.h_last);
    copy_rows(cell, a.padded, share, a.hidden, a.c_last);
  }

  // Units [unit, unit + kWidth) of c and h from the sums of their gates.
  static SNT_INLINE void step(const LstmForwardShare& share, int64_t t,
                              int64_t unit, const float* sums, float* cell,
                              float* h_next, int64_t stride) {
    const LstmForward& a = share.all;
    const int64_t count = std::min(kWidth, a.hidden - unit);
    const V bias_i = load<Isa>(a.bias + unit);
    const V bias_f = load<Isa>(a.bias + a.padded + unit);
    const V bias_g = load<Isa>(a.bias + 2 * a.padded + unit);
    const V bias_o = load<Isa>(a.bias + 3 * a.padded + unit);
    for (int64_t r = 0; r < share.rows; ++r, sums += 4 * kWidth) {
      const V i = sigmoid<Isa>(load<Isa>(sums) + bias_i);
      const V f = sigmoid<Isa>(load<Isa>(sums + kWidth) + bias_f);
      const V g = tanh<Isa>(load<Isa>(sums + 2 * kWidth) + bias_g);
      const V o = sigmoid<Isa>(load<Isa>(sums + 3 * kWidth) + bias_o);
      float* const at_cell = cell + r * a.padded + unit;
      const V c = f * load<Isa>(at_cell) + i * g;
      const V h = o * tanh<Isa>(c);
      store<Isa>(at_cell, c);
      store<Isa>(h_next + r * stride + unit, h);

      const int64_t row = t * a.batch + share.row[r];
      store<Isa>(a.y + row * a.hidden + unit, h, count);
      if (a.gates == nullptr) continue;
      float* const at_gates = a.gates + row * 4 * a.padded + unit;
      store<Isa>(at_gates, i);
      store<Isa>(at_gates + a.padded, f);
      store<Isa>(at_gates + 2 * a.padded, g);
      store<Isa>(at_gates + 3 * a.padded, o);
      store<Isa>(a.cells + (row + a.batch) * a.padded + unit, c);
      if (t + 1 == a.steps) continue;
      store<Isa>(a.states + (row + a.batch) * a.hidden + unit, h, count);
    }
  }
};
SNT_DEFINE_RUN(LstmForwardLoop, const LstmForwardShare)

struct LstmBackwardShare : Share {
  const LstmBackward& all;
  float* dbias;
};

template <class Isa>
struct LstmBackwardLoop {
  using V = Floats<Isa>;
  static constexpr int64_t kWidth = Isa::kWidth;

  static SNT_INLINE void run(const LstmBackwardShare& share) {
    const LstmBackward& a = share.all;
    const int64_t rows = share.rows, depth = 4 * a.hidden;
    const int64_t stride = row_stride(depth);
    constexpr int64_t kPanel = 2 * kWidth;

    Scratch scratch(Scratch::size(rows * stride) +
                    2 * Scratch::size(rows * a.padded) + rows * kPanel);
    float* const dgates = scratch.take(rows * stride);
    float* const dh = scratch.take(rows * a.padded);
    float* const dc = scratch.take(rows * a.padded);
    float* const room = scratch.take(rows * kPanel);
    copy_rows(a.dh_last, 0, share, a.hidden, dh, a.padded);
    copy_rows(a.dc_last, 0, share, a.hidden, dc, a.padded);
    add_repeated(share, a.steps, a.hidden, a.dy, dh, a.padded);

    LstmBackwardShare here = share;
    for (int64_t t = share.steps() - 1; t >= 0; --t) {
      here.rows = share.rows_at(t);
      for (int64_t unit = 0; unit < a.hidden; unit += kWidth) {
        step(here, t, unit, dh, dc, dgates, stride);
      }
      if (t > 0 || a.dh_first != nullptr) {
        const float* panel = a.h_panels;
        for (int64_t unit = 0; unit < a.hidden; unit += kPanel) {
          multiply(Isa(), here.rows, depth, dgates, stride, panel, dh + unit,
                   a.padded);
          panel += depth * kPanel;
        }
      }
      if (a.dx != nullptr) {
        multiply_to_rows<Isa>(here, depth, dgates, stride, a.x_panels, a.inputs,
                              room, a.dx + t * a.batch * a.inputs);
      }
    }
    copy_rows(dh, a.padded, share, a.hidden, a.dh_first);
    copy_rows(dc, a.padded, share, a.hidden, a.dc_first);
  }

  // From the gradients of h and c after step t that of c before it, and those
  // of the gates.
  static SNT_INLINE void step(const LstmBackwardShare& share, int64_t t,
                              int64_t unit, const float* dh, float* dc,
                              float* dgates, int64_t stride) {
    const LstmBackward& a = share.all;
    const int64_t count = std::min(kWidth, a.hidden - unit);
    V sum_i = {}, sum_f = {}, sum_g = {}, sum_o = {};
    for (int64_t r = 0; r < share.rows; ++r) {
      const int64_t row = t * a.batch + share.row[r];
      const float* const gates = a.gates + row * 4 * a.padded + unit;
      const V i = load<Isa>(gates), f = load<Isa>(gates + a.padded);
      const V g = load<Isa>(gates + 2 * a.padded);
      const V o = load<Isa>(gates + 3 * a.padded);
      const V before = load<Isa>(a.cells + row * a.padded + unit);
      const V squashed =
          tanh<Isa>(load<Isa>(a.cells + (row + a.batch) * a.padded + unit));

      V dh_now = load<Isa>(dh + r * a.padded + unit);
      if (a.dy.data != nullptr) {
        dh_now += load_columns<Isa>(a.dy, t, share.row[r], unit, count);
      }
      float* const at_dc = dc + r * a.padded + unit;
      const V dc_now =
          load<Isa>(at_dc) + dh_now * o * (1.0f - squashed * squashed);
      store<Isa>(at_dc, dc_now * f);

      const V di = dc_now * g * i * (1.0f - i);
      const V df = dc_now * before * f * (1.0f - f);
      const V dg = dc_now * i * (1.0f - g * g);
      const V dout = dh_now * squashed * o * (1.0f - o);
      sum_i += di;
      sum_f += df;
      sum_g += dg;
      sum_o += dout;
      put(share, r, row, unit, count, di, dgates, stride);
      put(share, r, row, a.hidden + unit, count, df, dgates, stride);
      put(share, r, row, 2 * a.hidden + unit, count, dg, dgates, stride);
      put(share, r, row, 3 * a.hidden + unit, count, dout, dgates, stride);
    }
    add_to<Isa>(share.dbias + unit, sum_i);
    add_to<Isa>(share.dbias + a.padded + unit, sum_f);
    add_to<Isa>(share.dbias + 2 * a.padded + unit, sum_g);
    add_to<Isa>(share.dbias + 3 * a.padded + unit, sum_o);
  }

  static SNT_INLINE void put(const LstmBackwardShare& share, int64_t r,
                             int64_t row, int64_t column, int64_t count,
                             const V& value, float* dgates, int64_t stride) {
    store<Isa>(dgates + r * stride + column, value, count);
    store<Isa>(share.all.dgates + row * 4 * share.all.hidden + column, value,
               count);
  }
};
SNT_DEFINE_RUN(LstmBackwardLoop, const LstmBackwardShare)

}  // namespace

void lstm_forward(const LstmForward& sequence, const Share& share) {
  run_LstmForwardLoop(LstmForwardShare{share, sequence});
}

void lstm_backward(const LstmBackward& sequence, const Share& share,
                   float* dbias) {
  run_LstmBackwardLoop(LstmBackwardShare{share, sequence, dbias});
}

}  // namespace snt::kernels
