#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "sonnet/core/errors.h"
#include "sonnet/goldens/runner.h"
#include "sonnet/io/safetensors.h"

namespace {

namespace fs = std::filesystem;
using snt::goldens::Case;
using snt::goldens::Json;
using snt::goldens::Outcome;
using testing::Contains;
using testing::HasSubstr;

const fs::path kGoldens = SONNET_GOLDENS_DIR;
constexpr int kCases = 593;  // And one list of names, which is no case.

TEST(GoldensTest, NoCaseFailsOrIsMissing) {
  std::ostringstream report;
  const auto summary = snt::goldens::run_goldens(kGoldens, {}, report);
  EXPECT_EQ(summary.all.passed, kCases) << report.str();
  EXPECT_EQ(summary.no_cases, 1);
  EXPECT_THAT(report.str(),
              testing::EndsWith("\n" + std::to_string(kCases) +
                                " passed, 0 failed, 0 missing\n"));
  EXPECT_EQ(summary.exit_status(true), 0);
}

TEST(GoldensTest, AFilterChoosesByNameAndFolder) {
  const auto count = [](const std::string& filter) {
    std::ostringstream report;
    const auto all =
        snt::goldens::run_goldens(kGoldens, {.filter = filter}, report).all;
    return all.passed + all.failed + all.missing;
  };
  EXPECT_EQ(count("linear_basic"), 1);
  EXPECT_EQ(count("optimizers/*"), 28);
  EXPECT_EQ(count("nothing"), 0);
}

// A folder with one case, made from one that is right.
class DamageTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() /
            ("snt_goldens_" + std::to_string(::getpid()));
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  // The outcome of `name` ("modules/linear_basic") after `damage`.
  Outcome run(const std::string& name,
              const std::function<void(Case&)>& damage) {
    Case golden = snt::goldens::read_case(kGoldens / (name + ".json"));
    damage(golden);
    const fs::path stem = root_ / name;
    fs::create_directories(stem.parent_path());
    std::ofstream(stem.string() + ".json") << golden.json;
    if (!golden.tensors.empty()) {
      snt::write_safetensors(stem.string() + ".safetensors", golden.tensors);
    }
    return snt::goldens::run_case(stem.string() + ".json");
  }

  // Expects that the case passes as it is, and fails with `problem` when it is
  // damaged.
  void expect_failure(const std::string& name, const std::string& problem,
                      const std::function<void(Case&)>& damage) {
    SCOPED_TRACE(name + ": " + problem);
    EXPECT_THAT(run(name, [](Case&) {}).problems, testing::IsEmpty());
    const Outcome outcome = run(name, damage);
    EXPECT_FALSE(outcome.passed());
    EXPECT_THAT(outcome.problems, Contains(HasSubstr(problem)));
  }

  fs::path root_;
};

// Moves the largest number of a tensor by `factor` of its size.
std::function<void(Case&)> move(const std::string& tensor, double factor) {
  return [=](Case& golden) {
    at::Tensor flat = golden.tensors.at(tensor).flatten();
    flat[flat.abs().argmax()] *= 1 + factor;
  };
}

TEST_F(DamageTest, NoneIsNoLayers) {
  const Outcome outcome = run("modules/sequential_empty", [](Case& golden) {
    golden.json["config"] = {{"layers", nullptr}};
  });
  EXPECT_THAT(outcome.problems, testing::IsEmpty());
}

TEST_F(DamageTest, OptionsMadeByFunctions) {
  const Outcome outcome =
      run("modules/trainable_state_for_core", [](Case& golden) {
        golden.json["config"]["core"]["class"] = "lstm_with_recurrent_dropout";
        golden.json["config"]["core"]["select"] = 1;
      });
  EXPECT_THAT(outcome.problems, testing::IsEmpty());
}

