#include "sonnet/recurrent/recurrence.h"

#include <array>

#include "sonnet/core/errors.h"

namespace snt {

std::pair<Nest, Nest> detail::Recurrence::step(const Nest& input,
                                               const Nest& state) const {
  const std::array<Nest, 2> args = {input, state};
  const Nest both = held_->call(std::span<const Nest>(args));
  const auto* list = both.get_if<Nest::List>();
  check<TypeError>(list != nullptr && list->size() == 2, class_name(),
                   "a core must give {output, next_state}, got ", both.kind());
  return {(*list)[0], (*list)[1]};
}

}  // namespace snt
