// expect: snt: a module must have no base: make the base a field.
#include "sonnet/core/variables.h"

struct Base {
  snt::Variable b = {};
};
struct Net : Base {
  snt::Variable w = {};
};

void f() { snt::variables(Net()); }
