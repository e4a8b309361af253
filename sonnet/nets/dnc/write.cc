#include "sonnet/nets/dnc/write.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"

namespace snt::nets::dnc::write {
namespace {

void check_shapes(const char* who, const at::Tensor& memory,
                  const at::Tensor& address) {
  check(memory.dim() == 3 && address.dim() == 3 &&
            address.size(0) == memory.size(0) &&
            address.size(2) == memory.size(1),
        who,
        "address must be [batch, num_writes, memory_size] for memory [batch, "
        "memory_size, word_size], got ",
        address.sizes(), " for ", memory.sizes());
}

// Per head: one word, or one number if `per_word`.
void check_heads(const char* who, const char* what, const at::Tensor& memory,
                 const at::Tensor& address, const at::Tensor& heads) {
  check(heads.dim() == 3 && heads.size(0) == memory.size(0) &&
            heads.size(1) == address.size(1) && heads.size(2) == memory.size(2),
        who, what, " must be [batch, num_writes, word_size], got ",
        heads.sizes(), " for memory ", memory.sizes(), " and address ",
        address.sizes());
}

}  // namespace

at::Tensor additive_write(const at::Tensor& memory, const at::Tensor& address,
                          const at::Tensor& values) {
  check_shapes("dnc::additive_write", memory, address);
  check_heads("dnc::additive_write", "values", memory, address, values);
  return memory + at::matmul(address.transpose(1, 2), values);
}

at::Tensor erase(const at::Tensor& memory, const at::Tensor& address,
                 const at::Tensor& reset_weights) {
  check_shapes("dnc::erase", memory, address);
  check_heads("dnc::erase", "reset_weights", memory, address, reset_weights);
  // [batch, num_writes, memory_size, word_size]
  const at::Tensor resets = address.unsqueeze(3) * reset_weights.unsqueeze(2);
  return memory * (1 - resets).prod(1);
}

at::Tensor erase_rows(const at::Tensor& memory, const at::Tensor& address,
                      const at::Tensor& reset_row_weights) {
  check_shapes("dnc::erase_rows", memory, address);
  check(reset_row_weights.dim() == 2 &&
            reset_row_weights.size(0) == memory.size(0) &&
            reset_row_weights.size(1) == address.size(1),
        "dnc::erase_rows",
        "reset_row_weights must be [batch, num_writes], got ",
        reset_row_weights.sizes(), " for address ", address.sizes());
  const at::Tensor resets = address * reset_row_weights.unsqueeze(-1);
  return memory * (1 - resets).prod(1).unsqueeze(-1);
}

at::Tensor erase_and_write(const at::Tensor& memory, const at::Tensor& address,
                           const at::Tensor& reset_weights,
                           const at::Tensor& values) {
  return additive_write(erase(memory, address, reset_weights), address, values);
}

}  // namespace snt::nets::dnc::write
