#include "examples/support/idx.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "sonnet/testing/message_of.h"

namespace examples {
namespace {

namespace fs = std::filesystem;
using ::testing::EndsWith;
using ::testing::StartsWith;

// A header (type, dimensions) and `count` bytes 0, 1, 2, ...
std::string idx_bytes(int type, const std::vector<int>& shape, size_t count) {
  std::string bytes = {0, 0, static_cast<char>(type),
                       static_cast<char>(shape.size())};
  for (const int size : shape) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes += static_cast<char>(size >> shift);
    }
  }
  for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(i % 10);
  return bytes;
}

std::string gzipped(const std::string& bytes) {
  std::string packed(compressBound(bytes.size()) + 32, '\0');
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

class IdxTest : public testing::Test {
 protected:
  IdxTest() : folder_(fs::temp_directory_path() / ("idx-" + unique())) {
    fs::create_directory(folder_);
  }
  ~IdxTest() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  // The four files of a correct data set.
  void write_set() const {
    write("train-images-idx3-ubyte", idx_bytes(8, {3, 2, 4}, 24));
    write("train-labels-idx1-ubyte.gz", gzipped(idx_bytes(8, {3}, 3)));
    write("t10k-images.idx3-ubyte", idx_bytes(8, {2, 2, 4}, 16));
    write("t10k-labels-idx1-ubyte", idx_bytes(8, {2}, 2));
  }
  // What reading says of a file with these bytes, without the file's name.
  std::string complaint(const std::string& bytes, int rank = 3) const {
    const std::string file = write("bad", bytes);
    const std::string text =
        snt::message_of<std::runtime_error>([&] { read_idx(file, rank); });
    EXPECT_THAT(text, StartsWith(file));
    return text.substr(std::min(text.size(), file.size()));
  }
  std::string set_complaint(int64_t classes = 10) const {
    return snt::message_of<std::runtime_error>(
        [&] { read_data_set(folder_.string(), classes); });
  }

 private:
  static std::string unique() {
    return std::to_string(::getpid()) + "-" +
           testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  fs::path folder_;
};

TEST_F(IdxTest, ReadsTheSmallestFile) {
  const at::Tensor one = read_idx(write("one", idx_bytes(8, {1}, 1)), 1);
  EXPECT_TRUE(one.equal(at::zeros({1}, at::kByte)));
}

TEST_F(IdxTest, ReadsRowsOfRows) {
  const std::string bytes = idx_bytes(8, {3, 2, 4}, 24);
  const at::Tensor expected =
      at::arange(24, at::kLong).remainder(10).to(at::kByte).view({3, 2, 4});
  EXPECT_TRUE(read_idx(write("plain", bytes), 3).equal(expected));
  EXPECT_TRUE(read_idx(write("packed", gzipped(bytes)), 3).equal(expected));
}

TEST_F(IdxTest, ReadsGzipInSeveralPieces) {
  const std::string bytes = idx_bytes(8, {1000, 3, 1000}, 3000000);
  const std::string packed =
      gzipped(bytes.substr(0, 7)) + gzipped(bytes.substr(7));
  EXPECT_TRUE(read_idx(write("pieces", packed), 3)
                  .equal(read_idx(write("plain", bytes), 3)));
}

TEST_F(IdxTest, NamesWhatIsWrongWithAFile) {
  const std::string good = idx_bytes(8, {3, 2, 4}, 24);
  EXPECT_EQ(complaint(""), " is cut short: an IDX header has 16 bytes, got 0");
  EXPECT_EQ(complaint(good.substr(0, 3)),
            " is cut short: an IDX header has 16 bytes, got 3");
  EXPECT_EQ(complaint(good.substr(0, 15)),
            " is cut short: an IDX header has 16 bytes, got 15");
  EXPECT_EQ(complaint(good.substr(0, 39)),
            " is cut short: [3, 2, 4] needs 24 bytes, got 23");
  EXPECT_EQ(complaint(good + "x"),
            " is damaged: there is more behind its 24 bytes");
  EXPECT_EQ(complaint("PNG, not IDX, but long enough"),
            " is no IDX file: it begins with 0x504e472c");
  EXPECT_EQ(complaint(idx_bytes(8, {}, 24)),
            " is no IDX file: it begins with 0x00000800");
  EXPECT_EQ(complaint(idx_bytes(0x0d, {3, 2, 4}, 96)),
            " must hold uint8 numbers, got float32");
  EXPECT_EQ(complaint(good, 1), " must have 1 dimensions, got 3");
  EXPECT_EQ(complaint(idx_bytes(8, {3, 0, 4}, 0)),
            " holds nothing: its dimension 1 is 0");
}

TEST_F(IdxTest, TakesNoMemoryForSizesThatAreNotThere) {
  EXPECT_EQ(complaint(idx_bytes(8, {-1, -1, 1}, 5)),
            " is cut short: [4294967295, 4294967295, 1] needs "
            "18446744065119617025 bytes, got 5");
  EXPECT_EQ(complaint(idx_bytes(8, {-1, -1, 2}, 5)),
            " is damaged: its header says [4294967295, 4294967295, 2]");
}

TEST_F(IdxTest, NamesWhatIsWrongWithGzip) {
  const std::string packed = gzipped(idx_bytes(8, {3, 2, 4}, 24));
  for (size_t size = 2; size < packed.size(); ++size) {
    EXPECT_EQ(complaint(packed.substr(0, size)),
              " is cut short: its gzip data has no end")
        << size;
  }
  std::string changed = packed;
  changed[packed.size() - 6] ^= 1;  // In the checksum.
  EXPECT_EQ(complaint(changed), " is damaged: incorrect data check");
  changed = packed;
  changed[10] ^= 7;  // The kind of the first block.
  EXPECT_THAT(complaint(changed), StartsWith(" is damaged: "));
  EXPECT_EQ(complaint(packed + "more"),
            " is damaged: it has 4 bytes behind its gzip data");
  EXPECT_EQ(complaint(gzipped(idx_bytes(8, {3, 2, 4}, 23))),
            " is cut short: [3, 2, 4] needs 24 bytes, got 23");
  EXPECT_EQ(complaint(gzipped(idx_bytes(8, {3, 2, 4}, 25))),
            " is damaged: there is more behind its 24 bytes");
}

TEST_F(IdxTest, NamesAFileThatCannotBeRead) {
  const auto message = [](const std::string& file) {
    return snt::message_of<std::runtime_error>([&] { read_idx(file, 1); });
  };
  EXPECT_EQ(message("/no/such/file"), "cannot read /no/such/file");
  EXPECT_EQ(message("/tmp"), "/tmp is a directory");
  EXPECT_EQ(message("/dev/zero"), "/dev/zero is no regular file");
  // It opens, and then every read fails.
  EXPECT_EQ(message("/proc/self/mem"), "cannot read /proc/self/mem");
}

TEST_F(IdxTest, ReadsADataSet) {
  write_set();
  const DataSet set = read_data_set(path(""), 10);
  EXPECT_EQ(set.train.images.sizes(), at::IntArrayRef({3, 2, 4}));
  EXPECT_TRUE(set.train.labels.equal(at::arange(3, at::kLong)));
  EXPECT_EQ(set.test.images.sizes(), at::IntArrayRef({2, 2, 4}));
  EXPECT_TRUE(set.test.labels.equal(at::arange(2, at::kLong)));
}

TEST_F(IdxTest, NamesWhatIsWrongWithADataSet) {
  write_set();
  EXPECT_EQ(set_complaint(2), path("train-labels-idx1-ubyte.gz") +
                                  ": labels must be below 2, got 2 as label 2");

  write("t10k-labels-idx1-ubyte", idx_bytes(8, {3}, 3));
  EXPECT_EQ(set_complaint(),
            path("t10k-images.idx3-ubyte") + " has 2 images, but " +
                path("t10k-labels-idx1-ubyte") + " has 3 labels");

  write("t10k-labels-idx1-ubyte", idx_bytes(8, {2}, 2));
  write("t10k-images.idx3-ubyte", idx_bytes(8, {2, 4, 2}, 16));
  EXPECT_THAT(set_complaint(),
              EndsWith("must have the same size, got [3, 2, 4] and [2, 4, 2]"));

  fs::remove(path("t10k-images.idx3-ubyte"));
  EXPECT_THAT(
      set_complaint(),
      EndsWith(" must hold t10k-images-idx3-ubyte (or the same with .gz)"));
  fs::create_directory(path("t10k-images-idx3-ubyte"));
  EXPECT_THAT(set_complaint(),
              EndsWith("t10k-images-idx3-ubyte is a directory"));

  EXPECT_EQ(snt::message_of<std::runtime_error>(
                [] { read_data_set("/no/such/folder", 10); }),
            "--data: /no/such/folder is no folder");
}

}  // namespace
}  // namespace examples
