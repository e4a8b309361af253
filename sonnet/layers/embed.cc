#include "sonnet/layers/embed.h"

#include <ATen/ATen.h>

#include <cmath>

#include "sonnet/core/errors.h"
#include "sonnet/core/scope.h"
#include "sonnet/initializers/distributions.h"

namespace snt {
namespace {

// Slow, for the message only; the look-up itself has refused the ids.
[[noreturn]] void fail_ids(const at::Tensor& ids, int64_t vocab_size,
                           const Who& who) {
  throw ValueError("[" + who() + "] ids must be in [0, " +
                   std::to_string(vocab_size) + "), got ids from " +
                   std::to_string(ids.min().item<int64_t>()) + " to " +
                   std::to_string(ids.max().item<int64_t>()));
}

}  // namespace

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
}

at::Tensor Embed::operator()(const at::Tensor& ids) const {
  const Who who{"Embed", embeddings};
  snt::check<TypeError>(
      ids.scalar_type() == at::kLong || ids.scalar_type() == at::kInt, who,
      "ids must be int32 or int64, got ", ids.scalar_type());
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

  // libtorch 1.13 cannot sum the gradients of half types on a CPU.
  const at::ScalarType type = table.scalar_type();
  const bool in_float = densify_gradients && table.is_cpu() &&
                        (type == at::kHalf || type == at::kBFloat16);
  try {
    return at::embedding(in_float ? table.to(at::kFloat) : table, ids,
                         /*padding_idx=*/-1, /*scale_grad_by_freq=*/false,
                         /*sparse=*/!densify_gradients)
        .to(type);
  } catch (const c10::Error&) {
    if (ids.numel() > 0 &&
        (ids.min().item<int64_t>() < 0 || ids.max().item<int64_t>() >= rows)) {
      fail_ids(ids, rows, who);
    }
    throw;
  }
}

int64_t embedding_dim(int64_t vocab_size) {
  check(vocab_size > 0, "embedding_dim", "Invalid vocab_size ", vocab_size,
        ".");
  const double size = static_cast<double>(vocab_size);
  return static_cast<int64_t>(std::nearbyint(6 * std::sqrt(std::sqrt(size))));
}

}  // namespace snt
