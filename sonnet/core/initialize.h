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

  // Products of float32 matrices on a CPU are oneDNN's, for all that libtorch
  // computes in this process: layers, gradients, the program's own at::matmul.
  // libtorch keeps small ones, other dtypes and what is unusual.
  bool onednn_matmul = true;

  // UnrolledLSTM, CuDNNGRU and the unrolls run a whole float32 sequence as one
  // kernel on a CPU; on a CUDA device as cuDNN's where that has the equations.
  bool recurrent_sequences = true;

  // An optimizer updates its parameters in one pass over memory.
  bool one_pass_updates = true;

  // A Linear, and an MLP whose activation is relu, is one operation for float32
  // on a CPU, with its biases and activations, forward and backward.
  bool fast_layers = true;

  // Normalisations of float32 on a CPU take as few passes over memory as they
  // can; in networks, with the relu that follows.
  bool fast_norms = true;

  // Convolutions of channels-last float32 arrays on a CPU are oneDNN's, in
  // place; in networks outside training, with the norm and relu that follow.
  bool fast_convolutions = true;

  // Vector quantizers of float32 on a CPU compute, search and write distances
  // in one pass.
  bool fast_quantizers = true;

  // at::cross_entropy_loss of float32 on a CPU is one operation, and squares
  // and means have gradients that take one pass over memory, or none: the
  // program's own too.
  bool fast_losses = true;

  // Memory of CPU tensors of 64 KiB and more waits for its next use instead of
  // going back to the system, and is in huge pages where the system gives them.
  // `memory_statistics` counts it, `empty_cache` gives it back. Not under
  // AddressSanitizer, which sees errors in its own memory only.
  bool caching_allocator = true;

  // How much may wait, as a share of the memory that this process may use (of
  // the machine or, in a container, its limit), in [0, 1]. What would be more
  // goes back at once, what has waited longest first; 0 turns the cache off.
  double cache_share = 0.25;
};

// Sets up libtorch for speed: the number of threads, which libtorch guesses too
// low on some virtual machines, and the kernels above. May be called again,
// with other options too, when tensors and models exist already; optional.
//
//     snt::initialize();
//
// Throws ValueError for a negative number of threads, and for a `cache_share`
// outside of [0, 1].
void initialize(InitializeOptions options = {});

}  // namespace snt
