// expect: snt: a module must be a plain struct, without constructors and
// private fields
#include "sonnet/core/nest.h"

class Private {
 public:
  explicit Private(int n) : n_(n) {}

 private:
  int n_;
};

void f(const Private& object) { snt::to_nest(object); }
