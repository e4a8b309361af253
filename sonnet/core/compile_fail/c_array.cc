// expect: snt: a module must have no C array: use std::array.
#include "sonnet/core/variables.h"

struct Net {
  int before = 0;
  snt::Variable w[3] = {};
  int behind = 0;
};

void f() { snt::variables(Net()); }
