#include "sonnet/layers/embed.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sonnet/core/build.h"
#include "sonnet/core/clone.h"
#include "sonnet/core/errors.h"
#include "sonnet/core/gradients.h"
#include "sonnet/core/options.h"
#include "sonnet/core/random.h"
#include "sonnet/core/variables.h"
#include "sonnet/initializers/constant.h"
#include "sonnet/testing/expect_close.h"
#include "sonnet/testing/expect_gradients.h"
#include "sonnet/testing/message_of.h"
#include "sonnet/testing/uneven.h"

namespace snt::embed_test {
namespace {

using Sizes = std::vector<int64_t>;

struct Net {
  Embed words{.vocab_size = 4, .embed_dim = 2};
};

at::Tensor some_rows(at::IntArrayRef shape, at::ScalarType dtype) {
  return uneven(shape, dtype, 5);
}

// The same ids for each shape: 1, 0, 3, 3, 2, ...
at::Tensor some_ids(const Sizes& shape, at::ScalarType dtype) {
  const at::Tensor cycle = at::tensor({1, 0, 3, 3, 2}, dtype);
  const int64_t n = at::empty(shape).numel();
  return cycle.repeat({n / 5 + 1}).slice(0, 0, n).reshape(shape);
}

TEST(EmbedTest, LooksUpRows) {
  for (const Sizes& shape : {Sizes{}, Sizes{0}, Sizes{2, 0, 3}, Sizes{1},
                             Sizes{5}, Sizes{2, 3}, Sizes{2, 1, 3, 2, 2}}) {
    for (at::ScalarType ids_dtype : {at::kInt, at::kLong}) {
      for (bool densify : {true, false}) {
        const Embed embed{.vocab_size = 4,
                          .embed_dim = 3,
                          .densify_gradients = densify,
                          .initializer = some_rows,
                          .dtype = at::kDouble};
        const at::Tensor ids = some_ids(shape, ids_dtype);
        const at::Tensor y = embed(ids);
        Sizes want = shape;
        want.push_back(3);
        ASSERT_EQ(y.sizes(), at::IntArrayRef(want));
        const at::Tensor rows = y.reshape({-1, 3});
        const at::Tensor flat = ids.reshape({-1});
        for (int64_t i = 0; i < flat.numel(); ++i) {
          EXPECT_TRUE(at::equal(
              rows[i], embed.embeddings.value()[flat[i].item<int64_t>()]));
        }
      }
    }
  }
}

TEST(EmbedTest, SmallTables) {
  EXPECT_EQ((Embed{.vocab_size = 1, .embed_dim = 1}(at::zeros({2}, at::kLong))
                 .sizes()),
            at::IntArrayRef({2, 1}));
  EXPECT_EQ((Embed{.vocab_size = 3, .embed_dim = 0}(at::zeros({2}, at::kLong))
                 .sizes()),
            at::IntArrayRef({2, 0}));
}

TEST(EmbedTest, Dtypes) {
  for (at::ScalarType dtype :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    for (bool densify : {true, false}) {
      const Embed embed{.vocab_size = 4,
                        .embed_dim = 3,
                        .densify_gradients = densify,
                        .dtype = dtype};
      const at::Tensor y = embed(at::tensor({3, 1}, at::kInt));
      EXPECT_EQ(embed.embeddings.dtype(), dtype);
      expect_close(y[0], embed.embeddings.value()[3], dtype);
      const at::Tensor gradient =
          snt::gradients(y.sum(), {embed.embeddings})[0];
      EXPECT_EQ(gradient.scalar_type(), dtype);
      EXPECT_EQ(gradient.is_sparse(), !densify);
    }
  }
}

// Sparse gradients hold a row for each id; added up they are the dense ones.
TEST(EmbedTest, SparseGradientsAreTheDenseOnes) {
  for (at::ScalarType ids_dtype : {at::kInt, at::kLong}) {
    for (const Sizes& shape : {Sizes{0}, Sizes{5}, Sizes{2, 3}, Sizes{}}) {
      const Embed sparse{.vocab_size = 5,
                         .embed_dim = 3,
                         .initializer = some_rows,
                         .dtype = at::kDouble};
      const Embed dense{.vocab_size = 5,
                        .embed_dim = 3,
                        .densify_gradients = true,
                        .initializer = some_rows,
                        .dtype = at::kDouble};
      const at::Tensor ids = some_ids(shape, ids_dtype);
      const at::Tensor a = sparse(ids);
      const at::Tensor weights = uneven(a.sizes(), at::kDouble, 3);
      const at::Tensor b = dense(ids);
      const at::Tensor got =
          snt::gradients((a * weights).sum(), {sparse.embeddings})[0];
      const at::Tensor want =
          snt::gradients((b * weights).sum(), {dense.embeddings})[0];
      ASSERT_TRUE(got.is_sparse());
      ASSERT_FALSE(want.is_sparse());
      EXPECT_EQ(got._indices().scalar_type(), at::kLong);
      EXPECT_EQ(got._nnz(), ids.numel());
      expect_close(got.to_dense(), want);
      // Row 4 is never asked for, row 3 twice.
      expect_close(want[4], at::zeros({3}, at::kDouble));
      if (ids.numel() == 5) expect_close(want[3], weights[2] + weights[3]);
    }
  }
}

TEST(EmbedTest, Gradients) {
  for (bool densify : {true, false}) {
    const Embed embed{.vocab_size = 4,
                      .embed_dim = 2,
                      .densify_gradients = densify,
                      .dtype = at::kDouble};
    const at::Tensor ids = at::tensor({2, 0, 2, 3});
    embed(ids);
    expect_gradients([&] { return embed(ids).sin(); },
                     {embed.embeddings.value()});
  }
}

// Many equal ids of a half type: the sum is that of float32, rounded once.
TEST(EmbedTest, DenseGradientsOfHalfTypesAddUpInFloat32) {
  const Embed embed{.vocab_size = 2,
                    .embed_dim = 1,
                    .densify_gradients = true,
                    .dtype = at::kHalf};
  const at::Tensor y = embed(at::zeros({3000}, at::kLong));
  const at::Tensor gradient = snt::gradients(y.sum(), {embed.embeddings})[0];
  EXPECT_EQ(gradient[0].item<double>(), 3000);
  EXPECT_EQ(gradient[1].item<double>(), 0);
}

TEST(EmbedTest, ExistingVocab) {
  const at::Tensor vocab = uneven({4, 3});
  const Embed embed{.existing_vocab = vocab};
  const at::Tensor y = embed(at::tensor({2, 0}));
  EXPECT_EQ(embed.embeddings.dtype(), at::kFloat);
  EXPECT_TRUE(embed.embeddings.trainable());
  expect_close(embed.embeddings.value(), vocab, at::kFloat);
  expect_close(y, vocab.index_select(0, at::tensor({2, 0})), at::kFloat);
  // It is copied: training changes the table, not what was given.
  embed.embeddings.assign(at::zeros({4, 3}));
  expect_close(vocab, uneven({4, 3}));
  // As in Python, a 0 is nothing.
  EXPECT_EQ((Embed{.vocab_size = 0, .existing_vocab = vocab}(at::tensor({1}))
                 .sizes()),
            at::IntArrayRef({1, 3}));
}

TEST(EmbedTest, NotTrainable) {
  const Embed embed{.vocab_size = 4, .embed_dim = 2, .trainable = false};
  const at::Tensor y = embed(at::tensor({1}));
  EXPECT_FALSE(embed.embeddings.trainable());
  EXPECT_FALSE(y.requires_grad());
  EXPECT_EQ(variables(embed).size(), 1);
  EXPECT_TRUE(trainable_variables(embed, {.allow_empty = true}).empty());
}

TEST(EmbedTest, InitialValues) {
  snt::seed(3);
  const Embed embed{.vocab_size = 1000, .embed_dim = 100};
  embed(at::tensor({1}));
  const at::Tensor table = embed.embeddings.value().detach().to(at::kDouble);
  // As in linear_test.cc.
  EXPECT_LE(table.abs().max().item<double>(), 2);
  EXPECT_NEAR(table.mean().item<double>(), 0, 5 * 0.88 / std::sqrt(1e5));
  EXPECT_NEAR(table.std().item<double>() / 0.87962566, 1, 5 / std::sqrt(2e5));
}

// Looking up commutes with any order of the ids.
TEST(EmbedTest, ExamplesOfABatchAreIndependent) {
  const Embed embed{.vocab_size = 4};
  const at::Tensor ids = some_ids({5}, at::kLong);
  const at::Tensor order = at::tensor({2, 0, 4, 3, 1});
  EXPECT_TRUE(at::equal(embed(ids.index_select(0, order)),
                        embed(ids).index_select(0, order)));
}

TEST(EmbedTest, CopiesShareAndClonesDoNot) {
  const Embed embed{.vocab_size = 4};
  const Embed copy = embed;
  const Embed other = clone(embed);
  const at::Tensor ids = at::tensor({3, 1});
  const at::Tensor y = embed(ids);
  EXPECT_TRUE(at::equal(copy(ids), y));
  EXPECT_EQ(copy.embeddings, embed.embeddings);
  EXPECT_FALSE(at::allclose(other(ids), y));
}

TEST(EmbedTest, Options) {
  EXPECT_EQ(repr(Embed{.vocab_size = 7, .embed_dim = 3}),
            "Embed(vocab_size=7, embed_dim=3)");
  EXPECT_EQ(repr(Embed{.vocab_size = 5, .dtype = at::kDouble}),
            "Embed(vocab_size=5, dtype=tf.float64)");
  EXPECT_EQ(
      repr(Embed{
          6, 4, {}, true, initializers::Ones{}, false, at::kHalf, "words"}),
      "Embed(\n"
      "    vocab_size=6,\n"
      "    embed_dim=4,\n"
      "    densify_gradients=True,\n"
      "    initializer=Ones(),\n"
      "    trainable=False,\n"
      "    dtype=tf.float16,\n"
      "    name='words',\n"
      ")");
  EXPECT_EQ(to_json(Embed{.vocab_size = 7}),
            R"({"vocab_size":7,"embed_dim":null,"existing_vocab":null,)"
            R"("densify_gradients":false,"initializer":null,)"
            R"("trainable":true,"dtype":"float32"})");
  const Embed read =
      from_json<Embed>(R"({"existing_vocab": [[1, 2], [3, 4], [5, 6]]})");
  EXPECT_TRUE(
      at::equal(read(at::tensor({1})), at::tensor({3.f, 4.f}).view({1, 2})));
}

TEST(EmbedTest, ErrorsOfOptions) {
  const at::Tensor ids = at::tensor({1});
  const at::Tensor vocab = at::ones({3, 2});
  EXPECT_STREQ(message_of([&] { Embed{}(ids); }).c_str(),
               "[Embed] Must provide one of vocab_size or existing_vocab.");
  const std::string too_much =
      "[Embed] If `existing_vocab` is provided, none of `vocab_size`, "
      "`embedding_dim`, `initializer` are needed.";
  for (const Embed& embed :
       {Embed{.vocab_size = 3, .existing_vocab = vocab},
        Embed{.embed_dim = 2, .existing_vocab = vocab},
        Embed{.existing_vocab = vocab, .initializer = initializers::Zeros{}}}) {
    EXPECT_EQ(message_of([&] { embed(ids); }), too_much);
    EXPECT_EQ(message_of([&] { build(embed, ids); }), too_much);
  }
  EXPECT_STREQ(message_of([&] { Embed{.vocab_size = -2}(ids); }).c_str(),
               "[Embed] Invalid vocab_size -2.");
  EXPECT_STREQ(message_of([&] { Embed{.vocab_size = 0}(ids); }).c_str(),
               "[Embed] Invalid vocab_size 0.");
  EXPECT_EQ(
      message_of([] { Embed{.vocab_size = 3, .dtype = at::kInt}.check(); }),
      "[Embed] Expected floating point type, got <dtype: 'int32'>");
  EXPECT_STREQ(
      message_of([&] { Embed{.vocab_size = 3, .embed_dim = -1}(ids); }).c_str(),
      "[Embed] embed_dim must be >= 0, got -1");
  EXPECT_STREQ(
      message_of([&] { Embed{.existing_vocab = at::ones({3})}(ids); }).c_str(),
      "[Embed] existing_vocab must have rank 2, got shape [3]");
}

TEST(EmbedTest, ErrorsOfIds) {
  for (bool densify : {true, false}) {
    const Embed embed{
        .vocab_size = 3, .embed_dim = 2, .densify_gradients = densify};
    EXPECT_STREQ(message_of([&] {
                   embed(at::tensor({0, 3, 1}));
                 }).c_str(),
                 "[Embed] ids must be in [0, 3), got ids from 0 to 3");
    EXPECT_STREQ(message_of([&] {
                   embed(at::tensor({2, -1}));
                 }).c_str(),
                 "[Embed] ids must be in [0, 3), got ids from -1 to 2");
    EXPECT_STREQ(message_of([&] {
                   embed(at::full({2, 2}, 7, at::kInt));
                 }).c_str(),
                 "[Embed] ids must be in [0, 3), got ids from 7 to 7");
    EXPECT_STREQ(message_of<TypeError>([&] { embed(at::ones({2})); }).c_str(),
                 "[Embed] ids must be int32 or int64, got float32");
  }
  const Net net;
  build(net.words, at::tensor({1}));
  named_variables(net);
  EXPECT_STREQ(message_of([&] { net.words(at::tensor({4})); }).c_str(),
               "[Embed words] ids must be in [0, 4), got ids from 4 to 4");
  EXPECT_STREQ(message_of<TypeError>([&] {
                 net.words(at::ones({2}, at::kBool));
               }).c_str(),
               "[Embed words] ids must be int32 or int64, got bool");
}

TEST(EmbeddingDimTest, Table) {
  // 6 * 1.5^4^(1/4) = 9; round(6 * 2^(1/4)) = 7; the rest is Sonnet's.
  const std::vector<std::pair<int64_t, int64_t>> table = {
      {1, 6},      {2, 7},      {5, 9},       {10, 11},  {16, 12},
      {50, 16},    {81, 18},    {100, 19},    {625, 30}, {1000, 34},
      {10000, 60}, {12345, 63}, {160000, 120}};
  for (const auto& [vocab_size, columns] : table) {
    EXPECT_EQ(embedding_dim(vocab_size), columns) << vocab_size;
    if (vocab_size > 1000) continue;
    const Embed embed{.vocab_size = vocab_size};
    EXPECT_EQ(embed(at::tensor({0})).size(1), columns);
  }
  EXPECT_STREQ(message_of([] { embedding_dim(0); }).c_str(),
               "[embedding_dim] Invalid vocab_size 0.");
  EXPECT_STREQ(message_of([] { embedding_dim(-5); }).c_str(),
               "[embedding_dim] Invalid vocab_size -5.");
}

}  // namespace
}  // namespace snt::embed_test
