// What holds for every class of the library: one test a property, run over each
// row of the class table that has an example.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <thread>

#include "sonnet/conformance/class_table.h"
#include "sonnet/core/random.h"
#include "sonnet/core/state.h"
#include "sonnet/core/tree.h"
#include "sonnet/io/safetensors.h"

namespace snt::conformance::conformance_test {
namespace {

constexpr int kThreads = 8;

std::vector<std::string> rows_with_example() {
  std::vector<std::string> names;
  for (const auto& [name, row] : class_table().classes()) {
    if (!row.example_config.empty()) names.push_back(name);
  }
  return names;
}

class Conformance : public testing::TestWithParam<std::string> {
 protected:
  const ClassRow& row() const { return *class_table().find_class(GetParam()); }
  // The example. Where it says `"dtype": "float32"`, `dtype` stands instead.
  Subject make(at::ScalarType dtype = at::kFloat) const {
    static const std::regex usual(R"("dtype": "float32")");
    const std::string json = std::regex_replace(
        row().example_config, usual, R"("dtype": ")" + dtype_name(dtype) + '"');
    return row().make(parse_json(json), {});
  }
  bool can_be_called() const { return row().example_args != nullptr; }
  // A vector quantizer jumps where another vector becomes the nearest, and lets
  // gradients pass as if it did not.
  bool is_smooth() const {
    return row().name.find("VectorQuantizer") == std::string::npos;
  }
  std::vector<Nest> args(at::ScalarType dtype = at::kFloat) const {
    at::manual_seed(7);
    return row().example_args(dtype);
  }
  // A Deferred has no variables before its first use.
  void show_variables(const Subject& fresh, const Subject& built,
                      const std::vector<Nest>& args) const {
    if (fresh.find_variables().size() != built.find_variables().size()) {
      call(fresh, args);
    }
  }
  Nest call(const Subject& subject, const std::vector<Nest>& args) const {
    return subject.call(args);
  }
};

std::vector<at::Tensor> tensors(const Nest& nest) {
  return tree::flatten(nest);
}

std::vector<at::Tensor> values(const Subject& subject) {
  std::vector<at::Tensor> result;
  for (const auto& found : subject.find_variables()) {
    if (found.variable.is_built()) result.push_back(found.variable.value());
  }
  return result;
}

std::vector<at::Tensor> copies(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> result;
  for (const at::Tensor& t : tensors) result.push_back(t.detach().clone());
  return result;
}

bool equal(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].scalar_type() != b[i].scalar_type() || !at::equal(a[i], b[i])) {
      return false;
    }
  }
  return true;
}

// sum(outputs * cotangents), with fixed cotangents.
at::Tensor loss_of(const Nest& output) {
  at::Tensor loss = at::zeros({}, at::kDouble);
  double phase = 0.3;
  for (const at::Tensor& y : tensors(output)) {
    if (!y.is_floating_point()) continue;
    const at::Tensor cotangent =
        at::cos(at::arange(y.numel(), at::kDouble) * 1.7 + phase);
    loss = loss + (y.to(at::kDouble).flatten() * cotangent).sum();
    phase += 0.4;
  }
  return loss;
}

TEST_P(Conformance, GradientsAgreeWithFiniteDifferences) {
  if (!can_be_called() || !is_smooth()) return;
  const Subject subject = make(at::kDouble);
  std::vector<Nest> inputs = args(at::kDouble);
  call(subject, inputs);
  const std::vector<at::Tensor> before = copies(values(subject));
  call(subject, inputs);
  const bool stateful = !equal(before, copies(values(subject)));

  std::vector<at::Tensor> sources;
  for (Nest& input : inputs) {
    for (const at::Tensor& x : tensors(input)) {
      if (x.is_floating_point()) {
        sources.push_back(x.set_requires_grad(true));
      }
    }
  }
  for (const at::Tensor& v : values(subject)) {
    if (v.requires_grad() && v.scalar_type() == at::kDouble) {
      sources.push_back(v);
    }
  }
  const at::Tensor loss = loss_of(call(subject, inputs));
  if (stateful || sources.empty()) {  // Metrics: nothing flows through state.
    EXPECT_FALSE(loss.requires_grad() && stateful);
    return;
  }
  ASSERT_TRUE(loss.requires_grad());
  const auto gradients =
      torch::autograd::grad({loss}, sources, {}, {}, false, true);
  const at::NoGradGuard no_grad;
  for (size_t s = 0; s < sources.size(); ++s) {
    const at::Tensor flat = sources[s].detach().flatten();  // Shares storage.
    at::Tensor gradient = gradients[s].defined()
                              ? gradients[s].to_dense().flatten()
                              : at::zeros_like(flat);
    const int64_t step = std::max<int64_t>(flat.numel() / 12, 1);
    for (int64_t i = 0; i < flat.numel(); i += step) {
      const double eps = 1e-5;
      const double x = flat[i].item<double>();
      flat[i].fill_(x + eps);
      const double above = loss_of(call(subject, inputs)).item<double>();
      flat[i].fill_(x - eps);
      const double below = loss_of(call(subject, inputs)).item<double>();
      flat[i].fill_(x);
      const double numeric = (above - below) / (2 * eps);
      EXPECT_NEAR(gradient[i].item<double>(), numeric,
                  1e-6 * std::max(1.0, std::abs(numeric)))
          << "source " << s << ", entry " << i;
    }
  }
}

