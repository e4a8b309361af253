// File: io/safetensors.h
// Tensors by name in one file, in the format of Hugging Face's safetensors:
// read and written by Python, Rust and C++ alike, without code in it.

#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace snt {

// Reads all tensors of a file, on the CPU.
//
//     snt::write_safetensors("model.safetensors", {{"w", at::ones({2, 3})}});
//     std::map<std::string, at::Tensor> values =
//         snt::read_safetensors("model.safetensors");
//
// Dtypes are F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL. Nothing of a damaged file
// is returned: sizes and offsets are checked before anything is read, and the
// data must be covered without gaps and overlaps, as the format demands.
//
// Throws ValueError that names the file and what is wrong with it.
std::map<std::string, at::Tensor> read_safetensors(const std::string& path);

// Reads the texts that were stored beside the tensors; often none.
//
// Throws ValueError as `read_safetensors` does.
std::map<std::string, std::string> read_safetensors_metadata(
    const std::string& path);

// Writes tensors by name, from any device, and optionally texts beside them.
//
//     snt::write_safetensors("model.safetensors", {{"w", at::ones({2, 3})}},
//                            {{"step", "100"}});
//
// The file appears under its name only when it is complete, so that a reader
// (or a crash) never meets half of one, and an old file survives a failure.
// Each tensor's data is aligned to the size of its elements.
//
// Throws ValueError for an undefined or sparse tensor, for a dtype that the
// format lacks (see above), for the reserved name "__metadata__", and when the
// file cannot be written.
void write_safetensors(const std::string& path,
                       const std::map<std::string, at::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace snt
