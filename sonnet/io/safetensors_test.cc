#include "sonnet/io/safetensors.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sonnet/core/errors.h"

namespace {

namespace fs = std::filesystem;
using Tensors = std::map<std::string, at::Tensor>;

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const snt::ValueError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// A safetensors file with this header and data, whatever they say.
std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + data;
}

// Each test has a folder of its own.
class SafetensorsTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() /
              ("snt_safetensors_" + std::to_string(::getpid()) + "_" +
               std::string(info->name()));
    fs::create_directories(folder_);
    path_ = (folder_ / "x.safetensors").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  // What reading a file with these bytes throws, without the path.
  std::string refusal(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary) << bytes;
    const std::string text = message_of([&] { snt::read_safetensors(path_); });
    const std::string who = "[read_safetensors " + path_;
    EXPECT_THAT(text, testing::StartsWith(who));
    return text.substr(std::min(who.size(), text.size()));
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  fs::path folder_;
  std::string path_;
};

class DtypeTest : public SafetensorsTest,
                  public testing::WithParamInterface<at::ScalarType> {};

TEST_P(DtypeTest, RoundTrip) {
  const at::Tensor value =
      (at::arange(12, at::kDouble) - 5).reshape({3, 4}).to(GetParam());
  snt::write_safetensors(path_, {{"a", value}});
  const at::Tensor read = snt::read_safetensors(path_).at("a");
  EXPECT_EQ(read.scalar_type(), GetParam());
  EXPECT_TRUE(at::equal(read, value));
}

INSTANTIATE_TEST_SUITE_P(Safetensors, DtypeTest,
                         testing::Values(at::kDouble, at::kFloat, at::kHalf,
                                         at::kBFloat16, at::kLong, at::kInt,
                                         at::kShort, at::kChar, at::kByte,
                                         at::kBool),
                         [](const auto& info) {
                           return std::string(c10::toString(info.param));
                         });

TEST_F(SafetensorsTest, KeepsEmptyScalarAndStridedTensors) {
  const at::Tensor matrix = at::arange(6, at::kFloat).reshape({2, 3});
  const Tensors written = {{"scalar", at::scalar_tensor(2.5)},
                           {"empty", at::empty({0, 3})},
                           {"transposed", matrix.t()},
                           {"row", matrix[1]},
                           {"no gradient", matrix.clone().requires_grad_()},
                           {"", at::ones({1})}};
  snt::write_safetensors(path_, written);
  const Tensors read = snt::read_safetensors(path_);
  ASSERT_EQ(read.size(), written.size());
  for (const auto& [name, value] : written) {
    EXPECT_EQ(read.at(name).sizes(), value.sizes()) << name;
    EXPECT_TRUE(at::equal(read.at(name), value)) << name;
    EXPECT_TRUE(read.at(name).is_contiguous()) << name;
    EXPECT_FALSE(read.at(name).requires_grad()) << name;
  }
}

TEST_F(SafetensorsTest, KeepsNamesAndMetadata) {
  const std::map<std::string, std::string> metadata = {
      {"format", "pt"}, {"umlaut", "\xc3\xa4 \"quoted\"\n"}};
  snt::write_safetensors(path_, {{"body/0/\xc3\xa4", at::ones({2})}}, metadata);
  EXPECT_TRUE(snt::read_safetensors(path_).contains("body/0/\xc3\xa4"));
  EXPECT_EQ(snt::read_safetensors_metadata(path_), metadata);

  snt::write_safetensors(path_, {});
  EXPECT_TRUE(snt::read_safetensors(path_).empty());
  EXPECT_TRUE(snt::read_safetensors_metadata(path_).empty());
}

