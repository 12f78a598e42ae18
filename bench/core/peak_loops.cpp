// Compiled once for each instruction set, with NUSKY_PEAK_LEVEL and NUSKY_PEAK_BYTES (of a register) defined.
#include <cstdint>

#include "peak.hpp"

namespace nusky::bench {
namespace NUSKY_PEAK_LEVEL {
namespace {

constexpr std::size_t width = NUSKY_PEAK_BYTES / 4, half = NUSKY_PEAK_BYTES / 8, chains = 12;
typedef float vf __attribute__((vector_size(NUSKY_PEAK_BYTES)));
typedef double vd __attribute__((vector_size(NUSKY_PEAK_BYTES)));
typedef std::int32_t vi __attribute__((vector_size(NUSKY_PEAK_BYTES)));
typedef std::int64_t vl __attribute__((vector_size(NUSKY_PEAK_BYTES)));

// Twelve chains hide the latency of two units; all of them and the constants fit 16 registers.
template <class V, class T>
inline T fma_chains(std::size_t rounds) {
  V a[chains];
  for (std::size_t k = 0; k < chains; ++k) a[k] = V{} + static_cast<T>(k);
  V m = V{} + static_cast<T>(0.999), c = V{} + static_cast<T>(0.5);
  asm volatile("" : "+m"(m), "+m"(c));  // no constants for the compiler
  for (std::size_t r = 0; r < rounds; ++r)
    for (std::size_t k = 0; k < chains; ++k) a[k] = a[k] * m + c;
  T sum = 0;
  for (std::size_t k = 0; k < chains; ++k) sum += a[k][0];
  return sum;
}

float fma_float(std::size_t rounds) { return fma_chains<vf, float>(rounds); }
double fma_double(std::size_t rounds) { return fma_chains<vd, double>(rounds); }

void exp_float(std::size_t n, const float* x, float* y) {
  const float magic = 12582912.0F;  // 1.5·2²³
  for (std::size_t i = 0; i < n; i += width) {
    vf v;
    __builtin_memcpy(&v, x + i, sizeof v);
    const vf k = v * 1.44269504F + magic, whole = k - magic;
    vf r = v - whole * 0.693359375F;
    r = r + whole * 2.12194440e-4F;
    vf p = vf{} + 1.0F / 5040;
    p = p * r + 1.0F / 720;
    p = p * r + 1.0F / 120;
    p = p * r + 1.0F / 24;
    p = p * r + 1.0F / 6;
    p = p * r + 0.5F;
    p = p * r + 1.0F;
    p = p * r + 1.0F;
    vi bits;
    __builtin_memcpy(&bits, &k, sizeof bits);
    bits = (bits << 23) + 0x3f800000;
    vf scale;
    __builtin_memcpy(&scale, &bits, sizeof scale);
    p = p * scale;
    __builtin_memcpy(y + i, &p, sizeof p);
  }
}

void exp_double(std::size_t n, const double* x, double* y) {
  const double magic = 6755399441055744.0;  // 1.5·2⁵²
  for (std::size_t i = 0; i < n; i += half) {
    vd v;
    __builtin_memcpy(&v, x + i, sizeof v);
    const vd k = v * 1.44269504088896340736 + magic, whole = k - magic;
    vd r = v - whole * 6.93147180369123816490e-1;
    r = r - whole * 1.90821492927058770002e-10;
    vd p = vd{} + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    vl bits;
    __builtin_memcpy(&bits, &k, sizeof bits);
    bits = (bits << 52) + 0x3ff0000000000000LL;
    vd scale;
    __builtin_memcpy(&scale, &bits, sizeof scale);
    p = p * scale;
    __builtin_memcpy(y + i, &p, sizeof p);
  }
}

float read(std::size_t n, const float* x) {
  constexpr std::size_t many = 8;
  vf sum[many];
  for (std::size_t k = 0; k < many; ++k) sum[k] = vf{};
  for (std::size_t i = 0; i < n; i += many * width)
    for (std::size_t k = 0; k < many; ++k) {
      vf v;
      __builtin_memcpy(&v, x + i + k * width, sizeof v);
      sum[k] += v;
    }
  float total = 0;
  for (std::size_t k = 0; k < many; ++k) total += sum[k][0];
  return total;
}

void triad(std::size_t n, const float* a, const float* b, float* c) {
  for (std::size_t i = 0; i < n; i += width) {
    vf u, v;
    __builtin_memcpy(&u, a + i, sizeof u);
    __builtin_memcpy(&v, b + i, sizeof v);
    u = u + v * 3.0F;
    __builtin_memcpy(c + i, &u, sizeof u);
  }
}

#define NUSKY_TEXT_OF(x) #x
#define NUSKY_TEXT(x) NUSKY_TEXT_OF(x)

}  // namespace

extern const PeakLoops loops;
const PeakLoops loops{NUSKY_TEXT(NUSKY_PEAK_LEVEL), 2 * chains * width, fma_float, fma_double, exp_float, exp_double, read, triad};

}  // namespace NUSKY_PEAK_LEVEL
}  // namespace nusky::bench
