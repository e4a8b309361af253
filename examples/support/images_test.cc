#include "examples/support/images.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "sonnet/testing/message_of.h"

namespace examples {
namespace {

TEST(GetImages, SaysWhereFilesBelongWhenNothingIsChosen) {
  const std::string text =
      snt::message_of<std::runtime_error>([] { get_images({}); });
  for (const char* part : {"--data DIR", "train-images-idx3-ubyte",
                           "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                           "t10k-labels-idx1-ubyte", ".gz", "--synthetic"}) {
    EXPECT_THAT(text, testing::HasSubstr(part));
  }
  EXPECT_EQ(snt::message_of<std::runtime_error>(
                [] { get_images({.folder = "/no/folder"}); }),
            "--data: /no/folder is no folder");
}

TEST(GetImages, DrawsOthersToTestWith) {
  const DataSet small = get_images({.synthetic = true, .size = 1});
  EXPECT_EQ(small.train.images.size(0), 1);
  EXPECT_EQ(small.test.images.size(0), 10);

  const DataSet set = get_images({.synthetic = true, .size = 60, .seed = 4});
  EXPECT_EQ(set.test.images.size(0), 12);
  EXPECT_FALSE(set.train.images.slice(0, 0, 12).equal(set.test.images));
  const DataSet next = get_images({.synthetic = true, .size = 60, .seed = 5});
  EXPECT_FALSE(next.train.images.equal(set.train.images));
  EXPECT_FALSE(next.train.images.slice(0, 0, 12).equal(set.test.images));
  EXPECT_EQ(summary(set),
            "60 images of 28 x 28 to learn from, 12 to test with");
}

TEST(GetImages, SeedsWhatFollows) {
  const auto numbers = [](uint64_t seed) {
    get_images({.synthetic = true, .size = 1, .seed = seed});
    return at::rand({5});
  };
  const at::Tensor first = numbers(7);
  EXPECT_TRUE(numbers(7).equal(first));
  EXPECT_FALSE(numbers(8).equal(first));
}

TEST(ToFloats, MapsBytesToARange) {
  const at::Tensor bytes = at::tensor({0, 51, 255}, at::kByte).view({1, 3, 1});
  const at::Tensor floats = to_floats(bytes, -1, 1);
  EXPECT_EQ(floats.sizes(), at::IntArrayRef({1, 3, 1, 1}));
  EXPECT_TRUE(at::allclose(floats.flatten(),
                           at::tensor({-1.0, -0.6, 1.0}, at::kFloat)));
}

TEST(SomeOf, ChoosesAmongAll) {
  const at::Tensor images = at::arange(3, at::kByte).view({3, 1, 1});
  const at::Tensor some = some_of(images, 100, 0, 255);
  EXPECT_EQ(some.sizes(), at::IntArrayRef({100, 1, 1, 1}));
  EXPECT_EQ(std::get<0>(at::_unique(some)).numel(), 3);
}

}  // namespace
}  // namespace examples
