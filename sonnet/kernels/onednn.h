// File: kernels/onednn.h
// What the kernels on oneDNN share: its engine, and a stream per thread.

#pragma once

#include <oneapi/dnnl/dnnl.hpp>

namespace snt::kernels {

// The CPU. Never destroyed: kernels also run in destructors of statics.
const dnnl::engine& engine();

// The calling thread's stream on it.
dnnl::stream& stream();

// Whether oneDNN may be called. False from the first handler of std::atexit on
// that was registered after oneDNN's own statics were made: behind it they may
// be gone. Kernels then leave the work to libtorch.
bool is_alive();

}  // namespace snt::kernels
