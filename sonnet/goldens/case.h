// File: goldens/case.h
// A golden case as it lies in a folder: NAME.json and, where it has tensors,
// NAME.safetensors. The format is described beside the goldens themselves
// (README.md there).

#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace snt::goldens {

using Json = nlohmann::ordered_json;
using Tensors = std::map<std::string, at::Tensor>;

// One case.
struct Case {
  std::string folder;  // "modules"
  std::string name;    // "linear_basic"
  std::string label;   // Its class, function or kind: "Linear".
  Json json;
  Tensors tensors;
};

// The JSON files of the cases under `root`, in its folders modules, unrolls,
// optimizers, functions, errors and texts.
//
// Throws ValueError when there is none.
std::vector<std::filesystem::path> list_cases(
    const std::filesystem::path& root);

// Reads a case. Throws ValueError for files that cannot be read.
Case read_case(const std::filesystem::path& json_file);

// The classes and functions that a piece of a case names and the table lacks.
std::set<std::string> missing_names(const Json& json);

// The tensors of a file that its JSON does not mention.
std::vector<std::string> unused_tensors(const Case& golden);

}  // namespace snt::goldens
