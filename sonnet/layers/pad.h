// File: layers/pad.h
// How many zeros a convolution puts around its input.

#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "sonnet/core/callable.h"
#include "sonnet/layers/one_or_list.h"

namespace snt {
namespace pad {

// The zeros {before, after} one dimension, given the effective size of the
// kernel there, (kernel - 1) rate + 1: none, {0, 0}.
//
//     std::array<int64_t, 2> none = snt::pad::valid(3);     // {0, 0}
//     std::array<int64_t, 2> before = snt::pad::causal(3);  // {2, 0}
//
// Source: sonnet/src/pad.py.
std::array<int64_t, 2> valid(int64_t kernel);
// {(kernel - 1) / 2, kernel / 2}: as much out as in where the stride is 1.
// Where it is not, "SAME" adapts to the size of the input, and this does not.
std::array<int64_t, 2> same(int64_t kernel);
// {kernel - 1, kernel - 1}: wherever a window touches the input.
std::array<int64_t, 2> full(int64_t kernel);
// {kernel - 1, 0}: outputs see nothing that comes later.
std::array<int64_t, 2> causal(int64_t kernel);
// {0, kernel - 1}: outputs see nothing that came earlier.
std::array<int64_t, 2> reverse_causal(int64_t kernel);

// One of the above, or one of your own. Those above print by name; JSON calls
// them PAD_VALID, PAD_SAME, FULL, CAUSAL and REVERSE_CAUSAL.
using Function = Callable<std::array<int64_t, 2>(int64_t kernel)>;

// The zeros around each dimension of a tensor with n spatial dimensions:
// {0, 0} for batch and channels, f(kernel) for the others. `channel_index` is 1
// or -1, see utils::get_channel_index.
//
//     auto zeros = snt::pad::create({snt::pad::causal, snt::pad::full}, 3, 1,
//                                   2, -1);  // {0,0}, {2,0}, {2,2}, {0,0}
//
// Throws TypeError for a list whose length is neither 1 nor n.
std::vector<std::array<int64_t, 2>> create(const OneOrList<Function>& padding,
                                           const IntOrList& kernel,
                                           const IntOrList& rate, int64_t n,
                                           int64_t channel_index);

}  // namespace pad

// The padding of a convolution: "SAME" or "VALID" in any case, a function of
// snt::pad, or a list of one for each spatial dimension.
//
//     snt::Padding smooth = "SAME";
//     snt::Padding past = snt::pad::causal;
//     snt::Padding mixed = {snt::pad::causal, snt::pad::full};
class Padding {
 public:
  // "SAME": ceil(size / stride) outputs, with the odd zero at the end. "VALID":
  // no zeros. The convolution refuses other names.
  Padding(const char* name) : held_(std::string(name)) {}
  Padding(std::string name) : held_(std::move(name)) {}
  // A function for all dimensions.
  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, Padding> &&
           std::is_convertible_v<F, pad::Function>) Padding(F&& function)
      : held_(Functions(std::forward<F>(function))) {}
  // A function for each dimension.
  Padding(std::initializer_list<pad::Function> list) : held_(Functions(list)) {}
  Padding(OneOrList<pad::Function> functions) : held_(std::move(functions)) {}

  // The name in capitals; "VALID" where there are functions, because what they
  // add is added before.
  std::string conv_padding() const;
  // The functions, or nullptr.
  const OneOrList<pad::Function>* padding_func() const {
    return std::get_if<Functions>(&held_);
  }
  // As printed and stored.
  Config config() const;

 private:
  using Functions = OneOrList<pad::Function>;

  std::variant<std::string, Functions> held_;
};

// A function of snt::pad by its name in JSON.
template <>
struct ConfigTraits<pad::Function> {
  static Config to(const pad::Function& value);
  static pad::Function from(const Config& config, const std::string& where);
};

// Holds no variables that a module could own.
template <>
inline constexpr bool opaque<Padding> = true;

// A name, the name of a function in JSON, or a list of those.
template <>
struct ConfigTraits<Padding> {
  static Config to(const Padding& value) { return value.config(); }
  static Padding from(const Config& config, const std::string& where);
};

}  // namespace snt
