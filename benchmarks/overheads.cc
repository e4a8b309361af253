// What a module costs: an MLP against the same ATen calls by hand, and threads
// that call one model.

#include <algorithm>
#include <chrono>

#include "benchmarks/sizes.h"
#include "benchmarks/workloads.h"

namespace benchmarks {
namespace {

using sizes::MlpSizes;
using Clock = std::chrono::steady_clock;

// The layers of an MLP without the module.
struct ByHand {
  std::vector<at::Tensor> w, b;

  at::Tensor operator()(at::Tensor x) const {
    for (size_t i = 0; i < w.size(); ++i) {
      x = at::addmm(b[i], x, w[i]);
      if (i + 1 < w.size()) x = at::relu(x);
    }
    return x;
  }
};

// The same weights twice.
struct Pair {
  snt::nets::MLP mlp;
  ByHand by_hand;
  at::Tensor x;
};

Pair make_pair(const MlpSizes& size) {
  Pair pair{.mlp = {.output_sizes = std::vector<int64_t>(size.sizes.begin() + 1,
                                                         size.sizes.end())},
            .by_hand = {},
            .x = numbers({size.batch, size.sizes[0]})};
  pair.mlp(pair.x);
  for (const snt::Linear& layer : pair.mlp.layers) {
    pair.by_hand.w.push_back(layer.w.value());
    pair.by_hand.b.push_back(layer.b.value());
  }
  return pair;
}

double median_of(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// Milliseconds of call(x).
template <class Call>
double time_of(const Call& call, const at::Tensor& x) {
  const auto start = Clock::now();
  call(x);
  return std::chrono::duration<double, std::milli>(Clock::now() - start)
      .count();
}

// {{"ms", of the module}, {"by_hand_ms", ...}, {"modules", how many there
// are}}: medians of calls in turns, so that a busy machine hurts both.
Numbers compare(const MlpSizes& size, const Timing& timing) {
  const Pair pair = make_pair(size);
  const c10::InferenceMode guard;
  std::vector<double> module, hand;
  const auto end = Clock::now() + std::chrono::duration<double>(timing.seconds);
  while (module.size() < 20 || Clock::now() < end) {
    // Who comes second finds the weights in the cache: take turns.
    const bool module_first = module.size() % 2 == 0;
    if (module_first) module.push_back(time_of(pair.mlp, pair.x));
    hand.push_back(time_of(pair.by_hand, pair.x));
    if (!module_first) module.push_back(time_of(pair.mlp, pair.x));
  }
  return {{"ms", median_of(module)},
          {"by_hand_ms", median_of(hand)},
          {"modules", 1.0 + static_cast<double>(pair.mlp.layers.size())}};
}

Row module_row(const std::string& name, const MlpSizes& size) {
  return {name, [] { return Work{[] {}}; },
          [size](const Work&, const Timing& timing) {
            return compare(size, timing);
          }};
}

Work small_mlp() {
  const Pair pair = make_pair(sizes::kSmallMlp);
  return {infer(pair.mlp, pair.x)};
}

}  // namespace

std::vector<Row> overhead_rows() {
  return {
      module_row("module_call", sizes::kMlp),
      module_row("module_call_small", sizes::kSmallMlp),
      {"mlp_small_one_thread", small_mlp, one_thread},
      {"mlp_small_two_threads", small_mlp, two_threads},
  };
}

}  // namespace benchmarks
