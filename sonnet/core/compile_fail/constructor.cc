// expect: snt: a module must be a plain struct, without constructors and
// private fields: give the fields default values instead, or write `template
// <class F> void visit_fields(F&& f)`.
#include "sonnet/core/variables.h"

struct Net {
  explicit Net(int n) : size(n) {}
  int size;
  snt::Variable w = {};
};

void f() { snt::variables(Net(3)); }
