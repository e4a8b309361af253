#include "sonnet/kernels/convolutions/conv_plan.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "sonnet/kernels/onednn.h"

namespace snt::kernels {
namespace {

using dnnl::memory;
using Desc = memory::desc;

// So many shapes are remembered; a plan takes some tens of KiB.
constexpr size_t kMostPlans = 1024;

Desc float_desc(const ConvSizes& sizes, const ConvSizes& strides) {
  return {sizes, memory::data_type::f32, strides};
}
Desc any_desc(const ConvSizes& sizes) {
  return {sizes, memory::data_type::f32, memory::format_tag::any};
}
Desc channels_last(at::IntArrayRef sizes) {
  return float_desc(sizes.vec(), channels_last_strides(sizes));
}

// oneDNN has groups as a dimension of their own.
std::pair<ConvSizes, ConvSizes> grouped(const ConvProblem& p,
                                        at::IntArrayRef strides) {
  ConvSizes sizes = p.w.vec(), steps = strides.vec();
  if (const int64_t groups = p.window.groups; groups > 1) {
    sizes[0] /= groups;
    sizes.insert(sizes.begin(), groups);
    steps.insert(steps.begin(), sizes[1] * strides[0]);
  }
  return {sizes, steps};
}

// oneDNN counts the gaps between the elements of a kernel.
ConvSizes gaps(ConvSizes rate) {
  for (int64_t& r : rate) --r;
  return rate;
}

dnnl::primitive_attr attributes(const ConvExtras& extras, const Desc& y) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops after;
  if (extras.sum) after.append_sum(1);
  if (extras.addend) after.append_binary(dnnl::algorithm::binary_add, y);
  if (extras.relu) {
    after.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
  }
  attributes.set_post_ops(after);
  return attributes;
}

memory at_place(const Desc& desc, const dnnl::engine& engine, void* data) {
  return {desc, engine, data};
}

// The plans of the process.
struct Plans {
  std::mutex mutex;
  std::map<ConvSizes, std::shared_ptr<const ConvPlan>> all;
};
Plans& plans() {
  static Plans& kept = *new Plans;  // Outlives what may run at exit.
  return kept;
}

ConvSizes key_of(const ConvProblem& p, at::IntArrayRef w_strides, ConvPass pass,
                 const ConvExtras& e) {
  ConvSizes key = {static_cast<int64_t>(pass),
                   e.bias,
                   e.factor,
                   e.addend,
                   e.sum,
                   e.relu,
                   at::get_num_threads(),
                   p.window.groups};
  const ConvWindow& window = p.window;
  for (const at::IntArrayRef sizes :
       {p.x, p.w, p.y, at::IntArrayRef(window.stride),
        at::IntArrayRef(window.before), at::IntArrayRef(window.after),
        at::IntArrayRef(window.rate), w_strides}) {
    key.insert(key.end(), sizes.begin(), sizes.end());
  }
  return key;
}

}  // namespace

ConvSizes channels_last_strides(at::IntArrayRef sizes) {
  ConvSizes strides(sizes.size());
  strides[1] = 1;
  int64_t step = sizes[1];
  for (size_t i = sizes.size() - 1; i >= 2; --i) {
    strides[i] = step;
    step *= sizes[i];
  }
  strides[0] = step;
  return strides;
}

ConvPlan::ConvPlan(const ConvProblem& p, at::IntArrayRef w_strides,
                   ConvPass pass, const ConvExtras& extras)
    : engine_(dnnl::engine::kind::cpu, 0), pass_(pass), extras_(extras) {
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const auto [w_sizes, w_steps] = grouped(p, w_strides);
  const ConvWindow& window = p.window;
  const ConvSizes rate = gaps(window.rate);
  const Desc w_any = any_desc(w_sizes);
  x_ = channels_last(p.x);
  y_ = channels_last(p.y);
  b_ = float_desc({p.w[0]}, {1});
  user_w_ = float_desc(w_sizes, w_steps);

  const dnnl::primitive_attr with = attributes(extras, y_);
  const Desc forward_b = pass == ConvPass::y && !extras.bias ? Desc() : b_;
  const dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, algorithm, x_, w_any, forward_b, y_,
       window.stride, rate, window.before, window.after},
      with, engine_);
  const auto take = [&](const auto& chosen, const Desc& w) {
    is_fast_ = std::strncmp(chosen.impl_info_str(), "ref", 3) != 0;
    convolution_ = dnnl::primitive(chosen.get());
    scratch_ = chosen.scratchpad_desc();
    w_ = w;
  };
  if (pass == ConvPass::y) {
    take(forward, forward.weights_desc());
  } else if (pass == ConvPass::x) {
    const dnnl::convolution_backward_data::primitive_desc chosen(
        {algorithm, x_, w_any, y_, window.stride, rate, window.before,
         window.after},
        with, engine_, forward);
    take(chosen, chosen.weights_desc());
  } else {
    const dnnl::convolution_backward_weights::primitive_desc chosen(
        {algorithm, x_, w_any, extras.bias ? b_ : Desc(), y_, window.stride,
         rate, window.before, window.after},
        with, engine_, forward);
    take(chosen, chosen.diff_weights_desc());
  }

  if (w_ == user_w_ && !extras.factor) return;
  dnnl::primitive_attr scaled;
  if (extras.factor) {  // Of each output channel, which may be of a group.
    scaled.set_output_scales(window.groups > 1 ? 3 : 1, {DNNL_RUNTIME_F32_VAL});
  }
  const bool out = pass == ConvPass::w;
  reorder_.emplace(dnnl::reorder::primitive_desc(
      engine_, out ? w_ : user_w_, engine_, out ? user_w_ : w_, scaled));
}

