// expect: snt: a function that runs once cannot return a value.
#include "sonnet/core/once.h"

void f(const snt::Once& once) {
  once([] { return 3; });
}
