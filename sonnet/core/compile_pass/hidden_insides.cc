// Types that reflection cannot read, in the ways that are offered: a class with
// a constructor says its fields, a polymorphic base has one virtual function,
// and what holds no variables is declared opaque.

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sonnet/core/clone.h"
#include "sonnet/core/variables.h"
#include "sonnet/layers/linear.h"

namespace {

class Whitening {
 public:
  explicit Whitening(int64_t size) : inner_{size} {}
  template <class F>
  void visit_fields(F&& f) {
    f("inner", inner_);
    f("scale", scale_);
  }
  at::Tensor operator()(const at::Tensor& x) const {
    const snt::Initializer ones = [](auto shape, auto dtype) {
      return at::ones(shape, dtype);
    };
    return inner_(x) * scale_.create({1}, x, ones);
  }

 private:
  std::vector<double> table_;
  snt::Linear inner_;
  snt::Variable scale_;
};

// A base that knows how to walk and clone, and a helper that writes both for
// any class with visit_fields.
struct Encoder {
  virtual ~Encoder() = default;
  virtual at::Tensor run(const at::Tensor& x) const = 0;
  virtual void walk_(snt::Walker& walker) = 0;
  virtual std::unique_ptr<Encoder> clone_(snt::Cloner& cloner) const = 0;
};
template <class Self>
struct EncoderOf : Encoder {
  void walk_(snt::Walker& walker) override {
    static_cast<Self&>(*this).visit_fields(
        [&](std::string_view name, auto& field) {
          const snt::Walker::Field here(walker, name);
          snt::walk(field, walker);
        });
  }
  std::unique_ptr<Encoder> clone_(snt::Cloner& cloner) const override {
    auto copy = std::make_unique<Self>(static_cast<const Self&>(*this));
    copy->visit_fields([&](std::string_view, auto& field) {
      field = snt::deep_copy(std::as_const(field), cloner);
    });
    return copy;
  }
};
struct Dense : EncoderOf<Dense> {
  snt::Linear linear{4};
  at::Tensor run(const at::Tensor& x) const override { return linear(x); }
  template <class F>
  void visit_fields(F&& f) {
    f("linear", linear);
  }
};

}  // namespace

namespace tokens {
// Of another library: neither copyable nor known to this one.
class Tokenizer {
 public:
  explicit Tokenizer(int size) : size_(size) {}
  Tokenizer(const Tokenizer&) = delete;
  int size() const { return size_; }

 private:
  int size_;
};
}  // namespace tokens

template <>
inline constexpr bool snt::opaque<tokens::Tokenizer> = true;

namespace {

struct Model {
  std::string name = {};

  Whitening whitening{3};
  std::unique_ptr<Encoder> encoder = std::make_unique<Dense>();
  tokens::Tokenizer tokenizer{5};
  const tokens::Tokenizer* other = nullptr;

  at::Tensor operator()(const at::Tensor& x) const {
    return encoder->run(whitening(x));
  }
};

// Without the tokenizer it can be cloned.
struct Cloneable {
  Whitening whitening{3};
  std::unique_ptr<Encoder> encoder = std::make_unique<Dense>();
};

}  // namespace

int main() {
  const Model model;
  model(at::ones({2, 6}));
  std::string paths;
  for (const auto& [path, variable] : snt::named_variables(model)) {
    paths += path + " ";
  }
  if (paths !=
      "whitening/inner/w whitening/inner/b whitening/scale encoder/linear/w "
      "encoder/linear/b ") {
    return 1;
  }
  const Cloneable original;
  original.encoder->run(original.whitening(at::ones({2, 6})));
  const Cloneable copy = snt::clone(original);
  const auto before = snt::variables(original);
  const auto after = snt::variables(copy);
  if (before.size() != 5 || after.size() != 5) return 2;
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i] == after[i]) return 3;
    if (!at::equal(before[i].value(), after[i].value())) return 4;
  }
  return 0;
}
