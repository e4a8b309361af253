// File: core/table.h
// Variables as tables for people.

#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "sonnet/core/build.h"
#include "sonnet/core/variables.h"

namespace snt {

// The table that Sonnet prints: name, spec ("f32[3,4]"), trainable and device
// of each variable, sorted by scope, falling rank and name. `table_format` is a
// name that Python's tabulate has: orgtbl, github, pipe, psql, grid, presto,
// rst, simple or plain.
//
//     snt::Linear linear{10};
//     linear(at::ones({2, 5}));
//     std::cout << snt::format_variables(snt::variables(linear)) << "\n";
//
// Throws ValueError for another format, NotBuiltError for an empty variable.
std::string format_variables(const std::vector<Variable>& variables,
                             std::string_view table_format = "orgtbl");

// Writes the lines of `format_variables` to a log, standard error by default.
void log_variables(const std::vector<Variable>& variables);
void log_variables(const std::vector<Variable>& variables, std::ostream& out);

namespace detail {
std::string describe_all(const std::vector<Found>& found);
}  // namespace detail

// An aligned table of all variables of a module with path, shape, dtype,
// trainable, device and size. Shared ones are marked at their later paths,
// those without a value as not built; the last line is the total.
//
//     snt::nets::MLP mlp{.output_sizes = {32, 10}};
//     snt::build(mlp, snt::Shape{-1, 784});
//     std::cout << snt::describe(mlp);
//
// Throws what check() of a module throws for bad options.
template <class M>
std::string describe(const M& module) {
  detail::check_all([&](Walker& walker) { snt::walk(module, walker); });
  return detail::describe_all(detail::find_variables(module));
}

}  // namespace snt
