// expect: snt: a module must have no virtual function: hold a snt::Layer
// instead, or give the class `virtual void walk_(snt::Walker& walker)`.
#include "sonnet/core/variables.h"

struct Encoder {
  virtual ~Encoder() = default;
};
struct Net {
  std::unique_ptr<Encoder> encoder;
  snt::Variable w = {};
};

void f(const Net& net) { snt::variables(net); }
