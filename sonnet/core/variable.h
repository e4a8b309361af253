// File: core/variable.h
// A trained (or kept) tensor of a module: a shared handle that the first call
// fills.

#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <functional>
#include <iosfwd>
#include <memory>
#include <mutex>
#include <string>

#include "sonnet/core/initializer.h"

namespace snt {

class Variable;

namespace detail {

// Where the value of a Variable is.
enum class Presence : unsigned char {
  kNone,    // Nowhere yet.
  kHere,    // In the slot, which stays as it is.
  kLifted,  // With a functional transform: the slot tells shape and dtype only.
};

// What the copies of a Variable share.
struct Slot {
  std::atomic<Presence> presence = Presence::kNone;
  std::atomic<bool> omitted = false;
  std::atomic<bool> frozen = false;
  std::atomic<bool> trainable = true;
  std::mutex mutex;    // Guards everything below while it changes.
  at::Tensor value;    // Read without the lock once it is here.
  at::Tensor pending;  // From a checkpoint, waiting for the first call.
  std::string path;    // In the module that was walked last.
  std::string name;    // As people read it: "mlp/linear_0/w".
};

// Sees every read of a Variable on its thread, and every assignment. The scopes
// of custom getters, `build` and the functional transforms are built on it.
class ReadHook {
 public:
  virtual ~ReadHook() = default;
  // What the reader is given; the hook owns it. `value` is the stored tensor.
  virtual const at::Tensor& read(const Variable& variable,
                                 const at::Tensor& value) = 0;
  // What a gradient with respect to the variable is taken of. A hook that makes
  // a new tensor at each read gives the tensor that it is made from.
  virtual const at::Tensor& source(const Variable& variable,
                                   const at::Tensor& value) {
    return read(variable, value);
  }
  // Whether the hook has dealt with an assignment of `value`.
  virtual bool assign(const Variable& variable, const at::Tensor& value);
  // What stands here for the stored tensor, which the variable may lack, or
  // nullptr. It is given to `read` and `source` as the stored one would be.
  virtual const at::Tensor* lend(const Variable& variable);
  // The same for the call that would create the value, which make() gives. With
  // nullptr the variable makes it and keeps it.
  virtual const at::Tensor* create(const Variable& variable,
                                   const std::function<at::Tensor()>& make);
  // What is assigned when `value` is.
  virtual at::Tensor incoming(const Variable& variable,
                              const at::Tensor& value);

 protected:
  ReadHook();
  // The hook that was this thread's when this one was made; what is not
  // overridden goes on to it.
  ReadHook* const outer;
};

// The hook of this thread, or nullptr. Threads do not inherit it.
extern thread_local constinit ReadHook* read_hook;

}  // namespace detail

// A handle to one tensor that modules create on their first call and optimizers
// change. Copies are the same variable: that is how modules share weights.
//
//     snt::Variable w;
//     at::Tensor x = at::ones({2, 3});
//     const at::Tensor& value = w.create(
//         {3, 5}, x, [](at::IntArrayRef shape, at::ScalarType dtype) {
//           return at::zeros(shape, dtype);
//         });                            // value: [3, 5], zeros
//     w.assign(at::ones({3, 5}));        // in place
//
// Creation is thread-safe: two first calls at once make one tensor. Reading a
// filled variable takes no lock. Assigning while others read is not safe.
class Variable {
 public:
  // Trainable and empty; the first `create` fills it.
  Variable() : slot_(std::make_shared<detail::Slot>()) {}

  // Filled with a copy of `value` now.
  explicit Variable(const at::Tensor& value, bool trainable = true);

  // Empty, and never trained: moving averages, counters.
  static Variable state();

  // Filled with the int64 number 0, and never trained.
  static Variable counter();

  // Copies are handles to the same variable. There is no move: a moved-from
  // module stays valid.
  Variable(const Variable&) = default;
  Variable& operator=(const Variable&) = default;

  // The value, after making it if this is the first call: `init(shape, dtype)`
  // moved to the device of `options`, or the value a checkpoint left here. The
  // result is a leaf that shares storage with nothing, whatever the grad mode,
  // inference mode or tracing of the caller.
  //
  // Throws ValueError when the variable already has another shape, or when
  // `init` or the checkpoint gives another shape.
  const at::Tensor& create(at::IntArrayRef shape,
                           const at::TensorOptions& options,
                           const Initializer& init) const {
    if (presence() != detail::Presence::kHere) [[unlikely]] {
      if (const auto* lent = fill(shape, options, init)) return *lent;
    }
    return read(shape);
  }

  // The same with dtype and device of `like`, and a default for an unset
  // `init` that is cheap to pass: it is only wrapped when it is needed.
  template <class Default>
  const at::Tensor& create(at::IntArrayRef shape, const at::Tensor& like,
                           const Initializer& init,
                           const Default& fallback) const {
    if (presence() != detail::Presence::kHere) [[unlikely]] {
      const Initializer& used = init ? init : Initializer(fallback);
      if (const auto* lent = fill(shape, like.options(), used)) return *lent;
    }
    return read(shape);
  }
  const at::Tensor& create(at::IntArrayRef shape, const at::Tensor& like,
                           const Initializer& init) const {
    return create(shape, like.options(), init);
  }

