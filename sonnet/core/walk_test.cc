#include "sonnet/core/walk.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "sonnet/core/activation.h"
#include "sonnet/core/layer.h"
#include "sonnet/layers/linear.h"
#include "sonnet/layers/sequential.h"
#include "sonnet/testing/message_of.h"

namespace snt {

namespace walk_test {
// Another library's class, which reflection cannot read.
class Connection {
 public:
  explicit Connection(int port) : port_(port) {}
  int port() const { return port_; }

 private:
  int port_;
};
}  // namespace walk_test

template <>
inline constexpr bool opaque<walk_test::Connection> = true;

namespace {

using Strings = std::vector<std::string>;

// Writes down all that a walk meets.
struct Recorder : Walker {
  void on_variable(Variable& variable) override {
    variables.push_back(path());
    names.push_back(name());
    ids.push_back(variable.id());
  }
  void on_constant(at::Tensor&) override { constants.push_back(path()); }
  void on_module(const ModuleRef& module) override {
    modules.push_back(module.path + ":" + module.class_name + ":" +
                      module.name);
  }
  Strings variables, names, constants, modules;
  std::vector<const void*> ids;
};
template <class T>
Recorder record(T& object) {
  Recorder recorder;
  snt::walk(object, recorder);
  EXPECT_EQ(recorder.path(), "");
  return recorder;
}

struct Leaf {
  int64_t size = 1;
  std::string name = {};

  Variable w = {};
};
struct Pair {
  Leaf first = {};
  Leaf second = {};
};

struct Containers {
  std::vector<Leaf> list = {Leaf(), Leaf()};
  std::array<Leaf, 2> array = {};
  std::tuple<int, Leaf> tuple = {};
  std::pair<Leaf, int> pair = {};
  std::map<std::string, Leaf> map = {{"b", Leaf()}, {"a", Leaf()}};
  std::map<int, Leaf> numbers = {{10, Leaf()}, {9, Leaf()}};
  std::unordered_map<std::string, Leaf> hashed = {{"k", Leaf()}};
  std::vector<std::vector<Variable>> nested = {{}, {Variable(), Variable()}};
};

TEST(Walk, ContainersAddAnIndexOrAKey) {
  Containers containers;
  EXPECT_EQ(
      record(containers).variables,
      (Strings{"list/0/w", "list/1/w", "array/0/w", "array/1/w", "tuple/1/w",
               "pair/0/w", "map/a/w", "map/b/w", "numbers/9/w", "numbers/10/w",
               "hashed/k/w", "nested/1/0", "nested/1/1"}));
}

struct Indirect {
  std::optional<Leaf> some = Leaf();
  std::optional<Leaf> none = {};
  std::unique_ptr<Leaf> unique = std::make_unique<Leaf>();
  std::unique_ptr<Leaf> null = {};
  std::shared_ptr<const Leaf> shared = std::make_shared<Leaf>();
  std::variant<int, Leaf> holds = Leaf();
  std::variant<Leaf, int> holds_not = 3;
  std::variant<std::monostate, Leaf> empty = {};
  std::shared_ptr<std::vector<Leaf>> list =
      std::make_shared<std::vector<Leaf>>(1);
};

TEST(Walk, PointersOptionalsAndVariantsAddNothing) {
  Indirect indirect;
  EXPECT_EQ(record(indirect).variables,
            (Strings{"some/w", "unique/w", "shared/w", "holds/w", "list/0/w"}));
}

struct PassedOver {
  int number = 1;
  const char* text = "a";
  std::string string = "b";
  std::string_view view = "c";
  std::nullptr_t null = nullptr;
  std::vector<bool> bits = {true};
  std::vector<int64_t> sizes = {1, 2};
  std::function<int()> function = [leaf = Leaf()] { return 1; };
  walk_test::Connection connection{80};
  walk_test::Connection* pointer = nullptr;
  Activation activation = {};
  Required<int64_t> required = 3;
  at::ScalarType dtype = at::kFloat;
};

TEST(Walk, PassesOverWhatHoldsNothing) {
  PassedOver nothing;
  const Recorder recorder = record(nothing);
  EXPECT_TRUE(recorder.variables.empty());
  EXPECT_TRUE(recorder.constants.empty());
  EXPECT_TRUE(recorder.modules.empty());
}

struct WithConstants {
  at::Tensor table = at::ones({2});
  std::vector<at::Tensor> more = {at::Tensor(), at::ones({1})};
  Variable w = {};
};

TEST(Walk, TensorFieldsAreConstants) {
  WithConstants object;
  const Recorder recorder = record(object);
  EXPECT_EQ(recorder.constants, (Strings{"table", "more/0", "more/1"}));
  EXPECT_EQ(recorder.variables, Strings{"w"});
}

TEST(Walk, AVariableOrAContainerMayBeTheRoot) {
  Variable variable;
  EXPECT_EQ(record(variable).variables, Strings{""});
  std::vector<Leaf> list(2);
  EXPECT_EQ(record(list).variables, (Strings{"0/w", "1/w"}));
}

TEST(Walk, AConstModuleGivesTheSameVariables) {
  Pair pair;
  const Pair& constant = pair;
  EXPECT_EQ(record(constant).ids, record(pair).ids);
}

// ------------------------------------------------------------ shared, cyclic

struct Tied {
  Leaf a = {};
  Leaf b = a;  // Copies share their variables.
  std::shared_ptr<Leaf> c = std::make_shared<Leaf>();
  std::shared_ptr<Leaf> d = c;
};

TEST(Walk, MeetsASharedVariableAtEveryPath) {
  Tied tied;
  const Recorder recorder = record(tied);
  EXPECT_EQ(recorder.variables, (Strings{"a/w", "b/w", "c/w", "d/w"}));
  EXPECT_EQ(recorder.ids[0], recorder.ids[1]);
  EXPECT_EQ(recorder.ids[2], recorder.ids[3]);
  EXPECT_NE(recorder.ids[0], recorder.ids[2]);
}

struct Node {
  std::shared_ptr<Node> next = {};
  Variable w = {};
};

TEST(Walk, EndsInACycle) {
  const auto node = std::make_shared<Node>();
  node->next = std::make_shared<Node>();
  node->next->next = node;
  EXPECT_EQ(record(*node->next).variables,
            (Strings{"next/next/w", "next/w", "w"}));
  const std::shared_ptr<Node> root = node;
  EXPECT_EQ(record(root).variables, (Strings{"next/w", "w"}));
  node->next->next = nullptr;
}

// ------------------------------------------- types that reflection cannot read

class Whitening {
 public:
  explicit Whitening(int64_t size) : size_(size) {}
  template <class F>
  void visit_fields(F&& f) {
    f("inner", inner_);
    f("scale", scale_);
  }
  int64_t size() const { return size_; }

