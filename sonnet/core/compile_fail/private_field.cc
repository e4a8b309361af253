// expect: snt: a module must be a plain struct, without constructors and
// private fields
#include "sonnet/core/variables.h"

class Net {
 public:
  int size = 1;

 private:
  snt::Variable w_ = {};
};

void f() { snt::variables(Net()); }
