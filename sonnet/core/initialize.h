// File: core/initialize.h
// What a program does once at its start.

#pragma once

namespace snt {

// Settings of the process.
struct InitializeOptions {
  // Threads that one operation uses; 0: OMP_NUM_THREADS if that is set, else
  // all cores this process may use.
  int threads = 0;
};

// Sets up libtorch for speed: the number of threads, which libtorch guesses too
// low on some virtual machines. May be called again; optional.
//
//     snt::initialize();
//
// Throws ValueError for a negative number of threads.
void initialize(InitializeOptions options = {});

}  // namespace snt
