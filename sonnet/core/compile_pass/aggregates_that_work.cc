// Every form in which a struct may compose modules from its own options, with
// each way to make it. GCC 12 gets all of them right as long as no initialiser
// of a library module reads another field or throws (see gcc12_rules.cc).

#include <ATen/ATen.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "sonnet/core/variables.h"
#include "sonnet/layers/linear.h"
#include "sonnet/layers/sequential.h"
#include "sonnet/nets/mlp.h"

namespace {

at::Tensor halve(const at::Tensor& x) { return x / 2; }

struct Net {
  int64_t hidden = 64;
  std::string name = {};

  snt::Linear in_braces{hidden};
  snt::Linear by_name{.output_size = hidden, .with_bias = false};
  snt::Linear assigned = snt::Linear{hidden};
  snt::Layer erased = snt::Linear{hidden};
  snt::Sequential body{{snt::Linear{hidden}, snt::activations::relu, halve,
                        [](const at::Tensor& x) { return x + 1; },
                        snt::Linear{.output_size = 10}}};
  snt::nets::MLP mlp{.output_sizes = {hidden, 2 * hidden}};
  std::optional<snt::Linear> optional = snt::Linear{hidden};
  std::variant<snt::Linear, snt::Sequential> variant = snt::Linear{hidden};
  std::tuple<snt::Linear, snt::Linear> tuple = {snt::Linear{hidden},
                                                snt::Linear{3}};
  std::pair<snt::Linear, int> pair = {snt::Linear{hidden}, 1};
  std::array<snt::Linear, 2> array = {snt::Linear{hidden}, snt::Linear{1}};
  std::vector<snt::Linear> vector = {snt::Linear{hidden},
                                     snt::Linear{2 * hidden}};
  std::map<std::string, snt::Linear> map = {{"a", snt::Linear{hidden}}};
  std::shared_ptr<snt::Linear> shared =
      std::make_shared<snt::Linear>(snt::Linear{hidden});
  std::vector<snt::nets::MLP> towers = [this] {
    std::vector<snt::nets::MLP> result;
    for (int i = 0; i < 2; ++i) result.push_back({.output_sizes = {hidden}});
    return result;
  }();
  snt::Linear tied = in_braces;

  at::Tensor operator()(const at::Tensor& x) const {
    at::Tensor y = mlp(erased(assigned(by_name(in_braces(x)))));
    y = std::get<snt::Linear>(variant)((*optional)(y));
    y = std::get<0>(tuple)(pair.first(y));
    y = std::get<1>(tuple)(array[0](vector[1](vector[0](y))));
    y = towers[1](towers[0](map.at("a")((*shared)(array[1](y)))));
    return body(y + tied(x));
  }
};

// A composite of composites.
struct Outer {
  std::vector<int64_t> sizes = {4, 3};
  Net left{.hidden = sizes[0]};
  Net right{.hidden = sizes[1], .name = "right"};
};

bool all_are(const Net& net, int64_t hidden) {
  return net.in_braces.output_size == hidden &&
         net.by_name.output_size == hidden &&
         net.assigned.output_size == hidden &&
         net.erased.get_if<snt::Linear>()->output_size == hidden &&
         net.body.layers.size() == 5 &&
         net.body.layers[0].get_if<snt::Linear>()->output_size == hidden &&
         net.mlp.layers[1].output_size == 2 * hidden &&
         net.optional->output_size == hidden &&
         std::get<0>(net.tuple).output_size == hidden &&
         net.array[0].output_size == hidden &&
         net.vector[1].output_size == 2 * hidden &&
         net.map.at("a").output_size == hidden &&
         net.shared->output_size == hidden &&
         net.towers[1].layers[0].output_size == hidden;
}

}  // namespace

int main() {
  Net plain;
  Net braces{};
  Net given{.hidden = 3};
  const Net copied = given;
  auto unique = std::make_unique<Net>(Net{.hidden = 5});
  std::vector<Net> list = {Net{.hidden = 6}, Net{.hidden = 7}};
  list.push_back({.hidden = 8});
  Outer outer{.sizes = {2, 9}};
  if (!all_are(plain, 64) || !all_are(braces, 64) || !all_are(given, 3) ||
      !all_are(copied, 3) || !all_are(*unique, 5) || !all_are(list[0], 6) ||
      !all_are(list[2], 8) || !all_are(outer.left, 2) ||
      !all_are(outer.right, 9)) {
    return 1;
  }
  // A w and a b each, except by_name; tied has those of in_braces.
  if (given(at::ones({2, 4})).sizes() != at::IntArrayRef({2, 10})) return 2;
  // in_braces to erased 4, body 2, mlp 2, optional, variant, pair 1 each,
  // tuple, array, vector 2 each, map, shared 1 each, towers 2.
  const size_t layers = 4 + 2 + 2 + 3 + 6 + 2 + 2;
  return snt::trainable_variables(given).size() == 2 * layers - 1 ? 0 : 3;
}
