// expect: snt: a nest is made of tensors, numbers, strings, structs, tuples,
// vectors, maps and optionals.
#include "sonnet/core/nest.h"

void f(const int* pointer) { snt::to_nest(pointer); }