TEST_F(DamageTest, OutputsAreCompared) {
  expect_failure("modules/linear_basic", "out/0: off by", move("out/0", 2e-5));
  expect_failure("modules/linear_float64", "out/0: off by",
                 move("out/0", 2e-10));
  expect_failure("modules/linear_basic", "out/1: float32[", [](Case& golden) {
    golden.tensors["out/1"] = golden.tensors["out/1"].to(at::kDouble);
  });
  expect_failure("modules/linear_basic", "out/0: float32[", [](Case& golden) {
    golden.tensors["out/0"] = golden.tensors["out/0"].unsqueeze(0);
  });
  expect_failure("modules/linear_basic", "out/0: off by", [](Case& golden) {
    golden.tensors["out/0"][0][0] = std::nan("");
  });
  expect_failure("modules/linear_basic", "out/0: off by", [](Case& golden) {
    golden.tensors["out/0"][0][0] = INFINITY;
  });
  // Infinity minus infinity is not a number; both are as recorded here.
  const Outcome not_finite = run("modules/linear_no_bias", [](Case& golden) {
    golden.json["calls"][0].erase("grads");
    golden.json["calls"][0].erase("cotangents");
    std::erase_if(golden.tensors, [](const auto& entry) {
      return entry.first.starts_with("grad/") || entry.first == "cot/0";
    });
    golden.tensors["in/0"][0].fill_(INFINITY);
    golden.tensors["in/0"][1].fill_(std::nan(""));
    golden.tensors["out/0"] =
        at::matmul(golden.tensors["in/0"], golden.tensors["var/w"]);
  });
  EXPECT_THAT(not_finite.problems, testing::IsEmpty());
  expect_failure(
      "modules/linear_basic", "instead of a list of 1",
      [](Case& golden) { golden.json["calls"][0]["outputs"] = {"out/0"}; });
  expect_failure("functions/embedding_dim", "6 instead of 7",
                 [](Case& golden) { golden.json["calls"][0]["outputs"] = 7; });
  expect_failure("functions/initializer_constant_int", "out/0: other values",
                 [](Case& golden) { golden.tensors["out/0"][1] = 8; });
}

TEST_F(DamageTest, OnlyGradientsThatAreRecordedWronglyAreLeftOut) {
  const std::string name = "modules/unrolled_lstm_basic";
  expect_failure(name, "grad/0/b: off by", move("grad/0/b", 1e-3));
  const auto as_recorded = [](Case& golden) {
    golden.json.erase("computed_by");
    move("grad/0/b", 1e-3)(golden);
  };
  const Outcome outcome = run(name, as_recorded);
  EXPECT_TRUE(outcome.passed());
  EXPECT_THAT(outcome.not_compared, HasSubstr("gradients of UnrolledLSTM"));
  expect_failure(name, "out/0: off by", [&](Case& golden) {
    as_recorded(golden);
    move("out/0", 1e-3)(golden);
  });
  std::ostringstream report;
  snt::goldens::run_goldens(kGoldens, {}, report);
  EXPECT_THAT(report.str(), testing::Not(HasSubstr("not compared")));
}

TEST_F(DamageTest, GradientsAreCompared) {
  expect_failure("modules/linear_basic", "grad/0/w: off by",
                 move("grad/0/w", 2e-5));
  expect_failure("modules/linear_basic", "grad/0/in/0: off by",
                 move("grad/0/in/0", 2e-5));
  expect_failure("modules/linear_basic", "off by", [](Case& golden) {
    golden.tensors["cot/0"] = golden.tensors["cot/0"] * 1.001;
  });
  expect_failure("modules/linear_basic", "a value instead of none",
                 [](Case& golden) {
                   golden.json["calls"][0]["grads"]["params"]["b"] = nullptr;
                   golden.tensors.erase("grad/0/b");
                 });
  expect_failure(
      "functions/leaky_clip", "no value instead of one", [](Case& golden) {
        golden.json["calls"][1]["grads"]["inputs"]["in/2"] = "new";
        golden.tensors["new"] = at::zeros_like(golden.tensors["in/2"]);
      });
  expect_failure("modules/embed_basic", "is sparse", [](Case& golden) {
    golden.json["calls"][0].erase("sparse_grads");
  });
}