bool are_all(at::IntArrayRef sizes, int64_t n) {
  return std::all_of(sizes.begin(), sizes.end(),
                     [n](int64_t size) { return size == n; });
}

void ConvPlan::run_convolution(const ConvArrays& a, float* w) const {
  const at::Tensor scratch =
      at::empty({static_cast<int64_t>(scratch_.get_size())},
                at::TensorOptions(at::kByte));
  const auto place = [&](const Desc& desc, void* data) {
    return at_place(desc, engine_, data);
  };
  const bool to_w = pass_ == ConvPass::w, to_x = pass_ == ConvPass::x;
  std::unordered_map<int, memory> arguments = {
      {to_x ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, place(x_, a.x)},
      {to_w ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, place(w_, w)},
      {to_x || to_w ? DNNL_ARG_DIFF_DST : DNNL_ARG_DST, place(y_, a.y)},
      {DNNL_ARG_SCRATCHPAD, place(scratch_, scratch.data_ptr())}};
  if (extras_.bias) {
    arguments.emplace(to_w ? DNNL_ARG_DIFF_BIAS : DNNL_ARG_BIAS,
                      place(b_, a.b));
  }
  if (extras_.addend) {
    arguments.emplace(DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1,
                      place(y_, a.addend));
  }
  dnnl::stream stream(engine_);
  convolution_.execute(stream, arguments);
}

void ConvPlan::run(const ConvArrays& a) const {
  if (!reorder_) {
    run_convolution(a, a.w);
    return;
  }
  const at::Tensor packed = at::empty({static_cast<int64_t>(w_.get_size())},
                                      at::TensorOptions(at::kByte));
  const auto w = static_cast<float*>(packed.data_ptr());
  dnnl::stream stream(engine_);
  if (pass_ == ConvPass::w) {
    run_convolution(a, w);
    reorder_->execute(stream, {{DNNL_ARG_FROM, at_place(w_, engine_, w)},
                               {DNNL_ARG_TO, at_place(user_w_, engine_, a.w)}});
    return;
  }
  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_FROM, at_place(user_w_, engine_, a.w)},
      {DNNL_ARG_TO, at_place(w_, engine_, w)}};
  if (extras_.factor) {
    arguments.emplace(DNNL_ARG_ATTR_OUTPUT_SCALES,
                      at_place(b_, engine_, a.factor));
  }
  reorder_->execute(stream, arguments);
  run_convolution(a, w);
}

std::shared_ptr<const ConvPlan> conv_plan(const ConvProblem& problem,
                                          at::IntArrayRef w_strides,
                                          ConvPass pass,
                                          const ConvExtras& extras) {
  Plans& kept = plans();
  ConvSizes key = key_of(problem, w_strides, pass, extras);
  const std::lock_guard<std::mutex> lock(kept.mutex);
  if (const auto found = kept.all.find(key); found != kept.all.end()) {
    return found->second;
  }
  std::shared_ptr<const ConvPlan> made;
  try {
    made = std::make_shared<const ConvPlan>(problem, w_strides, pass, extras);
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw;
  }
  if (made != nullptr && !made->is_fast()) made = nullptr;
  stop_at_exit();
  // Shapes that change all the time are not worth keeping.
  if (kept.all.size() >= kMostPlans) kept.all.clear();
  return kept.all.emplace(std::move(key), std::move(made)).first->second;
}

}  // namespace snt::kernels
