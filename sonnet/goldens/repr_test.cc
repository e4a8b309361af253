#include "sonnet/goldens/repr.h"

#include <gtest/gtest.h>

#include <string>

namespace snt::goldens::repr_test {
namespace {

TEST(ReprTest, PythonObjectsAreComparedAsFarAsTheySaySomething) {
  EXPECT_TRUE(repr_matches("A(b=[3, 4])", "A(b=(3, 4))", true));
  EXPECT_TRUE(repr_matches("A(b=[3])", "A(b=TensorShape([3]))", true));
  EXPECT_FALSE(repr_matches("A(b=[3, 5])", "A(b=(3, 4))", true));
  EXPECT_TRUE(repr_matches("A(b=1.0)", "A(b=1)", true));
  EXPECT_TRUE(repr_matches("A(b=1.0, c=2)", "A(b=1, c=2)", true));
  EXPECT_FALSE(repr_matches("A(b=1)", "A(b=1.0)", true));
  EXPECT_FALSE(repr_matches("A(b=1.5)", "A(b=1)", true));
  EXPECT_FALSE(repr_matches("A(\n    b=1,\n)", "A(b=1)", true));
  EXPECT_TRUE(repr_matches("A(b=[1.5, {'a': [B(), C(d=2)]}])",
                           "A(b=(1.5, {'a': (B(), C(d=2))}))", true));
  EXPECT_TRUE(repr_matches("A(b=[0.5])", "A(b=(0.5,))", true));
  const std::string object =
      "A(\n    b=<sonnet.src.initializers.Zeros object at 0x0>,\n    c=2,\n)";
  EXPECT_TRUE(repr_matches("A(b=Zeros(), c=2)", object, false));
  EXPECT_FALSE(repr_matches("A(b=Ones(), c=2)", object, false));
  EXPECT_FALSE(repr_matches("A(b=Zeros(), c=3)", object, false));
  EXPECT_TRUE(repr_matches("A(f=relu)", "A(f=<function relu at 0x0>)", false));
  EXPECT_FALSE(repr_matches("A(f=tanh)", "A(f=<function relu at 0x0>)", false));
  EXPECT_TRUE(repr_matches("A(b=[C(f=relu)], d=2)",
                           "A(\n    b=[C(\n          f=<function relu at 0x0>,"
                           "\n      )],\n    d=2,\n)",
                           false));
}

TEST(MessageTest, SonnetsWordsMustStandInIt) {
  EXPECT_TRUE(message_matches("[A] x must have rank >= 2, got shape [4]",
                              "Shape (4,) must have rank >= 2"));
  EXPECT_TRUE(message_matches("[A] x must have rank >= 2, got shape []",
                              "Shape () must have rank >= 2"));
  EXPECT_FALSE(message_matches("[A] x must have rank >= 2, got shape [5]",
                               "Shape (4,) must have rank >= 2"));
  EXPECT_TRUE(message_matches("[A] no such key 'b'", "\"no such key 'b'\""));
  EXPECT_TRUE(message_matches("[A] Invalid `mode` argument: foo",
                              "('Invalid `mode` argument:', 'foo')"));
  EXPECT_TRUE(message_matches("[A] inputs must have dtype float64, got float32",
                              "inputs must have dtype tf.float64, got "
                              "tf.float32"));
  EXPECT_TRUE(message_matches("[A] DType of update float64 is not equal to x",
                              "DType of update <tf.Tensor: shape=(2,), "
                              "numpy=array([0., 1.])> is not equal to <a>"));
  EXPECT_FALSE(message_matches("[A] got int64", "got <dtype: 'int32'>"));
}

}  // namespace
}  // namespace snt::goldens::repr_test
