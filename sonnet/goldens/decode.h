// File: goldens/decode.h
// The values of a case's JSON as this library's: options, arguments, modules.

#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sonnet/conformance/signature.h"
#include "sonnet/conformance/subject.h"
#include "sonnet/core/config.h"
#include "sonnet/core/nest.h"
#include "sonnet/goldens/case.h"

namespace snt::goldens {

// The options of a class. Tensors become lists of numbers.
Config config_of(const Json& json, const Tensors& tensors);

// The object that {"class", "config", "select"} describes.
conformance::Subject build(const Json& spec, const Tensors& tensors);

// The arguments of one call, each tensor a leaf of its own that may require
// gradients. A name that comes twice is one tensor.
class Arguments {
 public:
  // From `args` and `kwargs` of `call`, either of which may be absent. Tensors
  // stand there as names, or, in errors/, as {"shape", "dtype"}.
  Arguments(const Json& call, const Tensors& tensors);

  const std::vector<Nest>& args() const { return args_; }
  const conformance::Keywords& kwargs() const { return kwargs_; }
  // The tensors by name.
  const Tensors& inputs() const { return inputs_; }

 private:
  Nest value(const Json& json, bool in_tree);
  Nest leaf(const std::string& name);

  const Tensors& tensors_;
  Tensors inputs_;
  std::vector<Nest> args_;
  conformance::Keywords kwargs_;
};

// A tensor of small numbers for {"shape", "dtype"}.
at::Tensor stand_in(const Json& spec);

// Makes a call: of the function it names or else of the subject or a method of
// it.
Nest invoke(const conformance::Subject& subject, const Json& call,
            const Arguments& arguments);
// Calls a function of the table. `subject` may be nullptr.
Nest invoke_function(const std::string& name,
                     const conformance::Subject* subject,
                     const Arguments& arguments);

}  // namespace snt::goldens
