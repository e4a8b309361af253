// File: io/checkpoint.h
// Modules to and from files.

#pragma once

#include <string>

#include "sonnet/core/state.h"
#include "sonnet/io/safetensors.h"

namespace snt {

// Writes the values of all variables of `module` to a safetensors file, keyed
// by path. The file appears complete or not at all.
//
//     snt::Linear linear{3};
//     linear(at::ones({2, 4}));
//     snt::save("/tmp/linear.safetensors", linear);
//     snt::Linear other{3};
//     snt::load("/tmp/linear.safetensors", other);
//
// Throws ValueError for a module whose variables do not exist yet, and when the
// file cannot be written.
template <class M>
void save(const std::string& path, const M& module) {
  StateMap values;
  for (const NamedVariable& entry : named_variables(module)) {
    values.emplace(entry.path, detail::source(entry.variable).detach());
  }
  write_safetensors(path, values);
}

// Sets the variables of `module` from such a file, as `load` does from values.
//
// Throws ValueError for a damaged file and what does not fit; nothing has
// changed then.
template <class M>
LoadReport load(const std::string& path, const M& module,
                LoadOptions options = {}) {
  return load(module, read_safetensors(path), options);
}
template <class M>
LoadReport load(const char* path, const M& module, LoadOptions options = {}) {
  return load(std::string(path), module, options);
}

}  // namespace snt
