// expect: snt: a module must not hold another by a plain pointer: hold it by
// value (copies share variables) or by std::shared_ptr, or specialise
// snt::opaque.
#include "sonnet/core/variables.h"

struct Inner {
  snt::Variable w = {};
};
struct Net {
  const Inner* inner = nullptr;
};

void f() { snt::variables(Net()); }
