#include "sonnet/io/checkpoint.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "sonnet/core/build.h"
#include "sonnet/core/clone.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/state.h"
#include "sonnet/core/variables.h"
#include "sonnet/io/safetensors.h"
#include "sonnet/layers/bias.h"
#include "sonnet/layers/linear.h"
#include "sonnet/metrics/exponential_moving_average.h"
#include "sonnet/nets/mlp.h"
#include "sonnet/optimizers/sgd.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::checkpoint_test {
namespace {

namespace fs = std::filesystem;

// Trained, kept, shared, int64 and renamed variables.
struct Net {
  nets::MLP body{.output_sizes = {4, 3}, .name = "renamed"};
  Linear logits{2};
  Linear tied = logits;
  ExponentialMovingAverage average{0.5};

  at::Tensor operator()(const at::Tensor& x) const {
    const at::Tensor y = logits(body(x));
    average.update(y.mean());
    return y;
  }
};

struct Pair {
  Linear first{2};
  Linear second{3};

  at::Tensor operator()(const at::Tensor& x) const { return second(first(x)); }
};

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::map<std::string, at::Tensor> snapshot(const auto& module) {
  std::map<std::string, at::Tensor> result;
  for (const NamedVariable& entry : named_variables(module)) {
    result.emplace(entry.path, entry.variable.value().detach().clone());
  }
  return result;
}

void expect_same(const std::map<std::string, at::Tensor>& a,
                 const std::map<std::string, at::Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [path, value] : a) {
    ASSERT_TRUE(b.contains(path)) << path;
    EXPECT_EQ(value.scalar_type(), b.at(path).scalar_type()) << path;
    EXPECT_TRUE(at::equal(value, b.at(path))) << path;
  }
}

// Each test has a folder of its own.
class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        fs::temp_directory_path() /
        ("snt_checkpoint_" + std::to_string(::getpid()) + "_" + info->name());
    fs::create_directories(folder_);
    path_ = (folder_ / "model.safetensors").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_;
  std::string path_;
};

TEST_F(CheckpointTest, RoundTrip) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const Net net;
    const at::Tensor x = uneven({2, 5}, dtype);
    net(x);
    save(path_, net);

    const Net other;
    other(x);
    const void* tensor = other.logits.w.value().unsafeGetTensorImpl();
    const LoadReport report = load(path_, other);
    EXPECT_TRUE(report.complete());
    EXPECT_EQ(report.loaded.size(), 9);
    expect_same(snapshot(other), snapshot(net));
    EXPECT_TRUE(at::equal(other.body(x), net.body(x)));
    // In place: optimizers and graphs keep what they hold.
    EXPECT_EQ(other.logits.w.value().unsafeGetTensorImpl(), tensor);
    EXPECT_TRUE(other.logits.w.value().requires_grad());
  }
}

TEST_F(CheckpointTest, KeysAreFieldPathsAndSharedOnesAreThereOnce) {
  const Net net;
  net(at::ones({2, 5}));
  save(path_, net);
  std::string keys;
  for (const auto& [key, value] : read_safetensors(path_)) {
    keys += key + " ";
    EXPECT_FALSE(value.requires_grad());
  }
  EXPECT_EQ(keys,
            "average/average average/counter average/hidden body/layers/0/b "
            "body/layers/0/w body/layers/1/b body/layers/1/w logits/b "
            "logits/w ");
}

TEST_F(CheckpointTest, RestoreOnCreate) {
  const Net net;
  const at::Tensor x = uneven({2, 5});
  net(x);
  save(path_, net);

  const Net other;
  EXPECT_TRUE(load(path_, other).complete());
  EXPECT_FALSE(other.logits.w.is_built());
  build(other, x);
  expect_same(snapshot(other), snapshot(net));
  EXPECT_EQ(other.logits.w, other.tied.w);
  EXPECT_TRUE(other.body.layers[0].w.value().requires_grad());
  EXPECT_FALSE(other.average.hidden.value().requires_grad());
}

// A value that waits is checked by the call that needs it.
TEST_F(CheckpointTest, RestoreOnCreateChecksTheShape) {
  const Linear linear{3};
  linear(at::ones({2, 4}));
  save(path_, linear);
  const Linear other{3};
  load(path_, other);
  EXPECT_STREQ(message_of([&] {
                 other(at::ones({2, 5}));
               }).c_str(),
               "[Variable w] the value that was loaded has shape [4, 3], but "
               "this call needs [5, 3]");
  EXPECT_FALSE(other.w.is_built());
  EXPECT_TRUE(at::equal(other(at::ones({2, 4})), linear(at::ones({2, 4}))));
}

