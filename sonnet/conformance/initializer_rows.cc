#include <ATen/ATen.h>

#include "sonnet/conformance/class_table.h"
#include "sonnet/core/format.h"
#include "sonnet/initializers/check_initializers.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/initializers/distributions.h"
#include "sonnet/initializers/orthogonal.h"
#include "sonnet/initializers/variance_scaling.h"
#include "sonnet/regularizers/l1_l2.h"
#include "sonnet/regularizers/off_diagonal_orthogonal.h"

namespace snt::conformance {
namespace {

// C++ has no dtype of strings; another dtype that is not numeric stands for it.
at::ScalarType dtype_of(const std::string& name) {
  return name == "string" ? at::kComplexFloat : dtype_from_name(name);
}

template <class T>
RowOf<T> initializer(const std::string& name, std::string example = "{}") {
  return module<T>(name)
      .call(
          "shape, dtype",
          [](const T& init, const std::vector<int64_t>& shape,
             const std::string& dtype) { return init(shape, dtype_of(dtype)); })
      .example(std::move(example));
}

template <class T>
RowOf<T> regularizer(const std::string& name) {
  return module<T>(name)
      .call("tensors",
            [](const T& penalty, const std::vector<at::Tensor>& tensors) {
              return penalty(tensors);
            })
      .example(R"({"scale": 0.1})");
}

// Of the initializers only the keys are of interest.
void check_keys(const Nest& initializers,
                const std::vector<std::string>& keys) {
  std::map<std::string, Initializer> by_key;
  const auto* given = initializers.get_if<Nest::Dict>();
  snt::check<TypeError>(given != nullptr, "check_initializers",
                        "Initializers must be a dict-like object.");
  for (const auto& [key, value] : *given) {
    by_key[key] = initializers::Zeros();
  }
  initializers::check_initializers(by_key, keys);
}

}  // namespace

void add_initializer_rows(ClassTable& table) {
  table.add(abstract<Initializer>("initializers.Initializer"));
  table.add(initializer<initializers::Zeros>("initializers.Zeros"));
  table.add(initializer<initializers::Ones>("initializers.Ones"));
  table.add(initializer<initializers::Constant>("initializers.Constant",
                                                R"({"value": 2.5})"));
  table.add(initializer<initializers::Identity>("initializers.Identity"));
  table.add(
      initializer<initializers::RandomUniform>("initializers.RandomUniform"));
  table.add(
      initializer<initializers::RandomNormal>("initializers.RandomNormal"));
  table.add(initializer<initializers::TruncatedNormal>(
      "initializers.TruncatedNormal"));
  table.add(initializer<initializers::VarianceScaling>(
      "initializers.VarianceScaling"));
  table.add(initializer<initializers::Orthogonal>("initializers.Orthogonal"));
  table.add(function(
      "check_initializers", "initializers, expected_keys",
      [](const Nest& initializers, const std::vector<std::string>& keys) {
        check_keys(initializers, keys);
        return Nest();
      }));

  table.add(abstract<Regularizer>("regularizers.Regularizer"));
  table.add(regularizer<regularizers::L1>("regularizers.L1"));
  table.add(regularizer<regularizers::L2>("regularizers.L2"));
  table.add(regularizer<regularizers::OffDiagonalOrthogonal>(
      "regularizers.OffDiagonalOrthogonal"));
}

}  // namespace snt::conformance
