// expect: snt: a module must have no C array: use std::array.
#include "sonnet/core/variables.h"

struct Net {
  snt::Variable w = {};
  int sizes[2] = {};
};

void f() { snt::variables(Net()); }