// What Python's safetensors 0.8.0 writes for {"a": int16 [1, 2], "b": float32
// [1.0]}: safetensors.numpy.save({"a": ..., "b": ...}).
TEST_F(SafetensorsTest, WritesTheBytesThatPythonWrites) {
  snt::write_safetensors(path_, {{"a", at::tensor({1, 2}, at::kShort)},
                                 {"b", at::tensor({1.0f})}});
  std::string header =
      R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
      R"("a":{"dtype":"I16","shape":[2],"data_offsets":[4,8]}})";
  header.append(8 - header.size() % 8, ' ');
  EXPECT_EQ(contents(path_),
            file_of(header, std::string("\0\0\x80\x3f\1\0\2\0", 8)));
}

TEST_F(SafetensorsTest, AlignsAllData) {
  snt::write_safetensors(path_, {{"a", at::ones({3}, at::kByte)},
                                 {"b", at::ones({5}, at::kDouble)},
                                 {"c", at::ones({1}, at::kHalf)},
                                 {"d", at::ones({3}, at::kFloat)}});
  const std::string bytes = contents(path_);
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  EXPECT_EQ(header % 8, 0);
  EXPECT_THAT(bytes, testing::HasSubstr(R"("data_offsets":[0,40])"));   // b
  EXPECT_THAT(bytes, testing::HasSubstr(R"("data_offsets":[40,52])"));  // d
  EXPECT_THAT(bytes, testing::HasSubstr(R"("data_offsets":[52,54])"));  // c
  EXPECT_THAT(bytes, testing::HasSubstr(R"("data_offsets":[54,57])"));  // a
}

TEST_F(SafetensorsTest, RefusesTruncatedFiles) {
  EXPECT_EQ(refusal("1234"),
            "] is truncated: a file has 8 bytes or more, got 4");
  EXPECT_EQ(refusal(""), "] is truncated: a file has 8 bytes or more, got 0");
  EXPECT_EQ(refusal(file_of("{}      ", "").substr(0, 12)),
            "] is truncated: the header has 8 bytes, but 4 follow");
  EXPECT_EQ(refusal(std::string(16, '\xff')),
            "] the header has 18446744073709551615 bytes, more than the "
            "allowed 100000000: is this a safetensors file?");

  // Every shorter form of a good file is refused.
  snt::write_safetensors(path_, {{"a", at::ones({3})}, {"b", at::ones({2})}});
  const std::string good = contents(path_);
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(refusal(good.substr(0, size)), "") << size;
  }
  EXPECT_EQ(refusal(good + "x"),
            "] the tensors take 20 bytes, but the file has 21 bytes of data");
}

struct Damaged {
  const char* header;
  size_t data;
  const char* message;
};

TEST_F(SafetensorsTest, RefusesBadHeaders) {
  const Damaged cases[] = {
      {R"([1])", 0, "] the header must be a JSON object"},
      {R"({"a": 1})", 0, ": 'a'] the entry must be a JSON object"},
      {R"({"a": {"shape": [1], "data_offsets": [0, 4]}})", 4,
       ": 'a'] `dtype` must be a string"},
      {R"({"a": {"dtype": "F7", "shape": [1], "data_offsets": [0, 4]}})", 4,
       ": 'a'] unknown dtype 'F7'"},
      {R"({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})", 4,
       ": 'a'] `shape` must be a list of non-negative integers"},
      {R"({"a": {"dtype": "F32", "shape": 1, "data_offsets": [0, 4]}})", 4,
       ": 'a'] `shape` must be a list of non-negative integers"},
      {R"({"a": {"dtype": "F32", "shape": [1]}})", 4,
       ": 'a'] `data_offsets` must be a list of non-negative integers"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}})", 4,
       ": 'a'] `data_offsets` must be [begin, end]"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}})", 4,
       ": 'a'] `data_offsets` must be [begin, end]"},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})", 4,
       ": 'a'] the data ends at byte 8, but the file has 4 bytes of data"},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}})", 4,
       ": 'a'] shape [2] of F32 takes 8 bytes, got 4"},
      {R"({"a": {"dtype": "F64", "shape": [4611686018427387904, 4],
           "data_offsets": [0, 0]}})",
       0, ": 'a'] the shape [4611686018427387904, 4] is too large"},
      {R"({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]},
           "b": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}})",
       3,
       "] the data of 'b' begins at 1, inside the data before it, which ends "
       "at 2"},
      {R"({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]},
           "b": {"dtype": "U8", "shape": [2], "data_offsets": [3, 5]}})",
       5,
       "] the data of 'b' begins at 3, with a gap behind the data before it, "
       "which ends at 2"},
      {R"({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]},
           "a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}})",
       2, "] the header is not valid JSON: [parse_json] 'a' comes twice"},
      {R"({"__metadata__": {"a": 1}})", 0,
       "] `__metadata__` must hold strings, but 'a' is something else"},
      {R"({"__metadata__": "a"})", 0, "] `__metadata__` must be a JSON object"},
  };
  for (const Damaged& damaged : cases) {
    EXPECT_EQ(refusal(file_of(damaged.header, std::string(damaged.data, 'x'))),
              damaged.message);
  }
  EXPECT_THAT(refusal(file_of("{\"a\": ", "")),
              testing::StartsWith("] the header is not valid JSON: "));
  EXPECT_THAT(refusal(file_of("{\"\xff\": 1}", "")),
              testing::StartsWith("] the header is not valid JSON: "));
}

