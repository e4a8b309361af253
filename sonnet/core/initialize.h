// File: core/initialize.h
// What a program does once at its start.

#pragma once

namespace snt {

// Settings of the process. Each kernel has plain libtorch behind it: switched
// off, the same numbers come by way of that, up to rounding.
struct InitializeOptions {
  // Threads that one operation uses; 0: OMP_NUM_THREADS if that is set, else
  // all cores this process may use.
  int threads = 0;

  // UnrolledLSTM and the unrolls run a whole float32 sequence as one kernel on
  // a CPU.
  bool recurrent_sequences = true;

  // An optimizer updates its parameters in one pass over memory.
  bool one_pass_updates = true;

  // Normalisations of float32 on a CPU take as few passes over memory as they
  // can.
  bool fast_norms = true;
};

// Sets up libtorch for speed: the number of threads, which libtorch guesses too
// low on some virtual machines, and the kernels above. May be called again,
// with other options too, when tensors and models exist already; optional.
//
//     snt::initialize();
//
// Throws ValueError for a negative number of threads.
void initialize(InitializeOptions options = {});

}  // namespace snt
