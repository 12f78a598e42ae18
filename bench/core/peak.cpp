#include "peak.hpp"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <stdexcept>

#include "nusky/aligned.hpp"

namespace nusky::bench {

namespace baseline {
extern const PeakLoops loops;
}
#ifdef NUSKY_X86_LEVELS
namespace avx2 {
extern const PeakLoops loops;
}
namespace avx512 {
extern const PeakLoops loops;
}
#endif

const PeakLoops& peak_loops(const std::string& level) {
#ifdef NUSKY_X86_LEVELS
  if (level == "avx2") return avx2::loops;
  if (level == "avx512") return avx512::loops;
#endif
  return baseline::loops;
}

namespace {

constexpr double slice = 0.02;  // seconds of one measurement
constexpr int slices = 4;       // the best counts

volatile float sink = 0.0F;

double thread_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Calls of work(repetitions) for a second of a core's time, in `threads` threads at once, the best of several slices. What else
// runs on the machine takes a core away, but no core's time.
template <class Work>
double rate(int threads, const Work& work) {
  double best = 0.0;
  std::size_t n = 1;
  for (int s = 0; s < slices;) {
    double slowest = 0.0;
#pragma omp parallel num_threads(threads) reduction(max : slowest)
    {
#pragma omp barrier
      const double begin = thread_seconds();
      work(n, omp_get_thread_num());
      slowest = thread_seconds() - begin;
    }
    if (slowest < 0.5 * slice) {  // still finding out how many calls a slice has room for
      n = std::max(n + 1, static_cast<std::size_t>(static_cast<double>(n) * std::min(100.0, slice / std::max(slowest, 1e-7))));
      continue;
    }
    best = std::max(best, static_cast<double>(n) / slowest);
    ++s;
  }
  return best;
}

// One working set for each thread, touched by that thread first.
std::vector<AlignedVector<float>> working_sets(int threads, std::size_t bytes) {
  const std::size_t n = std::max<std::size_t>(256, bytes / sizeof(float) / 256 * 256);
  std::vector<AlignedVector<float>> sets(static_cast<std::size_t>(threads));
#pragma omp parallel num_threads(threads)
  sets[static_cast<std::size_t>(omp_get_thread_num())].assign(n, 1.0F);
  return sets;
}

double read_rate(const PeakLoops& loops, int threads, std::size_t bytes) {
  const auto sets = working_sets(threads, bytes);
  const double bytes_read = static_cast<double>(sets[0].size() * sizeof(float));
  return bytes_read * rate(threads, [&](std::size_t n, int t) {
           const auto& set = sets[static_cast<std::size_t>(t)];
           float sum = 0.0F;
           for (std::size_t i = 0; i < n; ++i) sum += loops.read(set.size(), set.data());
           sink = sum;
         });
}

void check(const PeakLoops& loops) {
  constexpr std::size_t n = 64;
  alignas(64) float x[n], y[n];
  alignas(64) double u[n], v[n];
  for (std::size_t i = 0; i < n; ++i) u[i] = x[i] = -80.0F + 2.5F * static_cast<float>(i);
  loops.exp_float(n, x, y);
  loops.exp_double(n, u, v);
  for (std::size_t i = 0; i < n; ++i)
    if (std::abs(static_cast<double>(y[i]) / std::exp(u[i]) - 1) > 1e-6 || std::abs(v[i] / std::exp(u[i]) - 1) > 1e-14)
      throw std::runtime_error(std::string("the exponential of the peak loops is wrong at level ") + loops.name);
}

}  // namespace

Caches caches() {
  Caches c;
  const auto ask = [](int name, std::size_t& size) {
    const long found = sysconf(name);
    if (found > 0) size = static_cast<std::size_t>(found);
  };
#ifdef _SC_LEVEL1_DCACHE_SIZE
  ask(_SC_LEVEL1_DCACHE_SIZE, c.l1);
  ask(_SC_LEVEL2_CACHE_SIZE, c.l2);
  ask(_SC_LEVEL3_CACHE_SIZE, c.l3);
#endif
  return c;
}

Peak measure_peak(const std::string& level, int threads) {
  const PeakLoops& loops = peak_loops(level);
  check(loops);
  Peak p;
  p.level = level;
  p.threads = threads;
  const auto flops = static_cast<double>(loops.flops);
  p.float_flops = flops * rate(threads, [&](std::size_t n, int) { sink = loops.fma_float(n); });
  p.double_flops = 0.5 * flops * rate(threads, [&](std::size_t n, int) { sink = static_cast<float>(loops.fma_double(n)); });
  constexpr std::size_t many = 1024;
  std::vector<AlignedVector<float>> x = working_sets(threads, 8 * many), y = x;
  p.float_exp = many * rate(threads, [&](std::size_t n, int t) {
                  const auto i = static_cast<std::size_t>(t);
                  for (std::size_t k = 0; k < n; ++k) loops.exp_float(many, x[i].data(), y[i].data());
                });
  p.double_exp = many * rate(threads, [&](std::size_t n, int t) {
                   alignas(64) double in[many], out[many];
                   for (std::size_t k = 0; k < many; ++k) in[k] = -1.0;
                   for (std::size_t k = 0; k < n; ++k) loops.exp_double(many, in, out);
                   sink = static_cast<float>(out[static_cast<std::size_t>(t)]);
                 });
  const Caches size = caches();
  // The last cache is shared by cores that may not be ours: its size says little, so memory gets at most 256 MiB a thread
  const std::size_t large = std::min<std::size_t>(4 * size.l3, std::size_t{256} << 20);
  p.l1 = read_rate(loops, threads, size.l1 / 2);
  p.l2 = read_rate(loops, threads, size.l2 / 2);
  p.l3 = read_rate(loops, threads, std::min(size.l2 * 8, size.l3 / 2));
  p.memory = read_rate(loops, threads, large);
  auto a = working_sets(threads, large / 4), b = a, c = a;
  p.triad = 12.0 * static_cast<double>(a[0].size()) * rate(threads, [&](std::size_t n, int t) {
              const auto i = static_cast<std::size_t>(t);
              for (std::size_t k = 0; k < n; ++k) loops.triad(a[i].size(), a[i].data(), b[i].data(), c[i].data());
            });
  return p;
}

}  // namespace nusky::bench
