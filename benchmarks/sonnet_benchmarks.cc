// Measures this library.
//
//   sonnet_benchmarks                    all rows, one JSON line each
//   sonnet_benchmarks --row mlp_train    this row; --list names them all
//
// `make bench` compares with other libraries: tools/bench runs this program and
// those of benchmarks/peers/ alternately.

#include "benchmarks/support/program.h"
#include "benchmarks/workloads.h"

int main(int argc, char** argv) {
  std::vector<benchmarks::Row> rows;
  for (const auto& family :
       {benchmarks::mlp_rows(), benchmarks::net_rows(),
        benchmarks::recurrent_rows(), benchmarks::table_rows(),
        benchmarks::optimizer_rows(), benchmarks::norm_rows(),
        benchmarks::convolution_rows(), benchmarks::overhead_rows(),
        std::vector{benchmarks::startup_row()}, benchmarks::limit_rows()}) {
    rows.insert(rows.end(), family.begin(), family.end());
  }
  return benchmarks::run_program(
      argc, argv, "sonnet-cpp", [] { snt::initialize(); }, rows);
}