TEST_F(DamageTest, VariablesAreCompared) {
  expect_failure("modules/linear_basic", "b: a variable that Sonnet does not",
                 [](Case& golden) { golden.json["variables"].erase(0); });
  expect_failure(
      "modules/linear_basic", "c: there is no such variable",
      [](Case& golden) { golden.json["variables"][0]["path"] = "c"; });
  expect_failure("modules/linear_basic", "b trainable", [](Case& golden) {
    golden.json["variables"][0]["trainable"] = false;
  });
  expect_failure("modules/linear_basic", "b shape", [](Case& golden) {
    golden.json["variables"][0]["shape"] = {7};
  });
  expect_failure("modules/linear_basic", "b dtype", [](Case& golden) {
    golden.json["variables"][0]["dtype"] = "float64";
  });
  expect_failure("modules/linear_basic", "b: created by call 0",
                 [](Case& golden) {
                   golden.json["variables"][0]["created_by"] = "call 1";
                 });
  expect_failure(
      "modules/linear_basic", "trainable variables",
      [](Case& golden) { golden.json["trainable_variables"] = {"b"}; });
  expect_failure("modules/linear_basic", "initial b: off by",
                 [](Case& golden) { golden.tensors["initial/b"][0] = 0.1; });
  expect_failure("modules/linear_basic", "b random", [](Case& golden) {
    golden.json["initial"].erase("b");
    golden.tensors.erase("initial/b");
  });
  expect_failure("modules/linear_basic", "w random",
                 [](Case& golden) { golden.json["initial"]["w"] = "var/w"; });
}

TEST_F(DamageTest, ChangesAreCompared) {
  expect_failure("modules/mean_fresh", "after/1/sum: off by",
                 move("after/1/sum", 2e-5));
  expect_failure("modules/mean_fresh", "after/0/count: other values",
                 [](Case& golden) { golden.tensors["after/0/count"] += 1; });
  expect_failure("modules/mean_fresh", "call 0 changed sum", [](Case& golden) {
    golden.json["calls"][0]["after"].erase("sum");
    golden.tensors.erase("after/0/sum");
  });
  expect_failure("modules/linear_basic", "call 0 changed b", [](Case& golden) {
    golden.json["calls"][0]["after"] = {{"b", "var/b"}};
  });
}

TEST_F(DamageTest, TextsAreCompared) {
  expect_failure("modules/linear_basic", "name: linear",
                 [](Case& golden) { golden.json["name"] = "linear_1"; });
  expect_failure("modules/linear_basic", "repr: Linear", [](Case& golden) {
    golden.json["repr"] = "Linear(output_size=5)";
  });
  expect_failure(
      "modules/mlp_activate_final_tanh", "repr: MLP", [](Case& golden) {
        std::string repr = golden.json["repr"];
        golden.json["repr"] = repr.replace(repr.find("tanh"), 4, "relu");
      });
  expect_failure(
      "texts/format_variables_linear_mlp", "text:", [](Case& golden) {
        std::string text = golden.json["text"];
        golden.json["text"] = text.replace(text.find("f32"), 3, "f64");
      });
  const Outcome reprs = run("texts/reprs", [](Case& golden) {
    golden.json["entries"][0]["repr"] = "Linear(output_size=11)";
  });
  EXPECT_THAT(reprs.problems,
              Contains(HasSubstr("repr: Linear(output_size=10) instead of")));
}

TEST_F(DamageTest, ErrorsAreCompared) {
  expect_failure("errors/linear_rank1", "without the words", [](Case& golden) {
    golden.json["message"] = "Shape (4,) must have rank >= 3";
  });
  expect_failure("errors/linear_rank1", "without the words", [](Case& golden) {
    golden.json["message"] = "Shape (5,) must have rank >= 2";
  });
  expect_failure("errors/linear_rank1", "instead of a TypeError",
                 [](Case& golden) { golden.json["raises"] = "TypeError"; });
  expect_failure("errors/linear_rank1", "instead of at constructor",
                 [](Case& golden) { golden.json["where"] = "constructor"; });
  expect_failure("errors/linear_rank1", "nothing was thrown", [](Case& golden) {
    golden.json["calls"][0]["args"][0]["shape"] = {2, 4};
  });
  expect_failure(
      "errors/linear_w_before_call", "the table has no method",
      [](Case& golden) { golden.json["calls"][0]["method"] = "no_such"; });
  expect_failure("errors/sgd_length_mismatch", "without the words",
                 [](Case& golden) { golden.json["message"] = "something"; });
  const Outcome of_python = run("errors/linear_rank1", [](Case& golden) {
    golden.json["raises"] = "IndexError";
    golden.json["message"] = "tuple index out of range";
  });
  EXPECT_THAT(of_python.problems, testing::IsEmpty());
}