TEST_F(CheckpointTest, StrictReportsEverythingAndChangesNothing) {
  const Pair pair;
  pair(at::ones({2, 4}));
  const at::Tensor w = pair.first.w.value();
  write_safetensors(path_, {{"first/w", at::zeros({4, 2})},
                            {"first/b", at::zeros({5})},
                            {"second/w", at::zeros({2, 3}, at::kDouble)},
                            {"third", at::zeros({1})}});
  const auto before = snapshot(pair);
  EXPECT_STREQ(
      message_of([&] { load(path_, pair); }).c_str(),
      "[Pair] cannot load: missing: second/b; unexpected: third; mismatched: "
      "first/b: has [2] float32, got [5] float32, second/w: has [2, 3] "
      "float32, got [2, 3] float64");
  expect_same(snapshot(pair), before);

  const LoadReport report = load(path_, pair, {.strict = false});
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(report.loaded, std::vector<std::string>{"first/w"});
  EXPECT_EQ(report.missing, std::vector<std::string>{"second/b"});
  EXPECT_EQ(report.unexpected, std::vector<std::string>{"third"});
  EXPECT_EQ(report.mismatched.size(), 2);
  EXPECT_TRUE(at::equal(w, at::zeros({4, 2})));
  EXPECT_TRUE(at::equal(pair.second.w.value(), before.at("second/w")));
}

TEST_F(CheckpointTest, ADamagedFileChangesNothing) {
  const Pair pair;
  const at::Tensor x = uneven({2, 4});
  pair(x);
  save(path_, pair);
  const std::string good = bytes_of(path_);
  for (const Variable& variable : variables(pair)) {
    variable.assign(at::ones(variable.shape(), at::kDouble));
  }
  const auto before = snapshot(pair);
  // Cut anywhere, and with a size that the file does not have.
  std::vector<std::string> damaged;
  for (size_t size : {size_t{0}, size_t{7}, size_t{8}, size_t{60},
                      good.size() / 2, good.size() - 1}) {
    damaged.push_back(good.substr(0, size));
  }
  damaged.push_back("\xff\xff\xff\xff\xff\xff\xff\x7f" + good.substr(8));
  for (const std::string& bytes : damaged) {
    std::ofstream(path_, std::ios::binary) << bytes;
    for (bool strict : {true, false}) {
      EXPECT_THROW(load(path_, pair, {.strict = strict}), ValueError);
    }
    expect_same(snapshot(pair), before);
  }
  EXPECT_THROW(load((folder_ / "none").string(), pair), ValueError);
  expect_same(snapshot(pair), before);
}

TEST_F(CheckpointTest, LoadingIsIdempotentAndSavingAgainGivesTheSameFile) {
  const Net net;
  net(uneven({2, 5}));
  save(path_, net);
  const std::string first = bytes_of(path_);
  load(path_.c_str(), net);  // A char pointer is a path too.
  load(path_, net);
  save(path_, net);
  EXPECT_EQ(bytes_of(path_), first);
}

// Values of any strides are written as they read.
TEST_F(CheckpointTest, AnyStrides) {
  const Linear linear{3};
  linear(at::ones({2, 4}));
  linear.w.assign(uneven({3, 4}, at::kFloat).t());
  save(path_, linear);
  EXPECT_TRUE(at::equal(read_safetensors(path_).at("w"),
                        uneven({3, 4}, at::kFloat).t()));
}

TEST_F(CheckpointTest, TrainingGoesOnAfterALoad) {
  const Linear linear{1};
  const at::Tensor x = uneven({2, 4}, at::kFloat);
  const at::Tensor y = linear(x);
  save(path_, linear);
  load(path_, linear);
  // Assigning between forward and backward is an error of autograd.
  linear(x).sum().backward();
  EXPECT_TRUE(linear.w.value().grad().defined());
}

TEST_F(CheckpointTest, FrozenOnesAreSavedToo) {
  const Linear linear{1};
  linear(at::ones({2, 4}));
  freeze(linear);
  save(path_, linear);
  EXPECT_EQ(read_safetensors(path_).size(), 2);
}

TEST_F(CheckpointTest, ModulesWithoutVariables) {
  const optimizers::SGD sgd{0.1};  // It says that it may have none.
  save(path_, sgd);
  EXPECT_TRUE(read_safetensors(path_).empty());
  EXPECT_TRUE(load(path_, sgd).complete());
}

TEST_F(CheckpointTest, Errors) {
  const Linear linear{3};
  EXPECT_EQ(
      message_of([&] { save(path_, linear); }).substr(0, 65),
      "Linear(output_size=3) does not currently contain any variables.\n\n");
  EXPECT_FALSE(fs::exists(path_));
  linear(at::ones({2, 4}));
  EXPECT_THROW(save((folder_ / "no" / "folder").string(), linear), ValueError);
}

}  // namespace
}  // namespace snt::checkpoint_test
