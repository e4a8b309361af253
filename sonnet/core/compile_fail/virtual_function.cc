// expect: snt: a module must have no virtual function: hold a snt::Layer
// instead, or give the class `virtual void walk_(snt::Walker& walker)`.
#include "sonnet/core/variables.h"

struct Net {
  virtual ~Net() = default;
  snt::Variable w = {};
};

void f() { snt::variables(Net()); }
