// expect: without constructors and private fields
#include "sonnet/core/options.h"

class Private {
 public:
  explicit Private(int n) : n_(n) {}

 private:
  int n_;
};

Private f() { return snt::from_json<Private>("{}"); }
