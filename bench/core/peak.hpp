#pragma once
// What the machine can do at most, measured: the rates that a scan is compared with.
#include <cstddef>
#include <string>

namespace nusky::bench {

/// Loops that do one thing as fast as one instruction set allows. Plain code without std:: templates, compiled once for each
/// (see CMakeLists.txt), as the kernels of the core are.
struct PeakLoops {
  const char* name;
  std::size_t flops;                       ///< of one round of fma_float; half as many in fma_double
  float (*fma_float)(std::size_t rounds);  ///< independent chains a = a m + c in registers
  double (*fma_double)(std::size_t rounds);
  void (*exp_float)(std::size_t n, const float* x, float* y);              ///< to 2e-7, n a multiple of 16
  void (*exp_double)(std::size_t n, const double* x, double* y);           ///< to 1e-15
  float (*read)(std::size_t n, const float* x);                            ///< reads n floats, a multiple of 256
  void (*triad)(std::size_t n, const float* a, const float* b, float* c);  ///< c = a + 3 b, n a multiple of 16
};

/// The loops of a level by the name of the core's kernels.
const PeakLoops& peak_loops(const std::string& level);

/// Rates of one core while `threads` cores do the same.
struct Peak {
  std::string level;
  int threads = 1;
  double float_flops = 0, double_flops = 0;   ///< 1/s, a fused multiply-add is two
  double float_exp = 0, double_exp = 0;       ///< 1/s
  double l1 = 0, l2 = 0, l3 = 0, memory = 0;  ///< bytes read/s, from a working set of half of the cache (memory: four times the last)
  double triad = 0;                           ///< bytes read and written/s in memory
};

/// Measures for about half a second. Checks the exponentials before it times them.
Peak measure_peak(const std::string& level, int threads);

struct Caches {
  std::size_t l1 = 32 << 10, l2 = 1 << 20, l3 = 32 << 20;  ///< bytes
};
/// Sizes that the system tells; plausible ones where it does not.
Caches caches();

}  // namespace nusky::bench