TEST_F(DamageTest, OptimizersAreCompared) {
  expect_failure("optimizers/adam_dense", "after/2/parameters/0: off by",
                 move("after/2/parameters/0", 2e-5));
  expect_failure("optimizers/adam_sparse", "after/1/m/0: off by",
                 move("after/1/m/0", 2e-5));
  expect_failure("optimizers/adam_dense",
                 "m/0: a variable that Sonnet does not", [](Case& golden) {
                   for (Json& step : golden.json["steps"]) {
                     step["variables"].erase("m/0");
                   }
                 });
  expect_failure("optimizers/adam_schedule", "off by", [](Case& golden) {
    for (Json& step : golden.json["steps"]) step.erase("set");
  });
  expect_failure("optimizers/adam_dense", "trainable", [](Case& golden) {
    golden.json["variables"][0]["trainable"] = true;
  });
}

TEST_F(DamageTest, FactsAreCompared) {
  const auto set = [](const std::string& key, const Json& value) {
    return [=](Case& golden) { golden.json["expected"][key] = value; };
  };
  const std::string normal = "functions/facts_truncatednormal_40x25";
  expect_failure(normal, "std ", set("std", 0.89));
  expect_failure(normal, "mean ", set("mean", 0.01));
  expect_failure(normal, "highest ", set("upper", 1.9));
  expect_failure("functions/facts_orthogonal_tall", "gram matrix",
                 set("gram_diagonal", 1.01));
  expect_failure("functions/facts_dropout_half", "kept fraction",
                 set("kept_fraction", 0.52));
  expect_failure("functions/facts_dropout_half", "values ",
                 set("values", {0.0, 2.1}));
  expect_failure("functions/default_initial_linear", "w std", [](Case& golden) {
    golden.json["variables"]["w"]["expected"]["std"] = 0.053;
  });
  expect_failure("functions/default_initial_linear", "w std", [](Case& golden) {
    golden.json["variables"]["w"].erase("expected");
    golden.json["variables"]["w"]["std"] = 0.053;
  });
  expect_failure(
      "functions/default_initial_linear", "b mean",
      [](Case& golden) { golden.json["variables"]["b"]["mean"] = 0.1; });
  const Outcome without_aim = run(
      "functions/default_initial_linear",
      [](Case& golden) { golden.json["variables"]["w"].erase("expected"); });
  EXPECT_THAT(without_aim.problems, testing::IsEmpty());
}

TEST_F(DamageTest, AMissingClassIsNamedAndDoesNotPass) {
  const auto rename = [](Case& golden) { golden.json["class"] = "Lineal"; };
  const Outcome outcome = run("modules/linear_basic", rename);
  EXPECT_FALSE(outcome.passed());
  EXPECT_THAT(outcome.problems, testing::IsEmpty());
  EXPECT_THAT(outcome.missing, testing::ElementsAre("Lineal"));

  const Outcome inner = run("modules/sequential_mlp", [](Case& golden) {
    golden.json["config"]["layers"][0]["class"] = "Lineal";
  });
  EXPECT_THAT(inner.missing, testing::ElementsAre("Lineal"));

  std::ostringstream report;
  const auto summary = snt::goldens::run_goldens(root_, {}, report);
  EXPECT_EQ(summary.all.missing, 2);
  EXPECT_EQ(summary.exit_status(/*require_all=*/false), 0);
  EXPECT_EQ(summary.exit_status(/*require_all=*/true), 1);
  EXPECT_THAT(report.str(), HasSubstr("missing: Lineal, needed by 2 cases\n"));
  EXPECT_THAT(report.str(),
              testing::EndsWith("0 passed, 0 failed, 2 missing\n"));
}

TEST_F(DamageTest, DamagedFilesFail) {
  expect_failure("modules/linear_basic", "does not mention its tensor extra",
                 [](Case& golden) { golden.tensors["extra"] = at::ones({2}); });
  expect_failure("modules/linear_basic", "map::at",
                 [](Case& golden) { golden.tensors.erase("out/0"); });
  run("modules/linear_basic", [](Case&) {});
  std::ofstream(root_ / "modules/linear_basic.json") << "{\"case\": ";
  std::ostringstream report;
  const auto summary = snt::goldens::run_goldens(root_, {}, report);
  EXPECT_EQ(summary.all.failed, 1);
  EXPECT_EQ(summary.exit_status(false), 1);
  EXPECT_THAT(report.str(), HasSubstr("cannot be read: "));
}

TEST(RunGoldensTest, AFolderWithoutCasesIsAnError) {
  std::ostringstream report;
  EXPECT_THROW(snt::goldens::run_goldens("/nowhere", {}, report),
               snt::ValueError);
}

}  // namespace
