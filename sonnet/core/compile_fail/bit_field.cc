// expect: cannot bind bit-field
#include "sonnet/core/variables.h"

struct Net {
  unsigned low : 3;
  unsigned high : 5;
  snt::Variable w = {};
};

void f(const Net& net) { snt::variables(net); }
