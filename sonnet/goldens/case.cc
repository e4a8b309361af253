#include "sonnet/goldens/case.h"

#include <algorithm>
#include <fstream>

#include "sonnet/conformance/class_table.h"
#include "sonnet/core/errors.h"
#include "sonnet/io/safetensors.h"

namespace snt::goldens {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolders[] = {"modules",   "unrolls", "optimizers",
                                    "functions", "errors",  "texts"};

// Where a case names classes and functions to be used. (Listings also name
// classes of Python: those are results.)
constexpr const char* kKeysWithin[] = {"config", "calls",  "derived", "call",
                                       "args",   "kwargs", "modules", "tree"};

bool is_known(const std::string& name) {
  const auto& table = conformance::class_table();
  return table.find_class(name) != nullptr ||
         table.find_function(name) != nullptr;
}

// Adds what is named anywhere inside a value.
void add_missing(const Json& value, std::set<std::string>& missing) {
  for (const auto& [key, entry] : value.items()) {
    const bool is_name = value.is_object() && entry.is_string() &&
                         (key == "class" || key == "function");
    if (is_name && !is_known(entry.get<std::string>())) {
      missing.insert(entry.get<std::string>());
    }
    if (entry.is_structured()) add_missing(entry, missing);
  }
}

void add_mentioned(const Json& value, std::set<std::string>& mentioned) {
  if (value.is_string()) mentioned.insert(value.get<std::string>());
  if (!value.is_structured()) return;
  for (const Json& entry : value) add_mentioned(entry, mentioned);
}

}  // namespace

std::vector<fs::path> list_cases(const fs::path& root) {
  std::vector<fs::path> files;
  for (const char* folder : kFolders) {
    if (!fs::is_directory(root / folder)) continue;
    for (const auto& entry : fs::directory_iterator(root / folder)) {
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
  }
  check(!files.empty(), "goldens", "there are no cases in '", root.string(),
        "': it must hold folders as modules/ with files as linear_basic.json");
  std::sort(files.begin(), files.end());
  return files;
}

Case read_case(const fs::path& json_file) {
  Case golden;
  golden.folder = json_file.parent_path().filename().string();
  golden.name = json_file.stem().string();
  golden.label = golden.name;

  std::ifstream file(json_file);
  check(file.is_open(), "goldens", "cannot open ", json_file.string());
  try {
    golden.json = Json::parse(file);
  } catch (const Json::exception& error) {
    throw ValueError("[goldens] " + json_file.string() + ": " + error.what());
  }
  for (const char* key : {"class", "function", "kind"}) {
    if (golden.json.contains(key)) {
      golden.label = golden.json[key].get<std::string>();
      break;
    }
  }
  const fs::path tensors = fs::path(json_file).replace_extension("safetensors");
  if (fs::exists(tensors)) golden.tensors = read_safetensors(tensors.string());
  return golden;
}

std::set<std::string> missing_names(const Json& json) {
  Json relevant = Json::object();
  for (const char* key : kKeysWithin) {
    if (json.contains(key)) relevant[key] = json[key];
  }
  for (const char* key : {"class", "function"}) {
    if (json.contains(key)) relevant[key] = json[key];
  }
  std::set<std::string> missing;
  add_missing(relevant, missing);
  return missing;
}

std::vector<std::string> unused_tensors(const Case& golden) {
  std::set<std::string> mentioned;
  add_mentioned(golden.json, mentioned);
  std::vector<std::string> unused;
  for (const auto& [name, tensor] : golden.tensors) {
    if (!mentioned.contains(name)) unused.push_back(name);
  }
  return unused;
}

}  // namespace snt::goldens
