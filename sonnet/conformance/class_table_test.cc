#include "sonnet/conformance/class_table.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/options.h"
#include "sonnet/core/reflect.h"
#include "sonnet/layers/batch_apply.h"
#include "sonnet/layers/batch_norm.h"
#include "sonnet/layers/linear.h"

namespace snt::conformance::class_table_test {
namespace {

// What `signature` makes of one positional argument and is_training=true.
size_t bound(const Signature& signature) {
  const std::vector<Nest> args = {at::ones({1})};
  return signature.bind(args, {{"is_training", true}}, /*fill=*/false, "F")
      .size();
}

TEST(ClassTableTest, FindsRowsByName) {
  const ClassRow* linear = class_table().find_class("Linear");
  ASSERT_NE(linear, nullptr);
  EXPECT_EQ(linear->name, "Linear");
  EXPECT_EQ(class_table().find_class("linear"), nullptr);
  EXPECT_EQ(class_table().find_class("pad.causal"), nullptr);
  ASSERT_NE(class_table().find_function("pad.causal"), nullptr);
  EXPECT_EQ(class_table().find_function("Linear"), nullptr);
}

TEST(ClassTableTest, ALaterRowTakesThePlaceOfAnEarlierOne) {
  ClassTable table;
  ClassRow row;
  row.name = "A";
  table.add(row);
  row.is_abstract = true;
  table.add(row);
  EXPECT_EQ(table.classes().size(), 1);
  EXPECT_TRUE(table.find_class("A")->is_abstract);
}

TEST(ClassTableTest, AWrapperHasTheSignatureOfItsModule) {
  const ClassRow& batch_apply = *class_table().find_class("BatchApply");
  const auto wrapped = [&](Layer module) {
    return batch_apply.signature_of(to_config(BatchApply{std::move(module)}));
  };
  EXPECT_EQ(
      bound(wrapped(BatchNorm{.create_scale = true, .create_offset = true})),
      2);
  EXPECT_THROW(bound(wrapped(Linear{3})), TypeError);
  // Through another wrapper, and for a function, which takes its inputs only.
  EXPECT_EQ(bound(wrapped(BatchApply{
                BatchNorm{.create_scale = true, .create_offset = true}})),
            2);
  EXPECT_THROW(bound(wrapped([](const at::Tensor& x) { return x; })),
               TypeError);
}

TEST(ClassTableTest, ExampleArgumentsHaveTheDtypeAskedFor) {
  const std::vector<Nest> args = floats({2, 5})(at::kBFloat16);
  ASSERT_EQ(args.size(), 1);
  const at::Tensor& x = *args[0].get_if<at::Tensor>();
  EXPECT_EQ(x.scalar_type(), at::kBFloat16);
  EXPECT_EQ(x.sizes(), (at::IntArrayRef{2, 5}));
}

}  // namespace
}  // namespace snt::conformance::class_table_test
