#include "sonnet/goldens/run_on_ones.h"

#include <ATen/ATen.h>

#include "sonnet/conformance/class_table.h"
#include "sonnet/goldens/decode.h"

namespace snt::goldens {

void call_on_ones(const conformance::Subject& subject, const Json& shape,
                  const Json& kwargs) {
  const auto sizes = shape.get<std::vector<int64_t>>();
  std::vector<Nest> args = {at::ones(sizes)};
  if (subject.row().methods.contains("initial_state")) {
    const std::vector<Nest> batch = {
        sizes.at(subject.row().is_unrolled ? 1 : 0)};
    args.push_back(subject.call_method("initial_state", batch));
  }
  const Arguments given(Json{{"kwargs", kwargs}}, {});
  subject.call(args, given.kwargs());
}

void create_without_input(const conformance::Subject& subject) {
  if (subject.row().create) subject.row().create(subject);
}

}  // namespace snt::goldens
