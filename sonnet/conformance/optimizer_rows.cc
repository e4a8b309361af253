#include "sonnet/conformance/class_table.h"
#include "sonnet/optimizers/adam.h"
#include "sonnet/optimizers/momentum.h"
#include "sonnet/optimizers/optimizer.h"
#include "sonnet/optimizers/rmsprop.h"
#include "sonnet/optimizers/sgd.h"

namespace snt::conformance {

void add_optimizer_rows(ClassTable& table) {
  table.add(optimizer<optimizers::SGD>("optimizers.SGD")
                .example(R"({"learning_rate": 0.1})"));
  table.add(optimizer<optimizers::Momentum>("optimizers.Momentum")
                .example(R"({"learning_rate": 0.1, "momentum": 0.9})"));
  table.add(optimizer<optimizers::RMSProp>("optimizers.RMSProp")
                .example(R"({"learning_rate": 0.1})"));
  table.add(optimizer<optimizers::Adam>("optimizers.Adam").example("{}"));
  table.add(abstract<Optimizer>("Optimizer"));
}

}  // namespace snt::conformance
