// File: kernels/onednn.h
// Until when kernels may call oneDNN.

#pragma once

namespace snt::kernels {

// Whether oneDNN may be called: not once the process is on its way out, when
// its statics are destroyed. Kernels then leave the work to libtorch. False
// from the end of the main thread on, which is before any static's destructor;
// where another thread calls std::exit, see `stop_at_exit`.
bool is_alive();

// Makes is_alive() false from the moment on at which an exit by way of another
// thread comes to what was made before this call. A kernel calls it once,
// behind the first use of what makes statics in oneDNN.
void stop_at_exit();

}  // namespace snt::kernels
