// expect: snt: a module must have no base: make the base a field.
#include "sonnet/core/variables.h"

struct Tag {};
struct Net : Tag {
  snt::Variable w = {};
};

void f() { snt::variables(Net()); }
