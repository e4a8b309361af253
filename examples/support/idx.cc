#include "examples/support/idx.h"

#include <ATen/ATen.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace examples {
namespace {

namespace fs = std::filesystem;

template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw std::runtime_error(text.str());
}

std::string whole_file(const std::string& file) {
  std::error_code ignored;
  switch (fs::status(file, ignored).type()) {
    case fs::file_type::regular:
      break;
    case fs::file_type::directory:
      fail(file, " is a directory");
    case fs::file_type::none:
    case fs::file_type::not_found:
    case fs::file_type::unknown:
      fail("cannot read ", file);
    default:
      fail(file, " is no regular file");  // Reading might never end.
  }
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  if (!in || !(text << in.rdbuf() || in.peek() == EOF) || in.bad()) {
    fail("cannot read ", file);
  }
  return std::move(text).str();
}

bool is_gzip(const char* bytes, size_t count) {
  return count >= 2 && bytes[0] == '\x1f' && bytes[1] == '\x8b';
}

// The content of a file from begin to end, unpacked on the way if it is gzip:
// a short file that claims to be long never takes the memory that it claims.
class Content {
 public:
  explicit Content(const std::string& file)
      : file_(file), bytes_(whole_file(file)) {
    packed_ = is_gzip(bytes_.data(), bytes_.size());
    stream_.next_in = reinterpret_cast<Bytef*>(bytes_.data());
    stream_.avail_in = static_cast<uInt>(bytes_.size());
    if (bytes_.size() > std::numeric_limits<uInt>::max()) {
      fail(file, " is larger than 4 GiB");
    }
    if (packed_ && inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK) {
      fail("not enough memory to unpack ", file);
    }
  }
  ~Content() {
    if (packed_) inflateEnd(&stream_);
  }
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;

  // The next `count` bytes; fewer at the end of the file.
  std::vector<uint8_t> next(uint64_t count) {
    constexpr uint64_t kChunk = 1 << 20;
    std::vector<uint8_t> out;
    while (out.size() < count) {
      const size_t begin = out.size();
      out.resize(begin + std::min(count - begin, kChunk));
      const size_t wanted = out.size() - begin;
      const size_t got = fill(out.data() + begin, wanted);
      out.resize(begin + got);
      if (got < wanted) break;
    }
    return out;
  }

 private:
  size_t fill(uint8_t* out, size_t wanted) {
    if (!packed_) {
      const size_t count = std::min<size_t>(wanted, stream_.avail_in);
      std::copy_n(stream_.next_in, count, out);
      stream_.next_in += count;
      stream_.avail_in -= static_cast<uInt>(count);
      return count;
    }
    stream_.next_out = out;
    stream_.avail_out = static_cast<uInt>(wanted);
    while (stream_.avail_out > 0 && !(ended_ && stream_.avail_in == 0)) {
      if (ended_) next_member();
      const int result = inflate(&stream_, Z_NO_FLUSH);
      ended_ = result == Z_STREAM_END;
      if (result == Z_BUF_ERROR ||
          (result == Z_OK && stream_.avail_in == 0 && stream_.avail_out > 0)) {
        fail(file_, " is cut short: its gzip data has no end");
      }
      if (result != Z_OK && !ended_) {
        fail(file_, " is damaged: ",
             stream_.msg != nullptr ? stream_.msg : "its gzip data is wrong");
      }
    }
    return wanted - stream_.avail_out;
  }

  // A gzip file may be several, one after the other.
  void next_member() {
    if (!is_gzip(reinterpret_cast<const char*>(stream_.next_in),
                 stream_.avail_in)) {
      fail(file_, " is damaged: it has ", stream_.avail_in,
           " bytes behind its gzip data");
    }
    inflateReset(&stream_);
    ended_ = false;
  }

  std::string file_;
  std::string bytes_;  // As on the disk.
  bool packed_ = false;
  bool ended_ = false;  // The current gzip member.
  z_stream stream_ = {};
};

// The numbers of a header: four bytes each, the highest first.
uint32_t number(const std::vector<uint8_t>& bytes, size_t index) {
  uint32_t value = 0;
  for (size_t i = 4 * index; i < 4 * index + 4; ++i) {
    value = value << 8 | bytes[i];
  }
  return value;
}

