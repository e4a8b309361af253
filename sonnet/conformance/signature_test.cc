#include "sonnet/conformance/signature.h"

#include <gtest/gtest.h>

#include "sonnet/core/errors.h"

namespace {

using snt::Nest;
using snt::conformance::Keywords;
using snt::conformance::Signature;

std::vector<Nest> bind(const Signature& signature, std::vector<Nest> args,
                       const Keywords& keywords, bool fill = false) {
  return signature.bind(args, keywords, fill, "F");
}

TEST(SignatureTest, BindsArgumentsByName) {
  const Signature signature("x, is_training, scale=None, eps=1e-5, mode='a'");
  EXPECT_EQ(bind(signature, {1, true}, {}).size(), 2);
  const auto args = bind(signature, {1}, {{"eps", 0.5}, {"is_training", true}});
  ASSERT_EQ(args.size(), 4);
  EXPECT_TRUE(*args[1].get_if<bool>());
  EXPECT_TRUE(args[2].is_none());
  EXPECT_EQ(*args[3].get_if<double>(), 0.5);

  const auto filled = bind(signature, {1, true}, {}, /*fill=*/true);
  ASSERT_EQ(filled.size(), 5);
  EXPECT_EQ(*filled[3].get_if<double>(), 1e-5);
  EXPECT_EQ(*filled[4].get_if<std::string>(), "a");
}

TEST(SignatureTest, RefusesWhatDoesNotFit) {
  const Signature signature("x, is_training, scale=None");
  EXPECT_THROW(bind(signature, {1}, {{"scale", 2}}), snt::TypeError);
  EXPECT_THROW(bind(signature, {1}, {{"other", 2}}), snt::TypeError);
  EXPECT_THROW(bind(signature, {1}, {{"x", 2}}), snt::TypeError);
  EXPECT_THROW(bind(signature, {1}, {}, /*fill=*/true), snt::TypeError);
}

}  // namespace
