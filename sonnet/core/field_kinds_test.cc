#include "sonnet/core/field_kinds.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#include "sonnet/core/activation.h"
#include "sonnet/core/layer.h"
#include "sonnet/core/variable.h"

namespace snt::field_kinds_test {
namespace {

struct Affine {
  Required<int64_t> size;
  bool with_bias = true;
  std::optional<double> scale = {};
  std::string name = {};

  Variable w = {};
};
struct Dependent {
  int64_t a = 2;
  int64_t b = 10 * a;
  std::vector<int64_t> c = {a, b};
  std::string name = {};
};
struct WithoutName {
  int64_t size = 3;
  std::string mode = "same";
  Affine inner{1};
  int64_t behind = 4;
};
struct SaysItself {
  static constexpr size_t num_options = 1;
  int64_t size = 3;
  int64_t cache = 0;
};
struct NameInBetween {  // A module may be an option.
  Affine inner{1};
  std::string name = {};
  int64_t cache = 0;
};
struct NoOptions {
  Variable w = {};
};
struct Nothing {};
struct Recursive {
  std::vector<Recursive> children = {};
};
struct RecursiveWithVariable {
  std::vector<RecursiveWithVariable> children = {};
  Variable w = {};
};
template <class T>
struct Pair {
  T a = {};
};

TEST(NumOptions, UpToNameOrTheFirstVariable) {
  static_assert(num_options<Affine> == 4);
  static_assert(num_options<Dependent> == 4);
  static_assert(num_options<WithoutName> == 2);
  static_assert(num_options<SaysItself> == 1);
  static_assert(num_options<NoOptions> == 0);
  static_assert(num_options<Nothing> == 0);
  static_assert(num_options<NameInBetween> == 2);
}

TEST(HoldsVariables, AtAnyDepth) {
  using detail::holds_variables;
  static_assert(holds_variables<Variable>());
  static_assert(holds_variables<Affine>());
  static_assert(holds_variables<std::vector<std::optional<Affine>>>());
  static_assert(holds_variables<std::map<std::string, WithoutName>>());
  static_assert(holds_variables<std::unordered_map<int, WithoutName>>());
  static_assert(holds_variables<std::shared_ptr<const Affine>>());
  static_assert(holds_variables<std::variant<int, Affine>>());
  static_assert(holds_variables<std::tuple<int, std::array<Affine, 1>>>());
  static_assert(holds_variables<Pair<Pair<Variable>>>());
  static_assert(holds_variables<Layer>());
  static_assert(holds_variables<RecursiveWithVariable>());
  static_assert(!holds_variables<Recursive>());
  static_assert(!holds_variables<int>());
  static_assert(!holds_variables<Dependent>());
  static_assert(!holds_variables<std::vector<std::string>>());
  static_assert(!holds_variables<at::Tensor>());
  static_assert(!holds_variables<Activation>());
  static_assert(!holds_variables<Required<std::vector<int64_t>>>());
}

}  // namespace
}  // namespace snt::field_kinds_test
