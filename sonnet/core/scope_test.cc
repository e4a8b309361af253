#include "sonnet/core/scope.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "sonnet/core/build.h"
#include "sonnet/layers/linear.h"
#include "sonnet/nets/mlp.h"

namespace snt::scope_test {
namespace {

using at::Tensor;

// The ranges of this thread, as a profiler sees them: "+name" and "-name".
thread_local std::vector<std::string>* events = nullptr;

class Listener {
 public:
  Listener() {
    events = &seen_;
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback(
            [](const at::RecordFunction& range)
                -> std::unique_ptr<at::ObserverContext> {
              events->push_back(std::string("+") + range.name());
              return nullptr;
            },
            [](const at::RecordFunction& range, at::ObserverContext*) {
              events->push_back(std::string("-") + range.name());
            })
            .scopes({at::RecordScope::USER_SCOPE}));
  }
  ~Listener() {
    at::removeCallback(handle_);
    events = nullptr;
  }
  const std::vector<std::string>& seen() const { return seen_; }

 private:
  std::vector<std::string> seen_;
  at::CallbackHandle handle_;
};

using Events = std::vector<std::string>;

TEST(NameScope, CostsNothingWhenNobodyListens) {
  const name_scope scope("before");
  const Listener listener;
  const name_scope inside("inside");
  EXPECT_EQ(listener.seen(), (Events{"+inside"}));
}

TEST(NameScope, OpensAndClosesARange) {
  const Listener listener;
  {
    const name_scope outer("outer");
    { const name_scope inner(std::string("in") + "ner"); }
    { const name_scope empty(""); }
  }
  EXPECT_EQ(listener.seen(),
            (Events{"+outer", "+inner", "-inner", "+", "-", "-outer"}));
}

TEST(NameScope, ClosesOnErrors) {
  const Listener listener;
  try {
    const name_scope scope("fails");
    throw std::runtime_error("on purpose");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(listener.seen(), (Events{"+fails", "-fails"}));
}

TEST(NameScope, OfAModuleIsItsTypeUntilItIsWalked) {
  struct Net {
    std::vector<Linear> layers = {Linear{3}, Linear{.output_size = 2}};
    Tensor operator()(const Tensor& x) const { return layers[1](layers[0](x)); }
  };
  const Net net;
  const Listener listener;
  net(at::ones({1, 4}));
  build(net, Shape{1, 4});
  net(at::ones({1, 4}));
  Events expected;
  for (const std::string first : {"Linear", "Linear", "Linear layers/0"}) {
    const std::string second = first == "Linear" ? first : "Linear layers/1";
    for (const auto& name : {"+" + first, "-" + first})
      expected.push_back(name);
    for (const auto& name : {"+" + second, "-" + second}) {
      expected.push_back(name);
    }
  }
  EXPECT_EQ(listener.seen(), expected);

  const Linear alone{3};
  build(alone, Shape{1, 4});
  alone(at::ones({1, 4}));
  EXPECT_EQ(listener.seen().back(), "-Linear");
}

TEST(NameScope, ClosesWhenAModuleRefusesItsInput) {
  const nets::MLP mlp{.output_sizes = {3, 2}};
  build(mlp, Shape{1, 4});
  const Listener listener;
  EXPECT_ANY_THROW(mlp(at::ones({1, 4}, at::kDouble)));
  Events open;
  for (const std::string& event : listener.seen()) {
    if (event[0] == '+') {
      open.push_back(event.substr(1));
    } else {
      ASSERT_FALSE(open.empty());
      EXPECT_EQ(open.back(), event.substr(1));
      open.pop_back();
    }
  }
  EXPECT_TRUE(open.empty());
}

TEST(NameScopeThread, RangesOfOtherThreadsAreTheirOwn) {
  const Listener listener;
  const name_scope scope("here");
  std::thread([] {
    const Listener other;
    { const name_scope there("there"); }
    EXPECT_EQ(other.seen(), (Events{"+there", "-there"}));
  }).join();
  EXPECT_EQ(listener.seen(), (Events{"+here"}));
}

TEST(NoNameScope, GivesTheFunction) {
  EXPECT_EQ(no_name_scope([](int x) { return x + 1; })(2), 3);
}

}  // namespace
}  // namespace snt::scope_test
