#include "sonnet/layers/axis.h"

#include <algorithm>

#include "sonnet/core/errors.h"

namespace snt {
namespace {

using Dims = std::vector<int64_t>;

// As slice.indices(rank) in Python.
Dims dims_of(const Slice& slice, int64_t rank) {
  const int64_t step = slice.step.value_or(1);
  const int64_t first = step > 0 ? 0 : -1;  // Where a bound is cut off.
  const int64_t last = first + rank;
  const auto bound = [&](std::optional<int64_t> given, int64_t unset) {
    if (!given) return unset;
    return std::clamp(*given < 0 ? *given + rank : *given, first, last);
  };
  const int64_t start = bound(slice.start, step > 0 ? first : last);
  const int64_t stop = bound(slice.stop, step > 0 ? last : first);
  Dims dims;
  for (int64_t d = start; step > 0 ? d < stop : d > stop; d += step) {
    dims.push_back(d);
  }
  return dims;
}

Config config_of(std::optional<int64_t> number) {
  return number ? Config{*number} : Config{};
}

}  // namespace

void Axis::check(std::string_view who) const {
  const auto* list = std::get_if<Dims>(&given_);
  snt::check(list == nullptr || !list->empty(), who,
             "`axis` should be an int, slice or iterable of ints, and not "
             "empty, got []");
  const auto* slice = std::get_if<Slice>(&given_);
  snt::check(slice == nullptr || slice->step != 0, who,
             "the step of `axis` must not be 0");
}

std::vector<int64_t> Axis::of(int64_t rank, std::string_view who) const {
  if (const auto* slice = std::get_if<Slice>(&given_)) {
    Dims dims = dims_of(*slice, rank);
    std::sort(dims.begin(), dims.end());
    return dims;
  }
  const auto* list = std::get_if<Dims>(&given_);
  Dims dims = list ? *list : Dims{std::get<int64_t>(given_)};
  for (int64_t& d : dims) {
    snt::check(-rank <= d && d < rank, who, "`axis` must be in [", -rank, ", ",
               rank, ") for x of rank ", rank, ", got ", d);
    if (d < 0) d += rank;
  }
  std::sort(dims.begin(), dims.end());
  snt::check(std::adjacent_find(dims.begin(), dims.end()) == dims.end(), who,
             "`axis` must name each dimension once, got ",
             list ? *list : Dims());
  return dims;
}

Config ConfigTraits<Axis>::to(const Axis& value) {
  const auto* slice = std::get_if<Slice>(&value.given());
  if (slice == nullptr) {
    const auto* list = std::get_if<Dims>(&value.given());
    return list ? to_config(*list) : Config{std::get<int64_t>(value.given())};
  }
  Config::List bounds = {config_of(slice->start), config_of(slice->stop)};
  if (slice->step) bounds.push_back(config_of(slice->step));
  const std::string text =
      format("slice(", slice->start, ", ", slice->stop, ", ", slice->step, ")");
  Config json{Config::Map{{"slice", Config{std::move(bounds)}}}};
  return {Config::Literal{text, {std::move(json)}}};
}

Axis ConfigTraits<Axis>::from(const Config& config, const std::string& where) {
  const auto fits = [](const Config& entry) {
    return entry.get_if<int64_t>() != nullptr;
  };
  if (fits(config)) return *config.get_if<int64_t>();
  if (const auto* list = config.get_if<Config::List>();
      list != nullptr && std::all_of(list->begin(), list->end(), fits)) {
    return from_config<Dims>(config, where);
  }
  if (const Config* bounds = config.find("slice")) {
    const auto list =
        from_config<std::vector<std::optional<int64_t>>>(*bounds, where);
    check(list.size() == 2 || list.size() == 3, where,
          "a slice must be [start, stop] or [start, stop, step], got ",
          to_repr(*bounds));
    return Slice{list[0], list[1], list.size() == 3 ? list[2] : std::nullopt};
  }
  throw ValueError(format("[", where,
                          "] `axis` should be an int, slice or iterable of "
                          "ints. Got ",
                          to_repr(config)));
}

}  // namespace snt