// The name of the numbers that the third byte of a header stands for.
const char* type_name(uint32_t type) {
  switch (type) {
    case 0x08:
      return "uint8";
    case 0x09:
      return "int8";
    case 0x0b:
      return "int16";
    case 0x0c:
      return "int32";
    case 0x0d:
      return "float32";
    case 0x0e:
      return "float64";
    default:
      return nullptr;
  }
}

// The file `stem`-idx<rank>-ubyte of a folder, in any of its spellings.
std::string find(const std::string& folder, const std::string& stem, int rank) {
  const std::string rest = "idx" + std::to_string(rank) + "-ubyte";
  for (const char* dash : {"-", "."}) {
    for (const char* ending : {"", ".gz"}) {
      const fs::path file = fs::path(folder) / (stem + dash + rest + ending);
      std::error_code ignored;
      if (fs::exists(file, ignored)) return file.string();
    }
  }
  fail(folder, " must hold ", stem, "-", rest, " (or the same with .gz)");
}

LabelledImages read_part(const std::string& folder, const std::string& part,
                         int64_t classes) {
  const std::string image_file = find(folder, part + "-images", 3);
  const std::string label_file = find(folder, part + "-labels", 1);
  const at::Tensor images = read_idx(image_file, 3);
  const at::Tensor labels = read_idx(label_file, 1).to(at::kLong);
  if (images.size(0) != labels.size(0)) {
    fail(image_file, " has ", images.size(0), " images, but ", label_file,
         " has ", labels.size(0), " labels");
  }
  const at::Tensor wrong = (labels >= classes).nonzero();
  if (wrong.size(0) > 0) {
    const int64_t at = wrong[0][0].item<int64_t>();
    fail(label_file, ": labels must be below ", classes, ", got ",
         labels[at].item<int64_t>(), " as label ", at);
  }
  return {images, labels};
}

}  // namespace

at::Tensor read_idx(const std::string& file, int rank) {
  Content content(file);
  const size_t header_size = 4 + 4 * static_cast<size_t>(rank);
  const std::vector<uint8_t> start = content.next(4);
  if (start.size() == 4) {
    const uint32_t magic = number(start, 0);
    const char* type = type_name(magic >> 8);
    if (type == nullptr || (magic & 0xff) == 0) {
      fail(file, " is no IDX file: it begins with 0x", std::hex,
           std::setfill('0'), std::setw(8), magic);
    }
    if (magic >> 8 != 0x08) fail(file, " must hold uint8 numbers, got ", type);
    if ((magic & 0xff) != static_cast<uint32_t>(rank)) {
      fail(file, " must have ", rank, " dimensions, got ", magic & 0xff);
    }
  }
  const std::vector<uint8_t> header = content.next(header_size - 4);
  if (start.size() + header.size() < header_size) {
    fail(file, " is cut short: an IDX header has ", header_size, " bytes, got ",
         start.size() + header.size());
  }

  std::vector<int64_t> shape;
  uint64_t size = 1;
  for (size_t i = 0; i < static_cast<size_t>(rank); ++i) {
    shape.push_back(number(header, i));
    if (shape.back() == 0)
      fail(file, " holds nothing: its dimension ", i, " is 0");
    if (__builtin_mul_overflow(size, shape.back(), &size)) {
      fail(file, " is damaged: its header says ", at::IntArrayRef(shape));
    }
  }
  std::vector<uint8_t> numbers = content.next(size);
  if (numbers.size() < size) {
    fail(file, " is cut short: ", at::IntArrayRef(shape), " needs ", size,
         " bytes, got ", numbers.size());
  }
  if (!content.next(1).empty()) {
    fail(file, " is damaged: there is more behind its ", size, " bytes");
  }
  return at::from_blob(numbers.data(), shape, at::kByte).clone();
}

DataSet read_data_set(const std::string& folder, int64_t classes) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    fail("--data: ", folder, " is no folder");
  }
  DataSet set = {read_part(folder, "train", classes),
                 read_part(folder, "t10k", classes)};
  if (set.train.images.sizes().slice(1) != set.test.images.sizes().slice(1)) {
    fail(folder, ": train and test images must have the same size, got ",
         set.train.images.sizes(), " and ", set.test.images.sizes());
  }
  return set;
}

}  // namespace examples