TEST_P(Conformance, EveryFloatingDtype) {
  if (!can_be_called() || !is_smooth()) return;
  const Subject exact = make(at::kDouble);
  const std::vector<at::Tensor> wanted =
      tensors(call(exact, args(at::kDouble)));
  for (const auto& [dtype, tolerance] :
       std::vector<std::pair<at::ScalarType, double>>{
           {at::kFloat, 1e-5}, {at::kHalf, 1e-2}, {at::kBFloat16, 5e-2}}) {
    const bool half = dtype != at::kFloat;
    if (half && !row().example_takes_half) continue;
    const Subject subject = make(dtype);
    call(subject, args(dtype));  // Creates the variables in this dtype.
    const Subject reference = exact.clone();
    // The same values, from a fresh start, so that state is the same too.
    const Subject other = make(dtype);
    show_variables(other, subject, args(dtype));
    for (const auto& found : reference.find_variables()) {
      if (!found.variable.is_built() || !found.variable.declared_trainable()) {
        continue;
      }
      for (const auto& mine : other.find_variables()) {
        if (mine.path == found.path) {
          const at::Tensor& value = found.variable.value();
          const bool follows_input = value.scalar_type() == at::kDouble;
          mine.variable.restore(follows_input ? value.to(dtype) : value);
        }
      }
    }
    const std::vector<at::Tensor> got = tensors(call(other, args(dtype)));
    ASSERT_EQ(got.size(), wanted.size());
    for (size_t i = 0; i < got.size(); ++i) {
      if (!wanted[i].is_floating_point()) continue;
      const double size = std::max(
          1.0,
          wanted[i].numel() > 0 ? wanted[i].abs().max().item<double>() : 0.0);
      EXPECT_TRUE(at::allclose(got[i].to(at::kDouble),
                               wanted[i].to(at::kDouble), 0, tolerance * size))
          << dtype_name(dtype) << "\n"
          << got[i] << "\n"
          << wanted[i];
    }
  }
}

TEST_P(Conformance, CopiesShareAndClonesDoNot) {
  if (!can_be_called()) return;
  const Subject subject = make();
  call(subject, args());
  const Subject clone = subject.clone();
  const auto mine = subject.find_variables();
  const auto cloned = clone.find_variables();
  ASSERT_EQ(mine.size(), cloned.size());
  std::vector<at::Tensor> before = copies(values(subject));
  EXPECT_TRUE(equal(before, copies(values(clone))));
  for (size_t i = 0; i < mine.size(); ++i) {
    EXPECT_EQ(mine[i].path, cloned[i].path);
    EXPECT_FALSE(mine[i].variable == cloned[i].variable) << mine[i].path;
    EXPECT_EQ(mine[i].variable.trainable(), cloned[i].variable.trainable());
  }
  EXPECT_TRUE(equal(copies(tensors(call(subject.clone(), args()))),
                    copies(tensors(call(clone, args())))));  // Outputs agree.
  for (const auto& found : subject.find_variables()) {
    if (found.variable.is_built()) {
      found.variable.assign(found.variable.value() + 1);
    }
  }
  EXPECT_TRUE(before.empty() || !equal(before, copies(values(subject))));
}

