#pragma once
// The events of a trial: where they are, and which reach a cap.
#include "kernels/functions.inl"
#include "nusky/kernels/tables/index.hpp"

namespace nusky {
namespace NUSKY_LEVEL {
namespace {

// Unit vectors in the equatorial plane, scaled: x = r cos ra, y = r sin ra for 0 ≤ ra ≤ 2π. The argument is reduced to ±π/4 in
// two parts of π/2; Taylor to x¹⁵, error 2e-16 of r.
NUSKY_INLINE void circle_of(const double* ra, const double* r, double* x, double* y) {
  Doubles a, k, radius;
  __builtin_memcpy(&a, ra, sizeof a);
  __builtin_memcpy(&radius, r, sizeof radius);
  k = a * 0.63661977236758134308 + 6755399441055744.0;  // 1.5·2⁵²: the low bits are the quadrant
  const Doubles q = k - 6755399441055744.0;
  const Doubles t = (a - q * 1.57079632679489655800) - q * 6.12323399573676603587e-17, t2 = t * t;
  Doubles s = t2 * -7.6471637318198164759e-13 + 1.6059043836821614599e-10;
  s = s * t2 - 2.5052108385441718775e-8;
  s = s * t2 + 2.7557319223985890653e-6;
  s = s * t2 - 1.9841269841269841270e-4;
  s = s * t2 + 8.3333333333333333333e-3;
  s = s * t2 - 1.6666666666666666667e-1;
  s = s * t2 * t + t;
  Doubles c = t2 * 4.7794773323873852974e-14 - 1.1470745597729724714e-11;
  c = c * t2 + 2.0876756987868098979e-9;
  c = c * t2 - 2.7557319223985890653e-7;
  c = c * t2 + 2.4801587301587301587e-5;
  c = c * t2 - 1.3888888888888888889e-3;
  c = c * t2 + 4.1666666666666666667e-2;
  c = c * t2 - 0.5;
  c = c * t2 + 1.0;
  Longs bits, sine, cosine;
  __builtin_memcpy(&bits, &k, sizeof bits);
  __builtin_memcpy(&sine, &s, sizeof sine);
  __builtin_memcpy(&cosine, &c, sizeof cosine);
  const Longs swap = -(bits & 1);  // all bits or none: sine and cosine change places in odd quadrants
  const Longs up = ((cosine & swap) | (sine & ~swap)) ^ ((bits & 2) << 62),
              along = ((sine & swap) | (cosine & ~swap)) ^ ((bits ^ (bits >> 1)) << 63);
  Doubles vx, vy;
  __builtin_memcpy(&vy, &up, sizeof vy);
  __builtin_memcpy(&vx, &along, sizeof vx);
  vx *= radius;
  vy *= radius;
  __builtin_memcpy(x, &vx, sizeof vx);
  __builtin_memcpy(y, &vy, sizeof vy);
}

void circle(std::size_t n, const double* ra, const double* r, double* x, double* y) {
  std::size_t i = 0;
  for (; i + register_doubles <= n; i += register_doubles) circle_of(ra + i, r + i, x + i, y + i);
  if (i == n) return;
  double last[4][register_doubles] = {};
  for (std::size_t k = 0; i + k < n; ++k) {
    last[0][k] = ra[i + k];
    last[1][k] = r[i + k];
  }
  circle_of(last[0], last[1], last[2], last[3]);
  for (std::size_t k = 0; i + k < n; ++k) {
    x[i + k] = last[2][k];
    y[i + k] = last[3][k];
  }
}

// Of whole numbers, less `from`, exact where their difference is.
NUSKY_INLINE Lanes difference(const std::int32_t* at, std::int32_t from) {
  Lanes out;
  NUSKY_EACH out.part[k] = __builtin_convertvector(load_as<Ints>(at + k * register_floats) - from, Floats);
  return out;
}

// Events i … i + 15 seen from the centre of a cap, in fixed-point units; bit k: event i + k reaches the cap.
struct Sight {
  Lanes x, y, z;
  unsigned some;
};

NUSKY_INLINE Sight look(const PositionView& e, std::size_t i, const FixedCap& cap) {
  Sight s{difference(e.x + i, cap.at[0]), difference(e.y + i, cap.at[1]), difference(e.z + i, cap.at[2]), 0};
  const Lanes edge = load(e.cut_chord + i) + cap.chord;
  s.some = above(edge * edge - (s.x * s.x + s.y * s.y + s.z * s.z), 0.0F);
  if (i + lanes > e.n) s.some &= (1U << (e.n - i)) - 1U;
  return s;
}

std::size_t within(const PositionView& e, const FixedCap& cap, std::uint32_t base, const PositionColumns& out) {
  const Copied x{e.x, out.x}, y{e.y, out.y}, z{e.z, out.z};
  const Copied cut_chord{e.cut_chord, out.cut_chord};
  const Numbered number{base, out.number};
  std::size_t n = 0;
  for (std::size_t i = 0; i < e.n; i += lanes) {
    const unsigned some = look(e, i, cap).some;
    if (some != 0) n = copy_lanes(some, i, n, number, x, y, z, cut_chord);
  }
  return n;
}

std::size_t fetch(const IndexView& e, const FixedCap& cap, float scale, std::uint32_t base, const SurveyColumns& out) {
  constexpr auto unit = static_cast<float>(fixed_step);
  const auto off = [&](std::size_t d) { return static_cast<float>(cap.off[d]); };
  std::size_t n = 0;
  for (std::size_t i = 0; i < e.position.n; i += lanes) {
    const Sight s = look(e.position, i, cap);
    if (s.some == 0) continue;
    n = copy_lanes(s.some, i, n, Computed{s.x * unit + off(0), out.x}, Computed{s.y * unit + off(1), out.y},
                   Computed{s.z * unit + off(2), out.z}, Computed{load(e.rate + i) * power_per_rate, out.rate},
                   Computed{load(e.weight + i) * scale, out.weight}, Numbered{base, out.number});
  }
  return n;
}

// Where words of 8 bytes are in a record, for store_words.
static_assert(offsetof(EventRecord, spatial) == 8 * 2 && offsetof(SpatialTerm, weight) == 8 && offsetof(EventRecord, ratio) == 8 * 4 &&
                  offsetof(EventRecord, log_ratio) == 8 * 5 && offsetof(EventRecord, peak) == 8 * 6,
              "words 2 … 6");

void unpack(const EventRecord* const* record, std::size_t n, const std::uint32_t* number, const PoolColumns& out) {
  constexpr std::size_t ahead = 16;  // events that are on their way from memory
  for (std::size_t i = 0; i < n; i += lanes) {
    const EventRecord* e[lanes];
    for (std::size_t k = 0; k < lanes; ++k) {
      e[k] = record[number[i + k < n ? i + k : n - 1]];
      __builtin_prefetch(record[number[i + k + ahead < n ? i + k + ahead : n - 1]]);
    }
    store_words(e, i, PointerWord{4, out.ratio}, PointerWord{5, out.log_ratio}, FloatPairWord{2, out.rate, out.gaussian},
                FloatPairWord{3, out.weight, out.cut}, FloatPairWord{6, out.peak, out.lift});
    for (std::size_t k = 0; k < lanes; ++k) __builtin_prefetch(out.ratio[i + k]);
  }
}

std::size_t select(const PoolView& e, const FixedCap& cap, const CandidateColumns& out) {
  const Scaled x{e.position.x, cap.at[0], fixed_step, cap.off[0], out.x}, y{e.position.y, cap.at[1], fixed_step, cap.off[1], out.y},
      z{e.position.z, cap.at[2], fixed_step, cap.off[2], out.z};
  const Copied rate{e.rate, out.rate}, gaussian{e.gaussian, out.gaussian}, weight{e.weight, out.weight}, cut{e.cut, out.cut},
      peak{e.peak, out.peak}, lift{e.lift, out.lift};
  const Copied ratio{e.ratio, out.ratio}, log_ratio{e.log_ratio, out.log_ratio};
  std::size_t n = 0;
  for (std::size_t i = 0; i < e.position.n; i += lanes) {
    const unsigned some = look(e.position, i, cap).some;
    if (some != 0) n = copy_lanes(some, i, n, x, y, z, rate, gaussian, weight, cut, peak, lift, ratio, log_ratio);
  }
  return n;
}

constexpr IndexKernels index_kernels() {
  IndexKernels k{};
  k.circle = circle;
  k.within = within;
  k.fetch = fetch;
  k.unpack = unpack;
  k.select = select;
  return k;
}

}  // namespace
}  // namespace NUSKY_LEVEL
}  // namespace nusky
