#include "sonnet/optimizers/optimizer.h"

namespace snt {

void Optimizer::apply(const std::vector<at::Tensor>& updates,
                      const std::vector<Variable>& parameters) const {
  held_->apply(updates, parameters);
}

void Optimizer::initialize(const std::vector<Variable>& parameters) const {
  held_->initialize(parameters);
}

}  // namespace snt
