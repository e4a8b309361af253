// expect: without constructors and private fields
#include "sonnet/core/variables.h"

struct Net {
  Net() = default;
  snt::Variable w = {};
};

void f() { snt::variables(Net()); }
