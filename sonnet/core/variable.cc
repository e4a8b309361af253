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

thread_local constinit ReadHook* read_hook = nullptr;

bool ReadHook::assign(const Variable&, const at::Tensor&) { return false; }

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

}  // namespace
}  // namespace detail

using detail::Plainly;

Variable::Variable(const at::Tensor& value, bool trainable) : Variable() {
  slot_->trainable = trainable;
  const Plainly
      plainly;  // No random stream: it must not shift those of others.
  slot_->value = detail::own(value, value.options());
  slot_->value.set_requires_grad(trainable && value.is_floating_point());
  slot_->ready.store(true, std::memory_order_release);
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

void Variable::fill(at::IntArrayRef shape, const at::TensorOptions& options,
                    const Initializer& init) const {
  detail::Slot& slot = *slot_;
  std::lock_guard lock(slot.mutex);
  if (slot.ready.load(std::memory_order_relaxed)) return;

  const Plainly plainly;
  const auto who = [&] { return detail::variable_text(slot.path); };
  const at::ScalarType dtype = c10::typeMetaToScalarType(options.dtype());
  at::Tensor value;
  {
    random::CreationStream stream;  // A restored variable uses its number too.
    if (slot.pending.defined()) {
      check(slot.pending.sizes() == shape, who,
            "the value that was loaded has shape ", slot.pending.sizes(),
            ", but this call needs ", shape);
      check(slot.pending.scalar_type() == dtype, who,
            "the value that was loaded has dtype ", slot.pending.scalar_type(),
            ", but this call needs ", dtype);
      value = slot.pending;
    } else {
      value = init(shape, dtype);
      check(value.sizes() == shape, who, "the initializer must give shape ",
            shape, ", got ", value.sizes());
    }
  }
  value = detail::own(value, options);
  value.set_requires_grad(trainable() && value.is_floating_point());
  slot.value = std::move(value);
  slot.pending.reset();
  slot.ready.store(true, std::memory_order_release);
}

void Variable::omit() const {
  if (!slot_->omitted.load(std::memory_order_relaxed)) slot_->omitted = true;
}

std::string Variable::who() const { return detail::variable_text(path()); }

void Variable::fail_shape(at::IntArrayRef shape) const {
  throw ValueError("[" + who() + "] was created with shape " +
                   format(slot_->value.sizes()) + ", but this call needs " +
                   format(shape));
}

const at::Tensor& Variable::stored(const char* action) const {
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
    return detail::read_hook->read(*this, value);
  }
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
  check_dtype(value);
  if (detail::read_hook != nullptr && detail::read_hook->assign(*this, value)) {
    return;
  }
  const Plainly plainly;
  target.detach().copy_(value);
}

void Variable::check_dtype(const at::Tensor& given) const {
  check(
      given.scalar_type() == slot_->value.scalar_type(),
      [this] { return who(); }, "Tensor conversion requested dtype ",
      slot_->value.scalar_type(), " for Tensor with dtype ",
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
  check_dtype(delta);
  assign(now + delta.to(now.device()));
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
  if (is_built() && slot_->value.is_floating_point()) {
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
  if (is_built()) {
    copy.value = slot_->value.detach().clone();
    copy.value.set_requires_grad(slot_->value.requires_grad());
    copy.ready.store(true, std::memory_order_release);
  }
  return result;
}

const at::Tensor& detail::source(const Variable& variable) {
  struct Unhooked {
    Unhooked() { read_hook = nullptr; }
    ~Unhooked() { read_hook = hook; }
    ReadHook* hook = read_hook;
  };
  const Unhooked unhooked;
  const at::Tensor& value = variable.value();
  return unhooked.hook ? unhooked.hook->source(variable, value) : value;
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
