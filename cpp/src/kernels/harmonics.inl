#pragma once
// Spherical harmonics on rings of equal declination. One lane a ring.
#include "kernels/simd.inl"
#include "nusky/kernels/tables/harmonics.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

NUSKY_INLINE Doubles modulus(Doubles v) { return v < 0.0 ? -v : v; }

// Near the poles λ begins far below what a double holds: there it is kept with a scale until it has grown.
std::size_t legendre_rows(std::size_t n, const double* a, const double* b, const double* cosine, const double* start, const double* scale,
                          float* rows) {
  constexpr std::size_t P = double_registers, R = register_doubles;
  Doubles x[P], here[P], before[P], by[P];
  for (std::size_t p = 0; p < P; ++p) {
    x[p] = load_as<Doubles>(cosine + p * R);
    here[p] = load_as<Doubles>(start + p * R);
    by[p] = load_as<Doubles>(scale + p * R);
    before[p] = Doubles{};
  }
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t p = 0; p < P; ++p) {
      // A float below 2^−100 would make products that take a hundred times as long
      const Doubles seen = by[p] == 0.0 ? here[p] : Doubles{};
      store_as(rows + j * lanes + p * R, __builtin_convertvector(modulus(seen) < 0x1p-100 ? Doubles{} : seen, HalfFloats));
      const Doubles next = (x[p] * here[p] - before[p] * b[j]) * a[j],
                    factor = modulus(next) > 0x1p256 ? Doubles{} + 0x1p-512 : Doubles{} + 1.0;
      by[p] = factor < 1.0 ? by[p] + 1.0 : by[p];
      before[p] = here[p] * factor;
      here[p] = next * factor;
    }
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t k = 0; k < lanes; ++k)
      if (rows[j * lanes + k] != 0.0F) return j;
  return n;
}

template <std::size_t width>
NUSKY_INLINE void sums_of_columns(const float* rows, std::size_t first, std::size_t n, const float* coefficient, std::size_t columns,
                                  float* even, float* odd) {
  for (std::size_t parity = 0; parity < 2; ++parity) {
    Lanes sum[width];
    for (std::size_t c = 0; c < width; ++c) sum[c] = splat(0.0F);
    for (std::size_t j = first + ((first ^ parity) & 1U); j < n; j += 2) {
      const Lanes row = load(rows + j * lanes);
      for (std::size_t c = 0; c < width; ++c) sum[c] = sum[c] + row * coefficient[j * columns + c];
    }
    for (std::size_t c = 0; c < width; ++c) store((parity == 0 ? even : odd) + c * lanes, sum[c]);
  }
}

void legendre_sums(const float* rows, std::size_t first, std::size_t n, const float* coefficient, std::size_t columns, float* even,
                   float* odd) {
  std::size_t c = 0;
  for (; c + NUSKY_TAILS_WIDTH <= columns; c += NUSKY_TAILS_WIDTH)
    sums_of_columns<NUSKY_TAILS_WIDTH>(rows, first, n, coefficient + c, columns, even + c * lanes, odd + c * lanes);
  for (; c < columns; c += 2) sums_of_columns<2>(rows, first, n, coefficient + c, columns, even + c * lanes, odd + c * lanes);
}

constexpr HarmonicKernels harmonic_kernels() {
  HarmonicKernels k{};
  k.legendre_rows = legendre_rows;
  k.legendre_sums = legendre_sums;
  return k;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
