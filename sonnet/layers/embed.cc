#include "sonnet/layers/embed.h"

#include <ATen/ATen.h>

#include <cmath>

#include "sonnet/core/errors.h"
#include "sonnet/core/scope.h"
#include "sonnet/initializers/distributions.h"
#include "sonnet/initializers/dtypes.h"
#include "sonnet/layers/lookup.h"

namespace snt {

void Embed::check() const {
  const bool existing = existing_vocab.defined();
  snt::check(vocab_size.has_value() || existing, "Embed",
             "Must provide one of vocab_size or existing_vocab.");
  // As in Python, a 0 beside existing_vocab is nothing.
  snt::check(!existing || (vocab_size.value_or(0) == 0 &&
                           embed_dim.value_or(0) == 0 && !initializer),
             "Embed",
             "If `existing_vocab` is provided, none of `vocab_size`, "
             "`embedding_dim`, `initializer` are needed.");
  snt::check(!existing || existing_vocab.dim() == 2, "Embed",
             "existing_vocab must have rank 2, got shape ",
             [this] { return format(existing_vocab.sizes()); });
  snt::check(existing || *vocab_size > 0, "Embed", "Invalid vocab_size ",
             vocab_size.value_or(0), ".");
  snt::check(!embed_dim || *embed_dim >= 0, "Embed",
             "embed_dim must be >= 0, got ", embed_dim.value_or(0));
  if (!existing && !initializer) {  // The default has no integers.
    initializers::detail::check_floating(dtype, "Embed");
  }
}

at::Tensor Embed::operator()(const at::Tensor& ids) const {
  const Who who{"Embed", embeddings};
  detail::check_ids(ids, "ids", who);
  if (!embeddings.is_built()) {
    check();
    embeddings.declare_trainable(trainable);
  }

  const name_scope scope("Embed", embeddings);
  const at::Tensor& existing = existing_vocab;
  const int64_t rows = existing.defined() ? existing.size(0) : *vocab_size;
  const int64_t columns = existing.defined()
                              ? existing.size(1)
                              : embed_dim.value_or(embedding_dim(rows));
  const auto copy_existing = [&](at::IntArrayRef, at::ScalarType type) {
    return existing.to(type);
  };
  const auto options = at::TensorOptions(ids.device()).dtype(dtype);
  const at::Tensor& table =
      existing.defined()
          ? embeddings.create({rows, columns}, options, copy_existing)
      : initializer ? embeddings.create({rows, columns}, options, initializer)
                    : embeddings.create({rows, columns}, options,
                                        initializers::TruncatedNormal());

  return detail::lookup(table, ids, /*sparse=*/!densify_gradients, "ids", who);
}

int64_t embedding_dim(int64_t vocab_size) {
  check(vocab_size > 0, "embedding_dim", "Invalid vocab_size ", vocab_size,
        ".");
  const double size = static_cast<double>(vocab_size);
  return static_cast<int64_t>(std::nearbyint(6 * std::sqrt(std::sqrt(size))));
}

}  // namespace snt
