// File: core/erased.h
// What the holders of any metric and of any optimizer share; for headers of
// this library only.

#pragma once

#include <memory>
#include <string>
#include <utility>

#include "sonnet/core/clone.h"
#include "sonnet/core/options.h"
#include "sonnet/core/walk.h"

namespace snt::detail {

// What a holder asks of anything it holds. The interface of one kind of class
// derives from it, with itself as `Kind`, and adds the calls of that kind.
template <class Kind>
struct Held {
  virtual ~Held() = default;
  virtual std::string class_name() const = 0;
  virtual Config config() const = 0;
  virtual void walk(Walker& walker) = 0;
  virtual std::shared_ptr<Kind> clone(Cloner& cloner) const = 0;
};

// That, for a T; the calls and `clone` are left.
template <class Kind, class T>
struct HeldValue : Kind {
  explicit HeldValue(T value) : object(std::move(value)) {}

  std::string class_name() const override {
    return std::string(reflect::class_name<T>());
  }
  Config config() const override { return to_config(object); }
  void walk(Walker& walker) override { snt::walk(object, walker); }

  T object;
};

// The base of a holder by value. Copies of a holder share what they hold,
// snt::clone copies it deeply, and walks see through the holder: it adds
// nothing to a path.
template <class Holder, class Kind>
class Erased {
 public:
  static constexpr bool holds_variables = true;
  static constexpr bool is_module = false;  // What it holds is one.

  // The held object if it is a T, else nullptr.
  template <class T>
  T* get_if() const {
    auto* value = dynamic_cast<HeldValue<Kind, T>*>(held_.get());
    return value ? &value->object : nullptr;
  }

  // The name of the held class: "Adam".
  std::string class_name() const { return held_->class_name(); }
  // The held object as a value.
  Config config() const { return held_->config(); }

  // For walks and clones.
  void walk_(Walker& walker) { held_->walk(walker); }
  Holder clone_(Cloner& cloner) const {
    Holder copy = static_cast<const Holder&>(*this);
    copy.held_ = cloner.shared(held_, [&] { return held_->clone(cloner); });
    return copy;
  }

 protected:
  explicit Erased(std::shared_ptr<Kind> held) : held_(std::move(held)) {}
  // No move: a moved-from module stays valid.
  Erased(const Erased&) = default;
  Erased& operator=(const Erased&) = default;

  std::shared_ptr<Kind> held_;
};

}  // namespace snt::detail
