#include "nusky/threads.hpp"

#include <omp.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace nusky {
namespace {

std::atomic<bool> forked{false};

int affinity_count() {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, omp_get_num_procs());
}

}  // namespace

int max_threads() {
  int n = affinity_count();
  if (const char* text = std::getenv("OMP_NUM_THREADS")) {
    const int limit = std::atoi(text);
    if (limit > 0) n = std::min(n, limit);
  }
  return n;
}

int resolve_threads(int requested) {
  if (requested < 0)
    throw std::invalid_argument("n_threads: " + std::to_string(requested) + " is negative; use 0 for all threads or a positive number");
  if (forked.load(std::memory_order_relaxed)) return 1;
  const int most = max_threads();
  return requested == 0 ? most : std::min(requested, most);
}

int thread_number() { return omp_get_thread_num(); }

void install_fork_handler() {
  static const int done = pthread_atfork(nullptr, nullptr, [] { forked.store(true, std::memory_order_relaxed); });
  (void)done;
}

}  // namespace nusky