TEST_F(SafetensorsTest, SaysWhatCannotBeReadOrWritten) {
  EXPECT_EQ(message_of([] { snt::read_safetensors("/nowhere/x"); }),
            "[read_safetensors /nowhere/x] cannot open the file: No such file "
            "or directory");
  EXPECT_EQ(message_of([&] { snt::read_safetensors(folder_.string()); }),
            "[read_safetensors " + folder_.string() + "] is a directory");
  EXPECT_EQ(message_of([] { snt::write_safetensors("/nowhere/x", {}); }),
            "[write_safetensors /nowhere/x] cannot create the file: No such "
            "file or directory");
  EXPECT_EQ(message_of([&] { snt::write_safetensors(folder_.string(), {}); }),
            "[write_safetensors " + folder_.string() +
                "] cannot rename the complete file: Is a directory");
}

TEST_F(SafetensorsTest, AFailureLeavesTheOldFile) {
  snt::write_safetensors(path_, {{"a", at::ones({2})}});
  const std::string who = "[write_safetensors " + path_ + "] ";
  const auto refused = [&](const Tensors& tensors) {
    return message_of([&] { snt::write_safetensors(path_, tensors); });
  };
  EXPECT_EQ(refused({{"b", at::ones({2})}, {"u", at::Tensor()}}),
            who + "'u' is an undefined tensor");
  EXPECT_EQ(refused({{"c", at::ones({2}, at::kComplexFloat)}}),
            who + "'c' has dtype ComplexFloat, which the format does not know");
  EXPECT_EQ(refused({{"s", at::eye(2).to_sparse()}}),
            who + "'s' must be dense, got a sparse tensor");
  EXPECT_EQ(refused({{"__metadata__", at::ones({2})}}),
            who + "a tensor must not be named '__metadata__'");
  EXPECT_THAT(refused({{"\xff", at::ones({2})}}),
              testing::StartsWith(who + "a name or text cannot be written: "));

  EXPECT_TRUE(snt::read_safetensors(path_).contains("a"));
  EXPECT_THAT(files(), testing::ElementsAre("x.safetensors"));
}

TEST_F(SafetensorsTest, ReplacesAFileWhole) {
  snt::write_safetensors(path_, {{"a", at::ones({2})}});
  snt::write_safetensors(path_, {{"b", at::zeros({3})}});
  const Tensors read = snt::read_safetensors(path_);
  EXPECT_EQ(read.size(), 1);
  EXPECT_EQ(read.at("b").sizes(), at::IntArrayRef({3}));
  EXPECT_THAT(files(), testing::ElementsAre("x.safetensors"));
}

}  // namespace