 private:
  int64_t size_;
  Leaf inner_;
  Variable scale_;
};

struct Encoder {
  virtual ~Encoder() = default;
  virtual void walk_(Walker& walker) = 0;
};
struct LeafEncoder : Encoder {
  Leaf leaf;
  void walk_(Walker& walker) override {
    const Walker::Field here(walker, "leaf");
    snt::walk(leaf, walker);
  }
};

struct Hiding {
  Whitening whitening{3};
  std::unique_ptr<Encoder> encoder = std::make_unique<LeafEncoder>();
};

TEST(Walk, AsksTypesThatHideTheirInside) {
  Hiding hiding;
  const Recorder recorder = record(hiding);
  EXPECT_EQ(recorder.variables, (Strings{"whitening/inner/w", "whitening/scale",
                                         "encoder/leaf/w"}));
  EXPECT_EQ(recorder.modules,
            (Strings{":Hiding:hiding", "whitening:Whitening:hiding/whitening",
                     "whitening/inner:Leaf:hiding/whitening/inner",
                     "encoder/leaf:Leaf:hiding/encoder/leaf"}));
}

TEST(Walk, ReachesBehindLayers) {
  Sequential net{{activations::relu, Linear{3}, Sequential{{Linear{2}}},
                  [](const at::Tensor& x) { return x; }}};
  EXPECT_EQ(record(net).variables,
            (Strings{"layers/1/w", "layers/1/b", "layers/2/layers/0/w",
                     "layers/2/layers/0/b"}));
}

// ------------------------------------------------------------ modules, names

struct Options {  // Neither called nor holding variables: no module.
  int64_t value = 1;
};
struct Called {
  at::Tensor operator()(const at::Tensor& x) const { return x; }
};
struct Block {
  Options options = {};
  std::string name = {};

