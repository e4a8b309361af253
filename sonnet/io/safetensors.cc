#include "sonnet/io/safetensors.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "sonnet/core/config.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/format.h"

// The format: the size of the header (8 bytes, little-endian), the header (a
// JSON object, padded with spaces), the data. The header maps a name to
// {"dtype", "shape", "data_offsets": [begin, end]}, offsets into the data, and
// "__metadata__" to an object of strings.
// https://github.com/huggingface/safetensors#format

static_assert(std::endian::native == std::endian::little,
              "snt: safetensors files are little-endian.");

namespace snt {
namespace {

constexpr const char* kMetadata = "__metadata__";
constexpr uint64_t kLargestHeader = 100'000'000;  // As Hugging Face's reader.

// Why the last call to the system failed; as a function, so that it is asked
// behind that call.
const char* reason() { return std::strerror(errno); }

struct Dtype {
  const char* name;
  at::ScalarType type;
};
constexpr Dtype kDtypes[] = {{"F64", at::kDouble}, {"F32", at::kFloat},
                             {"F16", at::kHalf},   {"BF16", at::kBFloat16},
                             {"I64", at::kLong},   {"I32", at::kInt},
                             {"I16", at::kShort},  {"I8", at::kChar},
                             {"U8", at::kByte},    {"BOOL", at::kBool}};

// Where a tensor lies in the data.
struct Entry {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> shape;
  int64_t begin = 0;
  int64_t end = 0;
};

struct Header {
  std::vector<Entry> entries;  // In the order of their data.
  std::map<std::string, std::string> metadata;
  int64_t data_begin = 0;  // Position in the file.
};

// ------------------------------------------------------------------- reading

std::string reader_of(const std::string& path) {
  return "read_safetensors " + path;
}

Config parse_header(const std::string& text, const std::string& who) {
  Config header;
  try {
    header = parse_json(text);
  } catch (const ValueError& error) {
    throw ValueError(format("[", who, "] the header is not valid JSON: ",
                            std::string(error.what())));
  }
  check(header.get_if<Config::Map>(), who, "the header must be a JSON object");
  return header;
}

// A list of non-negative integers.
std::vector<int64_t> sizes_of(const Config& entry, const char* key,
                              const std::string& who) {
  const Config* found = entry.find(key);
  const auto* list = found ? found->get_if<Config::List>() : nullptr;
  bool ok = list != nullptr;
  std::vector<int64_t> result;
  if (ok) {
    for (const Config& item : *list) {
      const auto* size = item.get_if<int64_t>();
      ok = ok && size != nullptr && *size >= 0;
      if (ok) result.push_back(*size);
    }
  }
  check(ok, who, "`", key, "` must be a list of non-negative integers");
  return result;
}

Entry parse_entry(const std::string& name, const Config& entry,
                  int64_t data_size, const std::string& who) {
  check(entry.get_if<Config::Map>(), who, "the entry must be a JSON object");
  Entry result;
  result.name = name;

  const Config* dtype = entry.find("dtype");
  const auto* dtype_name = dtype ? dtype->get_if<std::string>() : nullptr;
  check(dtype_name, who, "`dtype` must be a string");
  const auto known =
      std::find_if(std::begin(kDtypes), std::end(kDtypes),
                   [&](const Dtype& d) { return *dtype_name == d.name; });
  check(known != std::end(kDtypes), who, "unknown dtype '", *dtype_name, "'");
  result.dtype = known->type;

  result.shape = sizes_of(entry, "shape", who);
  auto bytes = static_cast<int64_t>(at::elementSize(known->type));
  bool overflow = false;
  for (const int64_t size : result.shape) {
    overflow |= __builtin_mul_overflow(bytes, size, &bytes);
  }
  check(!overflow, who, "the shape ", result.shape, " is too large");

  const std::vector<int64_t> offsets = sizes_of(entry, "data_offsets", who);
  check(offsets.size() == 2 && offsets[0] <= offsets[1], who,
        "`data_offsets` must be [begin, end]");
  result.begin = offsets[0];
  result.end = offsets[1];
  check(result.end <= data_size, who, "the data ends at byte ", result.end,
        ", but the file has ", data_size, " bytes of data");
  check(result.end - result.begin == bytes, who, "shape ", result.shape, " of ",
        known->name, " takes ", bytes, " bytes, got ",
        result.end - result.begin);
  return result;
}

Header parse(const std::string& text, int64_t file_size,
             const std::string& who) {
  Header header;
  header.data_begin = 8 + static_cast<int64_t>(text.size());
  const int64_t data_size = file_size - header.data_begin;
  const Config json = parse_header(text, who);
  for (const auto& [name, entry] : *json.get_if<Config::Map>()) {
    if (name != kMetadata) {
      header.entries.push_back(
          parse_entry(name, entry, data_size, who + ": '" + name + "'"));
      continue;
    }
    const auto* metadata = entry.get_if<Config::Map>();
    check(metadata, who, "`__metadata__` must be a JSON object");
    for (const auto& [key, value] : *metadata) {
      const auto* words = value.get_if<std::string>();
      check(words, who, "`__metadata__` must hold strings, but '", key,
            "' is something else");
      header.metadata[key] = *words;
    }
  }

  std::sort(header.entries.begin(), header.entries.end(),
            [](const Entry& a, const Entry& b) {
              return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
            });
  int64_t at = 0;
  for (const Entry& entry : header.entries) {
    check(entry.begin == at, who, "the data of '", entry.name, "' begins at ",
          entry.begin, entry.begin < at ? ", inside" : ", with a gap behind",
          " the data before it, which ends at ", at);
    at = entry.end;
  }
  check(at == data_size, who, "the tensors take ", at,
        " bytes, but the file has ", data_size, " bytes of data");
  return header;
}

std::ifstream open_file(const std::string& path, const std::string& who) {
  std::error_code error;
  check(!std::filesystem::is_directory(path, error), who, "is a directory");
  std::ifstream file(path, std::ios::binary);
  check(file.is_open(), who, "cannot open the file: ", reason);
  return file;
}

Header read_header(std::ifstream& file, const std::string& who) {
  file.seekg(0, std::ios::end);
  const uint64_t file_size = static_cast<uint64_t>(file.tellg());
  file.seekg(0);
  check(file.good() && file_size >= 8, who,
        "is truncated: a file has 8 bytes or more, got ", file_size);

  uint64_t size = 0;
  file.read(reinterpret_cast<char*>(&size), sizeof(size));
  check(size <= kLargestHeader, who, "the header has ", size,
        " bytes, more than the allowed ", kLargestHeader,
        ": is this a safetensors file?");
  check(size <= file_size - 8, who, "is truncated: the header has ", size,
        " bytes, but ", file_size - 8, " follow");
  std::string text(size, '\0');
  file.read(text.data(), static_cast<std::streamsize>(size));
  check(file.good(), who, "cannot read the header");
  return parse(text, static_cast<int64_t>(file_size), who);
}

// ------------------------------------------------------------------- writing

std::string writer_of(const std::string& path) {
  return "write_safetensors " + path;
}

// A file that takes its name when it is complete, or else disappears.
class PendingFile {
 public:
  explicit PendingFile(const std::string& path)
      : path_(path), who_(writer_of(path)) {
    static std::atomic<int> number = 0;
    temporary_ = path + ".tmp-" + std::to_string(::getpid()) + "-" +
                 std::to_string(number++);
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                   0666);
    check(file_ >= 0, who_, "cannot create the file: ", reason);
  }
  ~PendingFile() {
    if (file_ >= 0) ::close(file_);
    if (!done_ && file_ != -1) ::unlink(temporary_.c_str());
  }
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  void write(const void* data, size_t size) {
    const char* at = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t written = ::write(file_, at, size);
      if (written < 0 && errno == EINTR) continue;
      check(written >= 0, who_, "cannot write: ", reason);
      at += written;
      size -= static_cast<size_t>(written);
    }
  }

