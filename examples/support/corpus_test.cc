#include "examples/support/corpus.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace examples::corpus_test {
namespace {

TEST(CorpusTest, ChunksReadAtManyPlaces) {
  const at::Tensor text = at::arange(13, at::kLong);
  const auto got = chunks(text, 2, 3);
  ASSERT_EQ(got.size(), 2);
  const at::Tensor first = at::tensor({0, 6, 1, 7, 2, 8, 3, 9}, at::kLong);
  const at::Tensor last = at::tensor({3, 9, 4, 10, 5, 11}, at::kLong);
  EXPECT_TRUE(at::equal(got[0], first.view({4, 2})));
  EXPECT_TRUE(at::equal(got[1], last.view({3, 2})));
  EXPECT_EQ(chunks(text, 2, 5).size(), 1);
  try {
    chunks(text, 2, 6);
    FAIL() << "accepted a text that is too short";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()),
              "--batch, --length: 2 places of 7 characters are needed, got 13 "
              "characters");
  }
}

TEST(CorpusTest, WindowsAreFollowedByTheNextCharacter) {
  const auto [contexts, next] =
      windows(at::arange(9, at::kLong), at::tensor({4, 0}, at::kLong), 3);
  const at::Tensor want = at::tensor({4, 5, 6, 0, 1, 2}, at::kLong);
  EXPECT_TRUE(at::equal(contexts, want.view({2, 3})));
  EXPECT_TRUE(at::equal(next, at::tensor({7, 3}, at::kLong)));
}

}  // namespace
}  // namespace examples::corpus_test
