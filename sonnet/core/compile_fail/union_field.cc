// expect: snt: this field is neither a value nor a struct; specialise
// snt::opaque for its type if it holds no variables.
#include "sonnet/core/variables.h"

union Number {
  int whole;
  float real;
};
struct Net {
  Number number = {};
  snt::Variable w = {};
};

void f() { snt::variables(Net()); }
