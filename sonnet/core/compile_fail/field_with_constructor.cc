// expect: snt: a module must be a plain struct, without constructors and
// private fields
#include "sonnet/core/variables.h"

struct Inner {
  explicit Inner(int) {}
  snt::Variable w = {};
};
struct Net {
  Inner inner{3};
};

void f() { snt::variables(Net()); }
