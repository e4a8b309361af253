#include "sonnet/layers/data_format.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sonnet/core/errors.h"
#include "sonnet/testing/message_of.h"

namespace snt::data_format_test {
namespace {

TEST(DataFormatTest, KnowsAllFamilies) {
  for (const char* first : {"channels_first", "NC", "NCW", "NCHW", "NCDHW"}) {
    EXPECT_EQ(utils::get_channel_index(first), 1) << first;
    EXPECT_TRUE(utils::is_channels_first(first)) << first;
  }
  for (const char* last : {"channels_last", "NWC", "NHWC", "NDHWC", "BTWHD",
                           "TBD", "BTD", "TBWD"}) {
    EXPECT_EQ(utils::get_channel_index(last), -1) << last;
    EXPECT_FALSE(utils::is_channels_first(last)) << last;
  }
}

TEST(DataFormatTest, RefusesEverythingElse) {
  for (const char* wrong : {"", "N", "NHW", "HWC", "NCHC", "BTDTD", "BT", "TD",
                            "nhwc", "channel_last", "CHANNELS_LAST"}) {
    EXPECT_THROW(utils::get_channel_index(wrong), ValueError) << wrong;
  }
  EXPECT_EQ(message_of([] { utils::is_channels_first("foo"); }),
            "[get_channel_index] Unable to extract channel information from "
            "'foo'. Valid data formats are spatial (e.g.`NCHW`), sequential "
            "(e.g. `BTHWD`), `channels_first` and `channels_last`).");
}

TEST(DataFormatTest, ChannelsMoveAsViews) {
  const at::Tensor x = at::randn({2, 3, 4, 5});
  const at::Tensor first = detail::to_channels_first(x, "NHWC");
  EXPECT_EQ(first.sizes(), at::IntArrayRef({2, 5, 3, 4}));
  EXPECT_EQ(first.data_ptr(), x.data_ptr());
  EXPECT_TRUE(first.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(detail::from_channels_first(first, "NHWC").equal(x));
  EXPECT_TRUE(detail::to_channels_first(x, "NCHW").is_same(x));
  EXPECT_TRUE(detail::from_channels_first(x, "NCHW").is_same(x));
}

TEST(DataFormatTest, ChannelShapesBroadcast) {
  EXPECT_EQ(detail::channel_shape(3, 4, "NHWC"), std::vector<int64_t>({3}));
  EXPECT_EQ(detail::channel_shape(3, 4, "NCHW"),
            std::vector<int64_t>({3, 1, 1}));
  EXPECT_EQ(detail::channel_shape(3, 2, "NC"), std::vector<int64_t>({3}));
}

}  // namespace
}  // namespace snt::data_format_test
