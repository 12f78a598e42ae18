#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>

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

/// Called from the calling thread between batches with (done, total); return false to stop: what is done is kept.
using Checkpoint = std::function<bool(std::size_t, std::size_t)>;

/// Seconds of work between two looks at signals and progress.
constexpr double checkpoint_interval = 0.15;

/// Runs work(thread, item) for items 0 … n−1 on `threads` threads, thread < threads, in batches that take about `checkpoint_interval`.
/// @param first_batch items for each thread in the first batch; no batch has fewer than twice as many items
/// @param grain items that a thread takes at a time
/// @param checkpoint called after every batch with the number of items done, from the calling thread; false stops
/// @return false: a checkpoint stopped it. The work must not throw.
template <class Work, class AfterBatch>
bool run_in_batches(std::size_t n, int threads, std::size_t first_batch, std::size_t grain, const Work& work,
                    const AfterBatch& checkpoint) {
  using Clock = std::chrono::steady_clock;
  const std::size_t fewest = 2 * first_batch;
  const auto chunk = static_cast<std::ptrdiff_t>(grain);
  std::size_t batch = std::max(fewest, static_cast<std::size_t>(threads) * first_batch);
  for (std::size_t done = 0; done < n;) {
    const std::size_t end = std::min(n, done + batch);
    const auto begin = Clock::now();
    if (threads == 1) {
      for (std::size_t i = done; i < end; ++i) work(std::size_t{0}, i);
    } else {
      const auto first = static_cast<std::ptrdiff_t>(done), last = static_cast<std::ptrdiff_t>(end);
#pragma omp parallel num_threads(threads)
      {
        const auto thread = static_cast<std::size_t>(thread_number());
#pragma omp for schedule(dynamic, chunk)
        for (std::ptrdiff_t i = first; i < last; ++i) work(thread, static_cast<std::size_t>(i));
      }
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const double wanted = static_cast<double>(end - done) * checkpoint_interval / std::max(seconds, 1e-6);
    batch = std::max(fewest, static_cast<std::size_t>(std::min(wanted, 8.0 * static_cast<double>(batch))));
    done = end;
    if (!checkpoint(done)) return false;
  }
  return true;
}

}  // namespace nusky