  // Gives the file its name, once its bytes are on the disk.
  void commit() {
    check(::fsync(file_) == 0, who_, "cannot write: ", reason);
    check(::rename(temporary_.c_str(), path_.c_str()) == 0, who_,
          "cannot rename the complete file: ", reason);
    done_ = true;
  }

 private:
  std::string path_;
  std::string who_;
  std::string temporary_;
  int file_ = -1;
  bool done_ = false;
};

struct Output {
  std::string name;
  const char* dtype;
  at::Tensor value;  // Contiguous, on the CPU.
};

// The tensors in the order of their data: wide elements first, so that with a
// header of 8 n bytes all of them are aligned.
std::vector<Output> outputs_of(const std::map<std::string, at::Tensor>& tensors,
                               const std::string& who) {
  std::vector<Output> outputs;
  for (const auto& [name, tensor] : tensors) {
    check(name != kMetadata, who, "a tensor must not be named '", name, "'");
    check(tensor.defined(), who, "'", name, "' is an undefined tensor");
    check(tensor.layout() == at::kStrided, who, "'", name,
          "' must be dense, got a sparse tensor");
    const auto known = std::find_if(
        std::begin(kDtypes), std::end(kDtypes),
        [&](const Dtype& d) { return tensor.scalar_type() == d.type; });
    check(known != std::end(kDtypes), who, "'", name, "' has dtype ",
          c10::toString(tensor.scalar_type()),
          ", which the format does not know");
    outputs.push_back({name, known->name, tensor});
  }
  std::stable_sort(outputs.begin(), outputs.end(),
                   [](const Output& a, const Output& b) {
                     return a.value.element_size() > b.value.element_size();
                   });
  return outputs;
}

