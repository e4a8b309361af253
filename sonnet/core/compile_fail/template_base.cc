// expect: snt: a module must have no base: make the base a field.
#include "sonnet/core/variables.h"

template <class Self>
struct Mixin {
  int calls = 0;
};
struct Net : Mixin<Net> {
  snt::Variable w = {};
};

void f() { snt::variables(Net()); }
