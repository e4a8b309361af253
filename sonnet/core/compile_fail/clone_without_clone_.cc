// expect: snt: to be cloned, a polymorphic base needs `virtual
// std::unique_ptr<Base> clone_(snt::Cloner&) const`.
#include "sonnet/core/clone.h"

struct Encoder {
  virtual ~Encoder() = default;
  virtual void walk_(snt::Walker& walker) = 0;
};
struct Net {
  std::unique_ptr<Encoder> encoder;
};

void f(const Net& net) { snt::clone(net); }
