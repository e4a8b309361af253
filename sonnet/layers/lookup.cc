#include "sonnet/layers/lookup.h"

#include <ATen/ATen.h>

#include "sonnet/core/errors.h"
#include "sonnet/core/half.h"

namespace snt::detail {

void check_ids(const at::Tensor& ids, const char* name, const Who& who) {
  check<TypeError>(
      ids.scalar_type() == at::kLong || ids.scalar_type() == at::kInt, who,
      name, " must be int32 or int64, got ", ids.scalar_type());
}

at::Tensor lookup(const at::Tensor& table, const at::Tensor& ids, bool sparse,
                  const char* name, const Who& who) {
  // libtorch 1.13 cannot sum the gradients of half types on a CPU.
  const bool in_float = !sparse && is_half_on_cpu(table);
  try {
    return at::embedding(in_float ? widened(table) : table, ids,
                         /*padding_idx=*/-1, /*scale_grad_by_freq=*/false,
                         sparse)
        .to(table.scalar_type());
  } catch (const c10::Error&) {
    // The look-up itself has refused the ids: being slow does no harm here.
    if (ids.numel() == 0) throw;
    const auto lowest = ids.min().item<int64_t>();
    const auto highest = ids.max().item<int64_t>();
    check(lowest >= 0 && highest < table.size(0), who, name, " must be in [0, ",
          table.size(0), "), got ", name, " from ", lowest, " to ", highest);
    throw;
  }
}

}  // namespace snt::detail
