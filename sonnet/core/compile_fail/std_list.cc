// expect: snt: variables in this kind of container are not found: use
// std::vector, std::array, std::map or std::tuple.
#include <list>

#include "sonnet/core/variables.h"

struct Net {
  std::list<snt::Variable> weights = {};
};

void f() { snt::variables(Net()); }
