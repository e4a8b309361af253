// expect: use of deleted function
#include "sonnet/layers/linear.h"

snt::Linear linear;