  // Says, before the first call, whether training shall change it.
  void declare_trainable(bool trainable) const;

  // Says that this module does not use the variable (`b` without a bias), so
  // that nothing waits for its creation.
  void omit() const;

  // Whether it was created. Its value is elsewhere when a functional transform
  // created it (functional/transform.h).
  bool is_built() const { return presence() != detail::Presence::kNone; }
  // Whether it was created and holds its value itself.
  bool has_value() const { return presence() == detail::Presence::kHere; }
  // Whether `omit` was called and nothing was created.
  bool is_omitted() const { return slot_->omitted && !is_built(); }
  // Whether training changes it: declared so, and not frozen.
  bool trainable() const { return slot_->trainable && !slot_->frozen; }
  // Whether it was declared to be trained, frozen or not.
  bool declared_trainable() const { return slot_->trainable; }

  // The value. Throws NotBuiltError when there is none yet, ValueError when it
  // is among the parameters of a functional transform only.
  const at::Tensor& value() const;

  // Shape, dtype and device of the value. Throw NotBuiltError.
  at::IntArrayRef shape() const;
  at::ScalarType dtype() const;
  at::Device device() const;

  // Sets all elements in place; the tensor itself stays the same object, so
  // assigning between a forward pass and its backward pass is an error of
  // autograd. `value` may be on another device.
  //
  // A variable that a functional transform created has a value from then on.
  //
  // Throws ValueError when shape or dtype differ, NotBuiltError before the
  // first call. Nothing has changed then.
  void assign(const at::Tensor& value) const;
  // The same with one number, for variables without dimensions.
  void assign(double value) const;
  // Adds `delta` in place, which has the shape of the variable.
  void assign_add(const at::Tensor& delta) const;
  void assign_add(double delta) const;
  // Subtracts `delta` in place.
  void assign_sub(const at::Tensor& delta) const;

  // Assigns, or keeps the value for the first call when there is none yet:
  // what a checkpoint is read with. Shape and dtype are checked either way.
  void restore(const at::Tensor& value) const;

  // Stops (or resumes) training it; `declared_trainable` stays as it is.
  void freeze(bool frozen = true) const;

  // Moves the value to a device and, where it is floating, to a dtype, in
  // place. Gradients recorded before are lost.
  void to(const at::TensorOptions& options) const;

  // Where it was found when a module was last walked: "body/layers/0/w". Empty
  // before that.
  std::string path() const;
  // The same for people, with the names that modules were given.
  std::string name() const;

  // A new variable with a copy of the value.
  Variable clone() const;

  // Two handles are equal when they are the same variable.
  friend bool operator==(const Variable& a, const Variable& b) {
    return a.slot_ == b.slot_;
  }
  // The shared slot, as an identity.
  const void* id() const { return slot_.get(); }

  // For the library's walks: remembers where the variable was found.
  void set_path(const std::string& path, const std::string& name) const;

  // For functional transforms: it was created, but keeps no value, only the
  // shape, dtype and device of `value`. An undefined one takes that back.
  void lift(const at::Tensor& value) const;

  // Expires with the last handle to the variable.
  std::weak_ptr<const void> watch() const { return slot_; }

 private:
  detail::Presence presence() const {
    return slot_->presence.load(std::memory_order_acquire);
  }
  // What a hook lends, or nullptr: the slot is filled then.
  const at::Tensor* fill(at::IntArrayRef shape,
                         const at::TensorOptions& options,
                         const Initializer& init) const;
  at::Tensor make(at::IntArrayRef shape, const at::TensorOptions& options,
                  const Initializer& init) const;
  const at::Tensor& read(at::IntArrayRef shape) const {
    const at::Tensor& stored = slot_->value;
    if (stored.sizes() != shape) [[unlikely]] {
      fail_shape(shape);
    }
    if (detail::read_hook != nullptr) [[unlikely]] {
      return detail::read_hook->read(*this, stored);
    }
    return stored;
  }
  [[noreturn]] void fail_shape(at::IntArrayRef shape) const;
  [[noreturn]] void fail_no_value() const;
  const at::Tensor& stored(const char* action) const;
  void store(const at::Tensor& value) const;
  at::Tensor number(double value) const;
  void check_dtype(const at::Tensor& given) const;
  std::string who() const;

  std::shared_ptr<detail::Slot> slot_;
};

namespace detail {
// The value for everything but computing with it (saving, gradients): without
// what getters make of it at each read. Throws NotBuiltError.
const at::Tensor& source(const Variable& variable);
}  // namespace detail

// Who complains in an error: the type of a module and, once the module was
// walked, its path, found through one of its variables: "Linear body/layers/0".
struct Who {
  const char* type;          // "Linear".
  const Variable& variable;  // Any variable of the module.

  // "Linear", or "Linear body/layers/0".
  std::string operator()() const;
};

// Prints "Variable(body/w, shape=[3, 5], dtype=float32, trainable=True)".
std::ostream& operator<<(std::ostream& out, const Variable& variable);

}  // namespace snt

// By identity, like ==.
template <>
struct std::hash<snt::Variable> {
  size_t operator()(const snt::Variable& variable) const noexcept {
    return std::hash<const void*>()(variable.id());
  }
};
