// File: functional/overlay.h
// Other values for variables while a function runs. Not public.

#pragma once

#include <ATen/core/Tensor.h>

#include <deque>
#include <functional>
#include <unordered_map>

#include "sonnet/core/variable.h"
#include "sonnet/functional/params.h"

namespace snt::functional::detail {

// While it lives, this thread's reads and assignments of some variables reach
// tensors that it holds; the variables themselves stay as they are.
class Overlay : public snt::detail::ReadHook {
 public:
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;

  const at::Tensor& source(const Variable& variable,
                           const at::Tensor& value) override {
    return read(variable, value);
  }
  const at::Tensor* lend(const Variable& variable) override;

 protected:
  struct Entry {
    Variable variable;
    at::Tensor initial;
    at::Tensor now;
    bool created = false;  // By the function.
  };

  Overlay() { snt::detail::read_hook = this; }
  ~Overlay() override { snt::detail::read_hook = outer; }

  Entry* find(const Variable& variable);
  Entry& add(Entry entry);
  const std::deque<Entry>& entries() const { return entries_; }

 private:
  std::deque<Entry> entries_;  // Given out by reference.
  std::unordered_map<Variable, Entry*> by_variable_;
};

// Finds out which variables a function uses, with the values that they had, or
// that it made for them.
class InitScope : public Overlay {
 public:
  InitScope() = default;
  // With values for variables that are known already.
  explicit InitScope(const Params& known);
  // Unless there was a `finish`, what was created is as if it had not been.
  ~InitScope() override;

  // The initial values of the variables used: trained, and all others.
  struct Found {
    Params params;
    Params state;
  };
  Found finish();

  const at::Tensor& read(const Variable& variable,
                         const at::Tensor& value) override;
  bool assign(const Variable& variable, const at::Tensor& value) override;
  const at::Tensor* create(const Variable& variable,
                           const std::function<at::Tensor()>& make) override;

 private:
  bool is_finished_ = false;
};

// Runs a function on given values.
class ApplyScope : public Overlay {
 public:
  // Throws ValueError for a tensor that is undefined or of another shape than
  // its variable.
  ApplyScope(const Params& params, const Params& state);

  // The values now of the variables in `like`, in its order.
  Params now(const Params& like);

  const at::Tensor& read(const Variable& variable,
                         const at::Tensor& value) override;
  bool assign(const Variable& variable, const at::Tensor& value) override;
  const at::Tensor* create(const Variable& variable,
                           const std::function<at::Tensor()>& make) override;

 private:
  void put(const Params& values);
};

}  // namespace snt::functional::detail
