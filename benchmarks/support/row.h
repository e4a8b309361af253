// File: support/row.h
// What a benchmark program measures: rows, each with a name and a workload.

#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace benchmarks {

// What the mathematics of one step needs, however it is computed: its floating
// point operations, and the bytes that it must read or write, each once.
struct Cost {
  double flop = 0;
  double byte = 0;
};

// How often a step is repeated.
struct Timing {
  double seconds = 1;  // Repeats until that much time was measured ...
  int repeats = 7;     // ... and at least so often, but for no more than 3 s.
};

// One workload, built.
struct Work {
  std::function<void()> step;  // Returns when its work is done.
  Cost cost = {};
};

// Named numbers, e.g. {{"ms", 1.5}}; the first is the result, its name the
// unit.
using Numbers = std::vector<std::pair<std::string, double>>;

// {{"ms", median time of a step}}.
Numbers median(const Work& work, const Timing& timing);

// {{"per_s", steps a second by so many threads together}}, each of them with
// one thread for the operations inside.
Numbers one_thread(const Work& work, const Timing& timing);
Numbers two_threads(const Work& work, const Timing& timing);

// Steps before the first measure: two, and a third if the second took less
// than a second.
void warm_up(const Work& work);

// A row of the table.
struct Row {
  std::string name;
  std::function<Work()> make;
  std::function<Numbers(const Work&, const Timing&)> measure = median;
};

// {{"ms", time from the start of another process of this program to the end of
// its first step of mlp_small_train}, {"first_call_ms", the part of it that
// builds the model and makes the step}}.
Row startup_row();

}  // namespace benchmarks
