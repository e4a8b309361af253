// expect: has no non-static data member named 'withbias'
#include "sonnet/layers/linear.h"

snt::Linear linear{.output_size = 3, .withbias = false};