  Called called = {};
  std::vector<Leaf> leaves = {Leaf{.name = "left"}, Leaf()};
  Variable scale = {};
};
struct Net {
  Block plain = {};
  Block given = {.name = "encoder"};
};

TEST(Walk, AnnouncesModulesBeforeWhatTheyHold) {
  Net net;
  const Recorder recorder = record(net);
  EXPECT_EQ(recorder.modules,
            (Strings{":Net:net", "plain:Block:net/plain",
                     "plain/called:Called:net/plain/called",
                     "plain/leaves/0:Leaf:net/plain/left",
                     "plain/leaves/1:Leaf:net/plain/leaves/1",
                     "given:Block:net/encoder",
                     "given/called:Called:net/encoder/called",
                     "given/leaves/0:Leaf:net/encoder/left",
                     "given/leaves/1:Leaf:net/encoder/leaves/1"}));
}

// Checkpoints see paths, people see names.
TEST(Walk, AGivenNameReplacesTheNameAndNotThePath) {
  Net net;
  const Recorder recorder = record(net);
  EXPECT_EQ(recorder.variables,
            (Strings{"plain/leaves/0/w", "plain/leaves/1/w", "plain/scale",
                     "given/leaves/0/w", "given/leaves/1/w", "given/scale"}));
  EXPECT_EQ(recorder.names,
            (Strings{"net/plain/left/w", "net/plain/leaves/1/w",
                     "net/plain/scale", "net/encoder/left/w",
                     "net/encoder/leaves/1/w", "net/encoder/scale"}));
}

TEST(Walk, TheRootIsNamedByItsClassUnlessGiven) {
  Leaf leaf;
  EXPECT_EQ(record(leaf).names, Strings{"leaf/w"});
  Leaf named{.name = "mine"};
  EXPECT_EQ(record(named).names, Strings{"mine/w"});
}

TEST(Walk, ANameMustBeAnIdentifier) {
  Net net{.given = {.name = "a/b"}};
  EXPECT_STREQ(message_of([&] { record(net); }).c_str(),
               "[Block] 'a/b' is not a valid module name. Module names must be "
               "valid Python identifiers (e.g. a valid class name).");
}

TEST(Walk, AnAliasReplacesTheLastComponent) {
  struct Aliased {
    Leaf leaf = {};
    void walk_(Walker& walker) {
      const Walker::Field here(walker, "target");
      const Walker::Alias alias(walker, "decoder");
      snt::walk(leaf, walker);
    }
  };
  struct Outer {
    Aliased inner = {};
    Variable after = {};
  } outer;
  const Recorder recorder = record(outer);
  EXPECT_EQ(recorder.variables, (Strings{"inner/target/w", "after"}));
  EXPECT_EQ(recorder.names, (Strings{"outer/inner/decoder/w", "outer/after"}));
}

TEST(ModuleRef, GivesTheModuleItself) {
  struct Checker : Walker {
    void on_module(const ModuleRef& module) override {
      if (auto* linear = module.get_if<Linear>()) {
        found = linear;
        module.check(module.address);
      } else {
        EXPECT_EQ(module.get_if<Leaf>() != nullptr, module.path == "leaf");
        EXPECT_EQ(module.check, nullptr);
      }
    }
    Linear* found = nullptr;
  } checker;
  struct Holder {
    Leaf leaf = {};
    Linear linear{3};
  } holder;
  snt::walk(holder, checker);
  EXPECT_EQ(checker.found, &holder.linear);
  holder.linear.output_size = -1;
  EXPECT_STREQ(message_of([&] { snt::walk(holder, checker); }).c_str(),
               "[Linear] output_size must be >= 0, got -1");
}

// The names of spec/sonnet.md, B-02: golden checkpoints depend on them.
TEST(SnakeCase, IsSonnetsRule) {
  const std::vector<std::pair<const char*, const char*>> names = {
      {"", ""},
      {"A", "a"},
      {"ABC", "abc"},
      {"aB", "a_b"},
      {"Linear", "linear"},
      {"Conv1D", "conv1_d"},
      {"Conv2DTranspose", "conv2_d_transpose"},
      {"DepthwiseConv2D", "depthwise_conv2_d"},
      {"CrossReplicaBatchNorm", "cross_replica_batch_norm"},
      {"VanillaRNN", "vanilla_rnn"},
      {"DeepRNN", "deep_rnn"},
      {"LSTM", "lstm"},
      {"UnrolledLSTM", "unrolled_lstm"},
      {"Conv1DLSTM", "conv1_dlstm"},
      {"TrainableState", "trainable_state"},
      {"ExponentialMovingAverage", "exponential_moving_average"},
      {"SGD", "sgd"},
      {"RMSProp", "rms_prop"},
      {"MLP", "mlp"},
      {"Cifar10ConvNet", "cifar10_conv_net"},
      {"ResNet50", "res_net50"},
      {"BottleNeckBlockV2", "bottle_neck_block_v2"},
      {"VectorQuantizerEMA", "vector_quantizer_ema"},
      {"ParallelLinears", "parallel_linears"}};
  for (const auto& [name, snake] : names) EXPECT_EQ(snake_case(name), snake);
}

}  // namespace
}  // namespace snt
