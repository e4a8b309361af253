// File: kernels/parallel.h
// Loops on libtorch's threads. `at::parallel_for` is a template: where it is
// compiled without OpenMP, as this library is, it stays on one thread.

#pragma once

#include <c10/util/FunctionRef.h>

#include <cstdint>

namespace snt::kernels {

// Calls work(i) for each i in [0, count), on up to at::get_num_threads()
// threads of libtorch's own; each thread takes the next i when it is done with
// one, so that a busy core holds nobody up. On the calling thread alone inside
// of another parallel loop. An exception of `work` comes out here.
void parallel_for_each(int64_t count, c10::function_ref<void(int64_t)> work);

}  // namespace snt::kernels
