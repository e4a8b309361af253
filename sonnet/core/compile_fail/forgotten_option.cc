// expect: use of deleted function 'snt::Required<T>::Required() [with T = long
// int]'
#include "sonnet/layers/linear.h"

snt::Linear linear{.with_bias = false};