std::string header_of(const std::vector<Output>& outputs,
                      const std::map<std::string, std::string>& metadata,
                      const std::string& who) {
  Config::Map header;
  if (!metadata.empty()) {
    Config::Map words;
    for (const auto& [key, value] : metadata) {
      words.emplace_back(key, Config{value});
    }
    header.emplace_back(kMetadata, Config{std::move(words)});
  }
  int64_t offset = 0;
  for (const Output& output : outputs) {
    const auto end = offset + static_cast<int64_t>(output.value.nbytes());
    Config::List shape;
    for (const int64_t size : output.value.sizes()) {
      shape.push_back(Config{size});
    }
    header.emplace_back(
        output.name, Config{Config::Map{
                         {"dtype", Config{std::string(output.dtype)}},
                         {"shape", Config{std::move(shape)}},
                         {"data_offsets",
                          Config{Config::List{Config{offset}, Config{end}}}}}});
    offset = end;
  }
  std::string text;
  try {
    text = to_json(Config{std::move(header)});
  } catch (const ValueError& error) {
    throw ValueError(format("[", who, "] a name or text cannot be written: ",
                            std::string(error.what())));
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

std::map<std::string, at::Tensor> read_safetensors(const std::string& path) {
  const std::string who = reader_of(path);
  std::ifstream file = open_file(path, who);
  const Header header = read_header(file, who);

  std::map<std::string, at::Tensor> result;
  file.seekg(static_cast<std::streamoff>(header.data_begin));
  for (const Entry& entry : header.entries) {
    const at::Tensor value = at::empty(entry.shape, entry.dtype);
    file.read(static_cast<char*>(value.data_ptr()),
              static_cast<std::streamsize>(entry.end - entry.begin));
    check(file.good(), who, "cannot read the data of '", entry.name, "'");
    result.emplace(entry.name, value);
  }
  return result;
}

std::map<std::string, std::string> read_safetensors_metadata(
    const std::string& path) {
  const std::string who = reader_of(path);
  std::ifstream file = open_file(path, who);
  return read_header(file, who).metadata;
}

void write_safetensors(const std::string& path,
                       const std::map<std::string, at::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string who = writer_of(path);
  const std::vector<Output> outputs = outputs_of(tensors, who);
  const std::string header = header_of(outputs, metadata, who);
  const uint64_t size = header.size();

  PendingFile file(path);
  file.write(&size, sizeof(size));
  file.write(header.data(), header.size());
  for (const Output& output : outputs) {
    const at::Tensor value =
        output.value.detach().cpu().resolve_neg().contiguous();
    file.write(value.data_ptr(), value.nbytes());
  }
  file.commit();
}

}  // namespace snt