TEST_P(Conformance, JsonGivesTheSameModuleBack) {
  const Subject subject = make();
  const std::string json = to_json(subject.config());
  const Config parsed = parse_json(json);
  const Config* options = parsed.find("config");
  ASSERT_NE(options, nullptr) << json;
  const Subject again = row().make(*options, {});
  EXPECT_EQ(again.repr(), subject.repr());
  EXPECT_EQ(to_json(again.config()), json);
}

TEST_P(Conformance, ReprNamesTheClass) {
  const std::string repr = make().repr();
  const std::string name = row().name.substr(row().name.rfind('.') + 1);
  const bool orthogonal = name == "OffDiagonalOrthogonal";  // Sonnet's quirk.
  EXPECT_TRUE(repr.starts_with((orthogonal ? "Orthogonal" : name) + "("))
      << repr;
  EXPECT_EQ(repr.back(), ')');
}

TEST_P(Conformance, UnknownOptionsAreNamed) {
  Config::Map options = *parse_json(row().example_config).get_if<Config::Map>();
  options.emplace_back("misspelt", Config{true});
  try {
    row().make(Config{options}, {});
    FAIL() << "accepted an unknown option";
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("'misspelt'; known: "),
              std::string::npos)
        << error.what();
  }
}

TEST_P(Conformance, SaveAndLoadRestoreOnCreate) {
  if (!can_be_called()) return;
  const Subject subject = make();
  call(subject, args());
  StateMap state;
  for (const auto& found : subject.find_variables()) {
    if (found.variable.is_built() && found.first_path.empty()) {
      state.emplace(found.path, found.variable.value().detach());
    }
  }
  const std::string file =
      (std::filesystem::temp_directory_path() /
       ("conformance_" + std::to_string(getpid()) + ".safetensors"))
          .string();
  write_safetensors(file, state);
  const StateMap read = read_safetensors(file);
  std::filesystem::remove(file);

  const Subject fresh = make();
  show_variables(fresh, subject, args());
  const LoadReport report =
      snt::detail::load_into(fresh.find_variables(), read, {}, "conformance");
  EXPECT_EQ(report.loaded.size(), state.size());
  const Subject original = subject.clone();
  EXPECT_TRUE(equal(copies(tensors(call(fresh, args()))),
                    copies(tensors(call(original, args())))));
  EXPECT_TRUE(equal(copies(values(fresh)), copies(values(original))));
}

TEST_P(Conformance, ThreadsMayCallABuiltModule) {
  if (!can_be_called()) return;
  const Subject subject = make();
  const std::vector<Nest> inputs = args();
  call(subject, inputs);
  const std::vector<at::Tensor> before = copies(values(subject));
  const std::vector<at::Tensor> wanted = copies(tensors(call(subject, inputs)));
  if (!equal(before, copies(values(subject)))) return;  // It moves its state.
  std::vector<std::vector<at::Tensor>> got(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const at::NoGradGuard no_grad;
      got[i] = copies(tensors(call(subject, inputs)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const bool random = row().name.starts_with("initializers.");
  for (const auto& outputs : got) {
    EXPECT_TRUE(random || equal(outputs, wanted));
  }
}

TEST_P(Conformance, ThreadsMayMakeTheFirstCall) {
  if (!can_be_called()) return;
  const std::vector<Nest> inputs = args();
  seed(11);
  const Subject alone = make();
  call(alone, inputs);
  const std::vector<at::Tensor> before = copies(values(alone));
  call(alone, inputs);
  if (!equal(before, copies(values(alone)))) return;  // It moves its state.

  seed(11);
  const Subject subject = make();
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const at::NoGradGuard no_grad;
      call(subject, inputs);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(equal(copies(values(subject)), before));
}

INSTANTIATE_TEST_SUITE_P(Classes, Conformance,
                         testing::ValuesIn(rows_with_example()),
                         [](const testing::TestParamInfo<std::string>& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

// Every class that can be made from JSON has a row, with an example.
TEST(ConformanceTable, CoversTheRegistries) {
  std::set<std::string> names;
  for (const auto& name : registry<Layer>().names()) names.insert(name);
  for (const auto& name : registry<Initializer>().names()) names.insert(name);
  for (const auto& name : names) {
    if (std::islower(name[0]) && name.find('.') == std::string::npos) {
      continue;  // An activation, or a function.
    }
    const ClassRow* row = class_table().find_class(name);
    ASSERT_NE(row, nullptr) << name;
    EXPECT_FALSE(row->example_config.empty()) << name;
  }
}

}  // namespace
}  // namespace snt::conformance::conformance_test
