#include "examples/support/png.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "sonnet/testing/message_of.h"

namespace examples {
namespace {

namespace fs = std::filesystem;

// What libpng reads from a grey file.
at::Tensor read_png(const std::string& file) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_file(&image, file.c_str()), 0);
  EXPECT_EQ(image.format, static_cast<png_uint_32>(PNG_FORMAT_GRAY));
  at::Tensor picture = at::empty({image.height, image.width}, at::kByte);
  EXPECT_NE(png_image_finish_read(&image, nullptr, picture.data_ptr<uint8_t>(),
                                  0, nullptr),
            0);
  return picture;
}

class PngTest : public testing::Test {
 protected:
  PngTest()
      : folder_(fs::temp_directory_path() /
                ("png-" + std::to_string(::getpid()))) {
    fs::create_directory(folder_);
  }
  ~PngTest() override { fs::remove_all(folder_); }

  fs::path folder_;
};

TEST_F(PngTest, WritesWhatIsReadAgain) {
  const std::string file = (folder_ / "a.png").string();
  const at::Tensor picture =
      at::arange(5 * 7, at::kLong).mul(7).to(at::kByte).view({5, 7});
  write_png(file, picture);
  EXPECT_TRUE(read_png(file).equal(picture));
  write_png(file, picture.t());  // Not contiguous, over the first.
  EXPECT_TRUE(read_png(file).equal(picture.t()));
}

TEST_F(PngTest, LeavesNothingBehindWhenItFails) {
  const at::Tensor picture = at::zeros({2, 3}, at::kByte);
  const auto message = [&](const fs::path& file) {
    return snt::message_of<std::runtime_error>(
        [&] { write_png(file.string(), picture); });
  };
  EXPECT_EQ(message("/no/folder/a.png"),
            "cannot write /no/folder/a.png: No such file or directory");
  const fs::path full = folder_ / "folder.png";
  fs::create_directories(full / "something");
  EXPECT_EQ(message(full),
            "cannot write " + full.string() + ": Is a directory");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST(Tile, PutsImagesSideBySide) {
  const at::Tensor images = at::tensor({10, 11, 20, 21, 30, 31}, at::kByte);
  const at::Tensor picture = tile(images.view({3, 1, 2}), 2);
  // A line of 2 around each image of 1 x 2.
  EXPECT_EQ(picture.sizes(), at::IntArrayRef({8, 10}));
  const auto pixel = [&](int64_t row, int64_t column) {
    return picture[row][column].item<int>();
  };
  EXPECT_THAT((std::vector<int>{pixel(2, 2), pixel(2, 3), pixel(2, 6),
                                pixel(2, 7), pixel(5, 2), pixel(5, 3)}),
              testing::ElementsAre(10, 11, 20, 21, 30, 31));
  EXPECT_EQ(pixel(5, 6), 0);   // No fourth image.
  EXPECT_EQ(pixel(2, 4), 64);  // The line.
}

TEST(Tile, RoundsFloatsAndCutsThemOff) {
  const at::Tensor picture =
      tile(at::tensor({-0.5, 0.0, 0.5, 1.0, 1.5}).view({1, 1, 5, 1}), 1);
  EXPECT_TRUE(picture.narrow(0, 2, 1).narrow(1, 2, 5).equal(
      at::tensor({0, 0, 128, 255, 255}, at::kByte).view({1, 5})));
}

}  // namespace
}  // namespace examples
