// expect: could not convert
#include "sonnet/layers/linear.h"

snt::Linear linear{.output_size = "3"};
