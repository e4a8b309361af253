#include "sonnet/core/build.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <string>
#include <unordered_set>

#include "sonnet/core/errors.h"
#include "sonnet/core/random.h"

namespace snt::detail {

struct BuildScope::State : ReadHook {
  const at::Tensor& read(const Variable& variable,
                         const at::Tensor& value) override {
    if (seen.insert(variable.id()).second) used.push_back(variable);
    return outer != nullptr ? outer->read(variable, value) : value;
  }
  bool assign(const Variable&, const at::Tensor&) override { return true; }

  at::NoGradGuard no_grad;
  random::KeepState keep_random;
  ReadHook* outer = read_hook;
  std::unordered_set<const void*> seen;
  std::vector<Variable> used;
};

BuildScope::BuildScope() : state_(new State()) { read_hook = state_; }

BuildScope::~BuildScope() {
  read_hook = state_->outer;
  delete state_;
}

const std::vector<Variable>& BuildScope::used() const { return state_->used; }

at::Tensor example(const Shape& shape, const BuildOptions& options) {
  std::vector<int64_t> sizes = shape.sizes;
  for (int64_t& size : sizes) {
    check(size >= -1, "build", "a size must be >= 0, or -1 if unknown, got ",
          size);
    if (size == -1) size = 1;
  }
  return at::zeros(
      sizes,
      at::TensorOptions(shape.dtype).device(options.device.value_or(at::kCPU)));
}

at::Tensor example(const at::Tensor& tensor, const BuildOptions& options) {
  return options.device ? tensor.to(*options.device) : tensor;
}

void check_all(const std::function<void(Walker&)>& walk) {
  struct Checker : Walker {
    void on_module(const ModuleRef& module) override {
      if (module.check != nullptr) module.check(module.address);
    }
  } checker;
  walk(checker);
}

void check_hidden(const std::vector<Variable>& used,
                  const std::vector<Found>& found, std::string_view who) {
  std::unordered_set<const void*> known;
  for (const Found& entry : found) known.insert(entry.variable.id());
  std::string hidden;
  for (const Variable& variable : used) {
    if (known.contains(variable.id())) continue;
    hidden += (hidden.empty() ? "" : ", ") + format(variable.shape());
  }
  check(hidden.empty(), who,
        "the call used variables that no field holds, of shapes ", hidden,
        ": a module captured by a lambda or made inside the call is neither "
        "trained nor saved; make it a field");
}

}  // namespace snt::detail
