#include "sonnet/kernels/switches.h"

namespace snt::kernels {

Switches& switches() {
  static auto* const all = new Switches;
  return *all;
}

}  // namespace snt::kernels
