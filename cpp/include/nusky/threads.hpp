#pragma once
#include <cstddef>

namespace nusky {

/// Threads that this process may use: its CPU affinity, or OMP_NUM_THREADS where that is smaller.
int max_threads();

/// Threads to use for a request: 0 means all; more than allowed is capped; negative throws. In a forked child always 1,
/// because libgomp's team does not survive a fork.
int resolve_threads(int requested);

/// Number of the calling thread within its parallel region.
int thread_number();

/// Installs the fork handler once; called when the module is loaded.
void install_fork_handler();

/// Runs body(i) for i < n on `n_threads`, in dynamic chunks. The body must not throw.
template <class Body>
void parallel_for(std::size_t n, int n_threads, std::size_t chunk, const Body& body) {
  const int threads = resolve_threads(n_threads);
  if (threads == 1 || n <= chunk) {
    for (std::size_t i = 0; i < n; ++i) body(i);
    return;
  }
  const auto count = static_cast<std::ptrdiff_t>(n);
  const auto step = static_cast<std::ptrdiff_t>(chunk);
#pragma omp parallel for schedule(dynamic, step) num_threads(threads)
  for (std::ptrdiff_t i = 0; i < count; ++i) body(static_cast<std::size_t>(i));
}

}  // namespace nusky
