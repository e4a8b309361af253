// File: optimizers/rules_test.h
// All rules of updates, for tests that go over them.

#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "sonnet/optimizers/adam.h"
#include "sonnet/optimizers/momentum.h"
#include "sonnet/optimizers/optimizer.h"
#include "sonnet/optimizers/rmsprop.h"
#include "sonnet/optimizers/sgd.h"

namespace snt::optimizers {

struct Rule {
  const char* name;
  std::function<Optimizer()> make;
};

inline std::vector<Rule> rules() {
  return {Rule{"SGD", [] { return SGD{.learning_rate = 0.25}; }},
          Rule{"Momentum",
               [] { return Momentum{.learning_rate = 0.25, .momentum = 0.5}; }},
          Rule{"Nesterov",
               [] {
                 return Momentum{.learning_rate = 0.25,
                                 .momentum = 0.5,
                                 .use_nesterov = true};
               }},
          Rule{"RMSProp", [] { return RMSProp{.learning_rate = 0.25}; }},
          Rule{"CenteredRMSProp",
               [] {
                 return RMSProp{.learning_rate = 0.25,
                                .momentum = 0.5,
                                .epsilon = 0.1,
                                .centered = true};
               }},
          Rule{"Adam", [] { return Adam{.learning_rate = 0.25}; }}};
}

// For INSTANTIATE_TEST_SUITE_P.
inline std::string name_of(const testing::TestParamInfo<Rule>& info) {
  return info.param.name;
}

}  // namespace snt::optimizers
