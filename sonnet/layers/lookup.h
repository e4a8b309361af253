// File: layers/lookup.h
// Rows of a table by number; for .cc files of this library only.

#pragma once

#include <ATen/core/Tensor.h>

#include "sonnet/core/variable.h"

namespace snt::detail {

// Throws TypeError unless `ids`, called `name`, is int32 or int64.
void check_ids(const at::Tensor& ids, const char* name, const Who& who);

// y[...] = table[ids[...]]. With `sparse`, the gradient of the table has the
// rows that were read only.
//
//   table  [rows, columns]   ids  any shape   y  [shape of ids..., columns]
//
// Throws ValueError for ids that are no row.
at::Tensor lookup(const at::Tensor& table, const at::Tensor& ids, bool sparse,
                  const char* name, const Who& who);

}  // namespace snt::detail
