#pragma once
// Functions of 16 lanes at once.
#include "kernels/simd.inl"
#include "nusky/kernels/views/survey.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

// value where x is not above edge, else 0
NUSKY_INLINE Lanes up_to(Lanes x, float edge, Lanes value) {
  NUSKY_EACH value.part[k] = x.part[k] > Floats{} + edge ? Floats{} : value.part[k];
  return value;
}

// The sum of all lanes, in double and in the same order at every level.
NUSKY_INLINE double tree_sum(Lanes v) {
  float f[lanes];
  store(f, v);
  double t[lanes];
  for (std::size_t i = 0; i < lanes; ++i) t[i] = static_cast<double>(f[i]);
  for (std::size_t step = lanes / 2; step > 0; step /= 2)
    for (std::size_t i = 0; i < step; ++i) t[i] += t[i + step];
  return t[0];
}

// e^x, relative error 2e-7, for −87 ≤ x ≤ 87, where float ends (ln R is within ±60, see EventColumns).
NUSKY_INLINE Lanes exp_of(Lanes x) {
  const float magic = 12582912.0F;  // 1.5·2²³: adding it rounds to an integer in the low bits
  const Lanes k = x * 1.44269504088896341F + magic;
  const Lanes n = k - magic;
  Lanes r = x - n * 0.693359375F;  // ln 2 in two parts
  r = r - n * -2.12194440e-4F;
  Lanes p = splat(1.9875691500e-4F);
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  for (std::size_t j = 0; j < float_registers; ++j) {
    Ints bits;
    __builtin_memcpy(&bits, &k.part[j], sizeof bits);
    bits = (bits << 23) + 0x3f800000;  // the low bits of k are n; those of the magic number shift out
    Floats scale;
    __builtin_memcpy(&scale, &bits, sizeof scale);
    p.part[j] *= scale;
  }
  return p;
}

// 2^x, relative error 2e-7, for −126 ≤ x ≤ 0. Near-minimax on [−½, ½].
NUSKY_INLINE Lanes exp2_of(Lanes x) {
  const float magic = 12582912.0F;  // as in exp_of
  const Lanes k = x + magic;
  const Lanes f = x - (k - magic);
  Lanes p = f * 1.32647e-3F + 9.67151e-3F;
  p = p * f + 5.550734e-2F;
  p = p * f + 2.4022242e-1F;
  p = p * f + 6.9314698e-1F;
  p = p * f + 1.0F;
  for (std::size_t j = 0; j < float_registers; ++j) {
    Ints bits;
    __builtin_memcpy(&bits, &k.part[j], sizeof bits);
    bits = (bits << 23) + 0x3f800000;
    Floats scale;
    __builtin_memcpy(&scale, &bits, sizeof scale);
    p.part[j] *= scale;
  }
  return p;
}

// ln x for positive finite x, absolute error 1e-7: exponent and mantissa in [√½, √2)
NUSKY_INLINE Lanes log_of(Lanes x) {
  Lanes m, e;
  NUSKY_EACH {
    Ints bits;
    __builtin_memcpy(&bits, &x.part[k], sizeof bits);
    const Ints exponent = (bits - 0x3f3504f3) >> 23;
    bits = bits - (exponent << 23);
    __builtin_memcpy(&m.part[k], &bits, sizeof bits);
    e.part[k] = __builtin_convertvector(exponent, Floats);
  }
  const Lanes f = m - 1.0F, s = f / (f + 2.0F), s2 = s * s;
  Lanes p = s2 * 0.2222222222F + 0.2857142857F;
  p = p * s2 + 0.4F;
  p = p * s2 + 0.6666666667F;
  p = p * s2 + 2.0F;
  return p * s + e * 0.69314718056F;
}

// Floats of these bits.
template <class R, std::size_t P>
NUSKY_INLINE Registers<R, P> from_bits(Registers<R, P> bits) {
  typedef std::int32_t I __attribute__((vector_size(sizeof(R))));
  Registers<R, P> value;
  for (std::size_t k = 0; k < P; ++k) {
    const I whole = __builtin_convertvector(bits.part[k], I);
    __builtin_memcpy(&value.part[k], &whole, sizeof whole);
  }
  return value;
}

// 127·2²³, the bits of 1, and more than the rounding of what is added.
constexpr float exponent_of_one = 1065353600.0F;

// e^(−rate d²) from above, with the rate as SurveyView has it: 2^(i+f) ≤ 2^i (1+f), which is what the bits of a float say of themselves
NUSKY_INLINE Lanes exp_above(Lanes d2, Lanes rate) { return from_bits(max_of(d2 * rate + exponent_of_one, 0.0F)); }

// √x from below, by 0.18 % at most, for x ≥ 0: a guess at 1/√x from the bits and one Newton step, which overshoots by its rounding only
NUSKY_INLINE Lanes root_below(Lanes x) {
  Lanes y;
  NUSKY_EACH {
    Ints bits;
    __builtin_memcpy(&bits, &x.part[k], sizeof bits);
    bits = 0x5f375a86 - (bits >> 1);
    __builtin_memcpy(&y.part[k], &bits, sizeof bits);
  }
  return x * (y * (splat(1.5F) - x * 0.5F * (y * y)));
}

// 1/t from below, by 0.26 % at most: a guess from the bits and one Newton step, which overshoots by its rounding only
template <class R, std::size_t P>
NUSKY_INLINE Registers<R, P> reciprocal_below(Registers<R, P> t) {
  typedef std::int32_t I __attribute__((vector_size(sizeof(R))));
  Registers<R, P> r, two;
  for (std::size_t k = 0; k < P; ++k) {
    I bits;
    __builtin_memcpy(&bits, &t.part[k], sizeof bits);
    bits = 0x7ef311c7 - bits;
    __builtin_memcpy(&r.part[k], &bits, sizeof bits);
    two.part[k] = R{} + 2.0F;
  }
  return r * (two - t * r);
}

// 2 ln t from above, by 0.04 at most, from the bits of t ≥ 1: with f its mantissa above 1, log₂(1+f) ≤ f + c f(1−f), c = 1/ln 2 − 1.
NUSKY_INLINE Lanes twice_log_above(Lanes t) {
  Lanes f, whole;
  NUSKY_EACH {
    Ints bits, mantissa;
    __builtin_memcpy(&bits, &t.part[k], sizeof bits);
    mantissa = (bits & 0x7fffff) | 0x3f800000;
    __builtin_memcpy(&f.part[k], &mantissa, sizeof mantissa);
    whole.part[k] = __builtin_convertvector((bits >> 23) - 127, Floats);
  }
  f = f - 1.0F;
  return (whole + f * (splat(1.44269514F) - f * 0.44269504F)) * 1.38629449F;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
