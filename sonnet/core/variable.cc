#include "sonnet/core/variable.h"

#include <ATen/ATen.h>
#include <ATen/TracerMode.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>

#include <cmath>
#include <ostream>

#include "sonnet/core/errors.h"
#include "sonnet/core/random.h"

namespace snt {
namespace detail {

namespace {

// Values of variables are made and changed outside whatever the caller is in.
struct Plainly {
  c10::InferenceMode no_inference{false};
  at::NoGradGuard no_grad;
  at::tracer::impl::NoTracerDispatchMode no_trace;
};

// Python's tuples, as TensorFlow prints shapes: (3, 4), (3,), ().
std::string tuple_text(at::IntArrayRef shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

// Who complains: "Variable body/w".
std::string variable_text(const std::string& path) {
  return path.empty() ? "Variable" : "Variable " + path;
}

// A tensor of its own: no view, storage shared with nothing, contiguous.
at::Tensor own(const at::Tensor& value, const at::TensorOptions& options) {
  at::Tensor result = value.detach().to(
      options.device(), c10::typeMetaToScalarType(options.dtype()));
  if (result.is_alias_of(value) || !result.is_contiguous()) {
    result = result.clone(at::MemoryFormat::Contiguous);
  }
  return result;
}

// Shape, dtype and device without the memory of a value.
at::Tensor outline(at::IntArrayRef shape, const at::TensorOptions& options) {
  return at::empty({}, options.requires_grad(false)).expand(shape);
}

}  // namespace
}  // namespace detail

using detail::Plainly;
using detail::Presence;

Variable::Variable(const at::Tensor& value, bool trainable) : Variable() {
  slot_->trainable = trainable;
  const Plainly
      plainly;  // No random stream: it must not shift those of others.
  slot_->value = detail::own(value, value.options());
  slot_->value.set_requires_grad(trainable && value.is_floating_point());
  slot_->presence.store(Presence::kHere, std::memory_order_release);
}

Variable Variable::state() {
  Variable result;
  result.slot_->trainable = false;
  return result;
}

Variable Variable::counter() {
  return Variable(at::zeros({}, at::kLong), /*trainable=*/false);
}

void Variable::declare_trainable(bool trainable) const {
  std::lock_guard lock(slot_->mutex);
  if (!is_built()) slot_->trainable = trainable;
}

const at::Tensor* Variable::fill(at::IntArrayRef shape,
                                 const at::TensorOptions& options,
                                 const Initializer& init) const {
  detail::Slot& slot = *slot_;
  if (detail::read_hook != nullptr) {
    const at::Tensor* lent = detail::read_hook->create(*this, [&] {
      std::lock_guard lock(slot.mutex);
      return make(shape, options, init);
    });
    if (lent != nullptr) {
      if (lent->sizes() != shape) fail_shape(shape);
      return &detail::read_hook->read(*this, *lent);
    }
  }
  if (presence() == Presence::kLifted) fail_no_value();

  const Plainly plainly;
  std::lock_guard lock(slot.mutex);
  if (presence() == Presence::kHere) return nullptr;
  at::Tensor value = make(shape, options, init);
  value.set_requires_grad(trainable() && value.is_floating_point());
  slot.value = std::move(value);
  slot.pending.reset();
  slot.presence.store(Presence::kHere, std::memory_order_release);
  return nullptr;
}

// The first value. The slot is locked by the caller.
at::Tensor Variable::make(at::IntArrayRef shape,
                          const at::TensorOptions& options,
                          const Initializer& init) const {
  const detail::Slot& slot = *slot_;
  const Plainly plainly;
  const auto who = [&] { return detail::variable_text(slot.path); };
  const at::ScalarType dtype = c10::typeMetaToScalarType(options.dtype());
  random::CreationStream stream;  // A restored variable uses its number too.
  if (!slot.pending.defined()) {
    const at::Tensor value = init(shape, dtype);
    check(value.sizes() == shape, who, "the initializer must give shape ",
          shape, ", got ", value.sizes());
    return detail::own(value, options);
  }
  check(slot.pending.sizes() == shape, who,
        "the value that was loaded has shape ", slot.pending.sizes(),
        ", but this call needs ", shape);
  check(slot.pending.scalar_type() == dtype, who,
        "the value that was loaded has dtype ", slot.pending.scalar_type(),
        ", but this call needs ", dtype);
  return detail::own(slot.pending, options);
}

void Variable::omit() const {
  if (!slot_->omitted.load(std::memory_order_relaxed)) slot_->omitted = true;
}

std::string Variable::who() const { return detail::variable_text(path()); }

void Variable::fail_shape(at::IntArrayRef shape) const {
  throw ValueError("[" + who() + "] was created with shape " +
                   format(stored("read").sizes()) + ", but this call needs " +
                   format(shape));
}

void Variable::fail_no_value() const {
  throw ValueError(
      "[" + who() +
      "] Attempted to read a TensorVariable in a context where it has no "
      "value. This commonly happens for one of two reasons: 1) You created a "
      "model in one transformed function and directly accessed the model "
      "variables inside another transformed function. 2) You are trying to "
      "read a model variable outside of a transformed function. For (1) you "
      "must pass in the value (e.g. pass the result of `f.init(..)`). For (2) "
      "look at the parameters that `f.init(..)` returned, or assign() a value");
}

// The tensor that tells shape, dtype and device.
const at::Tensor& Variable::stored(const char* action) const {
  if (detail::read_hook != nullptr) [[unlikely]] {
    if (const auto* lent = detail::read_hook->lend(*this)) return *lent;
  }
  if (!is_built()) {
    throw NotBuiltError("[" + who() + "] cannot be " + action +
                        " before the first call: call the module once, or "
                        "snt::build(module, inputs...)");
  }
  return slot_->value;
}

const at::Tensor& Variable::value() const {
  const at::Tensor& value = stored("read");
  if (detail::read_hook != nullptr) [[unlikely]] {
    const bool is_lent = &value != &slot_->value;
    if (!is_lent && presence() == Presence::kLifted) fail_no_value();
    return detail::read_hook->read(*this, value);
  }
  if (presence() == Presence::kLifted) fail_no_value();
  return value;
}

at::IntArrayRef Variable::shape() const { return stored("read").sizes(); }
at::ScalarType Variable::dtype() const { return stored("read").scalar_type(); }
at::Device Variable::device() const { return stored("read").device(); }

void Variable::assign(const at::Tensor& value) const {
  const at::Tensor& target = stored("assigned");
  const auto who = [this] { return this->who(); };
  check(
      value.sizes() == target.sizes(), who, "Cannot assign value to variable '",
      [this] { return path(); }, "': Shape mismatch. The variable shape ",
      [&] { return detail::tuple_text(target.sizes()); },
      ", and the assigned value shape ",
      [&] { return detail::tuple_text(value.sizes()); }, " are incompatible.");
  if (detail::read_hook != nullptr) [[unlikely]] {
    const at::Tensor given = detail::read_hook->incoming(*this, value);
    check_dtype(given);
    if (!detail::read_hook->assign(*this, given)) store(given);
    return;
  }
  check_dtype(value);
  store(value);
}

void Variable::store(const at::Tensor& value) const {
  const Plainly plainly;
  if (presence() == Presence::kHere) {
    slot_->value.detach().copy_(value);
    return;
  }
  // It was lifted, and has a value of its own again.
  std::lock_guard lock(slot_->mutex);
  at::Tensor own = detail::own(value, slot_->value.options());
  own.set_requires_grad(trainable() && own.is_floating_point());
  slot_->value = std::move(own);
  slot_->presence.store(Presence::kHere, std::memory_order_release);
}

void Variable::lift(const at::Tensor& value) const {
  const Plainly plainly;
  std::lock_guard lock(slot_->mutex);
  slot_->value = value.defined()
                     ? detail::outline(value.sizes(), value.options())
                     : at::Tensor();
  slot_->presence.store(value.defined() ? Presence::kLifted : Presence::kNone,
                        std::memory_order_release);
}

void Variable::check_dtype(const at::Tensor& given) const {
  const at::ScalarType dtype = stored("assigned").scalar_type();
  check(
      given.scalar_type() == dtype, [this] { return who(); },
      "Tensor conversion requested dtype ", dtype, " for Tensor with dtype ",
      given.scalar_type());
}

// A number in the dtype of the variable.
at::Tensor Variable::number(double value) const {
  const at::Tensor& target = stored("assigned");
  check(
      target.is_floating_point() || target.is_complex() ||
          value == std::floor(value),
      [this] { return who(); }, "Cannot convert ", value, " to dtype ",
      target.scalar_type());
  const Plainly plainly;
  return at::scalar_tensor(value, target.options().requires_grad(false));
}

void Variable::assign(double value) const { assign(number(value)); }

void Variable::assign_add(const at::Tensor& delta) const {
  const Plainly plainly;
  stored("assigned");
  const at::Tensor& now = detail::source(*this);
  check(
      delta.sizes() == now.sizes(), [this] { return who(); },
      "delta must have shape ", now.sizes(), ", got ", delta.sizes());
  const at::Tensor given = detail::read_hook != nullptr
                               ? detail::read_hook->incoming(*this, delta)
                               : delta;
  check_dtype(given);
  assign(now + given.to(now.device()));
}

void Variable::assign_add(double delta) const {
  const Plainly plainly;
  const at::Tensor step = number(delta);
  assign(detail::source(*this) + step);
}

void Variable::assign_sub(const at::Tensor& delta) const {
  const Plainly plainly;
  assign_add(-delta);
}

void Variable::restore(const at::Tensor& value) const {
  if (is_built()) {
    assign(value);
    return;
  }
  const Plainly plainly;
  std::lock_guard lock(slot_->mutex);
  slot_->pending = value.detach().clone();
}

void Variable::freeze(bool frozen) const {
  std::lock_guard lock(slot_->mutex);
  slot_->frozen = frozen;
  if (presence() == Presence::kHere && slot_->value.is_floating_point()) {
    slot_->value.set_requires_grad(trainable());
  }
}

void Variable::to(const at::TensorOptions& options) const {
  std::lock_guard lock(slot_->mutex);
  const Plainly plainly;
  if (slot_->pending.defined()) {
    // Stays where it is: the first call decides device and dtype.
    return;
  }
  if (!is_built()) return;
  at::TensorOptions target = slot_->value.options();
  if (options.device_opt()) target = target.device(options.device());
  if (options.dtype_opt() && slot_->value.is_floating_point()) {
    target = target.dtype(options.dtype());
  }
  if (presence() == Presence::kLifted) {
    slot_->value = detail::outline(slot_->value.sizes(), target);
    return;
  }
  at::Tensor value = slot_->value.detach().to(
      target.device(), c10::typeMetaToScalarType(target.dtype()));
  value.set_requires_grad(trainable() && value.is_floating_point());
  slot_->value = std::move(value);
}

std::string Variable::path() const {
  std::lock_guard lock(slot_->mutex);
  return slot_->path;
}

std::string Variable::name() const {
  std::lock_guard lock(slot_->mutex);
  return slot_->name;
}

void Variable::set_path(const std::string& path,
                        const std::string& name) const {
  std::lock_guard lock(slot_->mutex);
  if (slot_->path == path && slot_->name == name) return;
  slot_->path = path;
  slot_->name = name;
}

Variable Variable::clone() const {
  Variable result;
  std::lock_guard lock(slot_->mutex);
  detail::Slot& copy = *result.slot_;
  copy.trainable = slot_->trainable.load();
  copy.frozen = slot_->frozen.load();
  copy.omitted = slot_->omitted.load();
  copy.path = slot_->path;
  copy.name = slot_->name;
  const Plainly plainly;
  if (slot_->pending.defined()) copy.pending = slot_->pending.clone();
  if (presence() == Presence::kLifted) {
    copy.value = slot_->value;
    copy.presence.store(Presence::kLifted, std::memory_order_release);
  } else if (is_built()) {
    copy.value = slot_->value.detach().clone();
    copy.value.set_requires_grad(slot_->value.requires_grad());
    copy.presence.store(Presence::kHere, std::memory_order_release);
  }
  return result;
}

std::string Who::operator()() const {
  const std::string path = variable.path();
  const size_t slash = path.rfind('/');
  return slash == std::string::npos
             ? std::string(type)
             : std::string(type) + " " + path.substr(0, slash);
}

std::ostream& operator<<(std::ostream& out, const Variable& variable) {
  const std::string path = variable.path();
  out << "Variable(" << (path.empty() ? "" : path + ", ");
  if (variable.is_built()) {
    out << "shape=" << format(variable.shape())
        << ", dtype=" << format(variable.dtype());
  } else {
    out << "not built";
  }
  return out << ", trainable=" << format(variable.trainable()) << ")";
}

}  // namespace snt
