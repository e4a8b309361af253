// The two situations that GCC 12 gets wrong, in the forms that are safe:
// nothing is destroyed twice or leaks when options are bad, because only
// check() throws, at the first call.
//
// - It crashes ("internal compiler error: in replace_placeholders_r") when a
//   field is made from a temporary module of which an initialiser reads
//   another field of that module.
// - It destroys fields twice when an initialiser throws behind a nested struct.

#include <ATen/ATen.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sonnet/core/errors.h"
#include "sonnet/core/layer.h"
#include "sonnet/core/variables.h"
#include "sonnet/layers/linear.h"
#include "sonnet/layers/sequential.h"
#include "sonnet/nets/mlp.h"

namespace {

// How many copies of a field live.
struct Counted {
  static inline int alive = 0;
  Counted() { ++alive; }
  Counted(const Counted&) { ++alive; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --alive; }
};

}  // namespace

template <>
inline constexpr bool snt::opaque<Counted> = true;

namespace {

struct Checked {
  snt::Required<int64_t> size;
  std::string name = {};

  std::vector<Counted> first = std::vector<Counted>(2);
  snt::Variable w = {};
  Counted last = {};

  void check() const {
    snt::check(size > 0, "Checked", "size must be positive, got ", size.value);
  }
  at::Tensor operator()(const at::Tensor& x) const {
    if (!w.is_built()) check();
    return x * w.create({size}, x, snt::Initializer(),
                        [](auto shape, auto) { return at::ones(shape); });
  }
};

// The forms of gcc12_crash.cc and gcc12_double_free.cc.
struct InContainer {
  int64_t hidden = 64;
  snt::Sequential body{{Checked{hidden}, snt::Linear{hidden}}};
};
struct InBraces {
  int64_t hidden = 1;
  Checked sub{.size = hidden};
  Checked behind{.size = -1};
};
struct Assigned {
  int64_t hidden = 1;
  Checked sub = Checked{.size = hidden};
  Checked behind = {.size = -1};
};
struct Nested {
  int64_t hidden = 1;
  InBraces inner{.hidden = hidden};
  std::vector<Checked> list = {Checked{hidden}, Checked{-1}};
  std::optional<Checked> optional = Checked{-1};
};

template <class F>
bool throws(F&& f) {
  try {
    f();
  } catch (const snt::ValueError& error) {
    return std::string(error.what()) ==
           "[Checked] size must be positive, got -1";
  }
  return false;
}

int failures = 0;
void expect(bool ok, const char* what) {
  if (!ok) {
    std::printf("%s\n", what);
    ++failures;
  }
}

}  // namespace

int main() {
  const at::Tensor x = at::ones({1, 3});
  {
    InContainer net{.hidden = 3};
    expect(net.body.layers.size() == 2, "two layers");
    expect(net.body(x).size(-1) == 3, "the option arrives");
    expect(throws([&] { InContainer{.hidden = -1}.body(x); }), "container");
    expect(throws([&] { InBraces{.hidden = 3}.behind(x); }), "in braces");
    expect(throws([&] { InBraces{.hidden = -1}.sub(x); }), "its option");
    expect(throws([&] { Assigned{.hidden = 3}.behind(x); }), "assigned");
    expect(throws([&] {
             const auto made = std::make_unique<Nested>(Nested{.hidden = 3});
             made->inner.sub(x);
             made->list[0](x);
             made->list[1](x);
           }),
           "in a list");
    expect(throws([&] { (*Nested{.hidden = 3}.optional)(x); }), "optional");
    expect(throws([&] { snt::from_json<Checked>(R"({"size": -1})"); }),
           "from JSON");
  }
  expect(Counted::alive == 0, "every field is destroyed once");
  return failures;
}
