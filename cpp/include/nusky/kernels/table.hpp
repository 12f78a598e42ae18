#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "nusky/events/event_record.hpp"
#include "nusky/bounds/sky_table.hpp"

namespace nusky {

/// Candidates of one tile in columns, positions relative to the tile's centre. Arrays are filled up to a multiple of 16
/// with candidates of weight 0.
///
/// S/B of candidates × directions is stored in blocks of 16 × 16: a[(c / 16 · 16 + p) · 16 + c % 16], so that a direction's
/// values are contiguous runs and every address in a block is a constant distance away.
struct CandidateView {
  std::size_t n;
  const float *x, *y, *z;                       // relative to the centre of the tile
  const float *rate, *gaussian, *weight, *cut;  // SpatialTerm
};

/// Where events are and how far they reach: see EventSketch. Whole vectors are read beyond the last.
struct PlaceView {
  std::size_t n;
  const std::int32_t *x, *y, *z;
  const float* reach;
};

/// Events of an index in columns.
struct IndexView {
  PlaceView place;
  const float *rate, *weight;
};

/// A cap as events are compared with it: one reaches it where its distance from the centre, a chord, is at most the sum of both reaches.
struct CapPlace {
  std::int32_t at[3];  ///< its centre
  double off[3];       ///< how far that lies from the centre
  float reach;         ///< reach_of the chord of its radius
};

/// Where events that reach a cap go: their numbers and columns of PlaceView; the arrays have room for 16 more.
struct PlaceColumns {
  std::uint32_t* number;
  std::int32_t *x, *y, *z;
  float* reach;
};

/// Events around several neighbouring tiles, in columns: what the test of a single event reads, and what a candidate is made of.
struct PoolView {
  PlaceView place;
  const float *rate, *gaussian, *weight, *cut;  // SpatialTerm
  const float *peak, *lift;                     // of EventColumns, as are the rows
  const float* const* ratio;
  const float* const* log_ratio;
};

/// Where the events of a pool go; the arrays begin on cache lines and have room for a multiple of 16.
struct PoolColumns {
  float *rate, *gaussian, *weight, *cut, *peak, *lift;
  const float **ratio, **log_ratio;
};

/// Where candidates go; the arrays have room for all events of the pool and 16 more.
struct CandidateColumns {
  float *x, *y, *z, *rate, *gaussian, *weight, *cut, *peak, *lift;
  const float **ratio, **log_ratio;
};

/// Candidates of several tiles, as the survey reads them: position relative to a common centre, −rate · log₂e · 2²³, and the
/// largest (f_k/N_k) S(0)/B · R over all γ. Filled up to a multiple of 16 with candidates of weight 0.
struct SurveyView {
  std::size_t n;
  const float *x, *y, *z, *rate, *weight;
  const std::uint32_t* number;  ///< in the index
};

/// Where such candidates go; the arrays have room for 16 more.
struct SurveyColumns {
  float *x, *y, *z, *rate, *weight;
  std::uint32_t* number;
};

/// An event in a row of a SkyGrid.
struct SkyPair {
  std::uint16_t highest;  ///< SkyTable step of its u at its own right ascension
  std::uint16_t fall;     ///< by how many steps that falls at a distance of 8 bins, SkyTable::reach2
};

/// Where an event reaches into the rows of a band of a SkyGrid.
struct SkyVisit {
  std::uint32_t event;        ///< whose right ascension places it
  std::uint32_t at;           ///< of its lowest row in the pairs
  std::uint16_t first, rows;  ///< 16 rows at most from row `first` on, one bit each, without gaps
};

struct SkyVisitView {
  std::size_t n;
  const SkyVisit* visit;
  const SkyPair* pair;  ///< row after row of visit after visit
};

/// Rows of nodes of one level of a SkyGrid, all of the same band.
struct SkyStrip {
  std::size_t bins;             ///< of each row
  const std::uint32_t* needed;  ///< (bins + 1,) for an event in a bin: bit r, that row r has nodes to be known near there
  std::uint16_t* sums;          ///< node 0 of row 0, with room before it and after the last; one sum of the table after the other
  std::size_t stride, row;      ///< from one sum to the next, and from row to row
  const SkyTable* table;
};

/// Sums over events at one (y, γ) of one season; p = u/(1+u), q = u/(1+u)², u = y W, primes are d ln R/dγ.
struct EventSums {
  double log;     ///< Σ ln(1+u)
  double p;       ///< Σ p
  double p1;      ///< Σ p ℓ′
  double q;       ///< Σ q
  double q1;      ///< Σ q ℓ′
  double second;  ///< Σ (q ℓ′² + p ℓ″)
};

/// Events of one direction whose S/B · peak exceeds `threshold`, listed one by one, and the sum over the others. The arrays have room
/// for all candidates and 16 more.
struct Shortlist {
  std::size_t n;  ///< events listed
  float* value;   ///< S/B
  float* reach;   ///< S/B · peak: the largest S/B · R over all γ
  std::uint32_t* candidate;
  float threshold;
  float reaches;             ///< Σ S/B · peak of those listed
  float tail, tail_squares;  ///< Σ S/B · peak of the others, and of its square
};

/// Events of one direction: S/B and the number of the candidate, whose rows stand in a list of all candidates.
struct EventView {
  std::size_t n;
  const float* value;
  const std::uint32_t* candidate;
  bool huge = false;  ///< u may exceed 1e18: products of two would leave the range of float
};

/// The inner loops, compiled once for every instruction set. Plain loops over plain arrays: nothing with weak symbols
/// (no std:: or Eigen templates) may be instantiated in them, because the linker would keep one version for all CPUs.
struct Kernels {
  const char* name;
  /// x = r cos ra, y = r sin ra for 0 ≤ ra ≤ 2π
  void (*circle)(std::size_t n, const double* ra, const double* r, double* x, double* y);
  /// The events that reach a cap, numbered from `base` on; the count is returned.
  std::size_t (*within)(const PlaceView& e, const CapPlace& cap, std::uint32_t base, const PlaceColumns& out);
  /// The same events as columns of a survey, with positions relative to the centre of the cap and weights times `scale`.
  std::size_t (*fetch)(const IndexView& e, const CapPlace& cap, float scale, std::uint32_t base, const SurveyColumns& out);
  /// Copies the records of n events of these numbers into columns, and asks for their rows of R. Up to 15 entries beyond repeat the last
  /// event.
  void (*unpack)(const EventRecord* const* record, std::size_t n, const std::uint32_t* number, const PoolColumns& out);
  /// Copies the events of a pool that reach a cap, in their order, with positions relative to its centre; the count is returned.
  std::size_t (*select)(const PoolView& pool, const CapPlace& cap, const CandidateColumns& out);
  /// S/B (0 beyond the cut) of all candidates at `count` directions vx, vy, vz, into the blocks `a`.
  void (*spatial)(const CandidateView& c, std::size_t count, const float* vx, const float* vy, const float* vz, float* a);
  /// Splits the candidates first … last−1 (multiples of 16) of `count` directions: those above list[p].threshold are appended to the
  /// list, added to `reaches` and set to 0 in `a`; the others are added to `tail` and `tail_squares`.
  void (*split)(std::size_t first, std::size_t last, std::size_t count, float* a, const float* peak, Shortlist* list);
  /// sums[j·16 + g] += Σ_c a(c, which[j]) · rows[c][g] over candidates first … last−1 (multiples of 16), g < 16, j < count
  void (*tails)(std::size_t first, std::size_t last, std::size_t count, const std::uint32_t* which, const float* a,
                const float* const* rows, float* sums);
  /// For `count` ≤ 4 directions, with u ≥ n b and b the largest weight of a candidate there: sum_p = Σ u/(1+u),
  /// sum_up = Σ u²/(1+u). The Gaussian is taken of the chord and its exponential from above (6 % at most).
  void (*survey)(const SurveyView& c, std::size_t count, const float* vx, const float* vy, const float* vz, float n, double* sum_p,
                 double* sum_up);
  /// Copies the candidates whose u for `scale` can exceed `limit` somewhere within a chord of `reach` from `at`, relative to there, filled
  /// up to a multiple of 16. Returns the filled length, and in `sums` four sums: of the largest u of the others and of its square; of
  /// u/(1+u) and of 2 [ln(1+u) − u/(1+u)] of those kept, with the largest u of each.
  std::size_t (*survey_keep)(const SurveyView& c, const float* at, float reach, float scale, float limit, const SurveyColumns& out,
                             double* sums);
  /// The u of `survey` for n = 1 at one direction, one by one.
  void (*survey_values)(const SurveyView& c, float vx, float vy, float vz, float* u);
  /// For all directions within a chord of `reach` from (cx, cy, cz) at once, every u the largest there: Σ u/(1+u) and
  /// Σ 2 [ln(1+u) − u/(1+u)].
  void (*survey_cap)(const SurveyView& c, float cx, float cy, float cz, float reach, float scale, double* sum_p, double* sum_top);
  /// Adds, for events at `turn` (of a whole turn) of right ascension, what the table says of them at the 16 nearest nodes of each row of
  /// their visits, or more; visits are left out where no row of theirs is needed. Distances may be too small by 1/64 of a bin. Numbers stop
  /// at 65535.
  void (*sky_add)(const SkyVisitView& e, const float* turn, const SkyStrip& strip);
  /// Of one row of n bins: to = added · unit + rest, where a number that has stopped is 1e30 or more, and between the nodes of two coarser
  /// rows, of n / 2 bins and one more each, what is interpolated (nullptr: there are none).
  void (*sky_level)(std::size_t n, const std::uint16_t* added, float unit, float rest, const float* low, const float* high, float* to);
  /// sum[g] += Σ S/B · lift[candidate] · max(rows[candidate][g], rows[candidate][g + 1]), g < 15, and with rows[candidate][15] for g = 15.
  void (*highest)(const EventView& e, const float* lift, const float* const* rows, float* sum);
  /// Near events one by one: those whose reach exceeds `threshold` are copied to the strong lists, and are 0 in `weak`, which else is
  /// `value`. Returns how many; the lists have room for 16 more.
  std::size_t (*pick)(std::size_t n, const float* value, const float* reach, const std::uint32_t* candidate, float threshold, float* weak,
                      float* strong, std::uint32_t* strong_candidate);
  /// Power sums at all 16 coarse γ: m1 += Σ w, m2 += Σ w² with w = value · row[g].
  void (*moments)(const EventView& e, const float* const* rows, float* m1, float* m2);
  /// At all 16 coarse γ, what one season adds to Σ φ w and Σ φ² w², which give the start of the profile.
  void (*profile_begin)(const double* phi, const float* m1, const float* m2, const float* s1, const float* s2, double* first,
                        double* second);
  /// y[g] = n φ/(1 − z) at all 16 coarse γ, z = n φ (extended likelihood: 0).
  void (*profile_y)(const double* n, const double* phi, bool extended, float* y);
  /// What one season adds to dlnΛ/dn and its derivative at all 16 coarse γ: `events` is N_k, s1 and s2 are the sums of `profile` over
  /// the strong events, m1 and m2 the power sums of the others.
  void (*profile_slopes)(const double* n, const double* phi, double events, bool extended, const float* y, const float* s1, const float* s2,
                         const float* m1, const float* m2, double* dn, double* dnn);
  /// One Newton step of n where `active` is 1, within a factor of five and up to `limit`; whether one moved by more than 2 %.
  bool (*profile_move)(const double* dn, const double* dnn, const double* limit, const double* active, double* n);
  /// With y[g] at all 16 coarse γ: s1 += Σ w/(1+yw), s2 += Σ (w/(1+yw))².
  void (*profile)(const EventView& e, const float* const* rows, const float* y, float* s1, float* s2);
  /// log_sum[g] += Σ ln(1 + y[g] w)
  void (*profile_log)(const EventView& e, const float* const* rows, const float* y, float* log_sum);
  /// What one season adds to ln Λ at all 16 coarse γ: logs are the sums of `profile_log` over the strong events.
  void (*profile_value)(const double* n, const double* phi, double events, bool extended, const float* y, const float* logs,
                        const float* m1, const float* m2, double* value);
  /// Natural logarithms of 16 sums; below 1e-37 that of 1e-37.
  void (*logs)(const float* sums, double* out);
  /// Sums at one γ, given by the weights of the four node values of ln R from rows[candidate][first] on.
  void (*sums)(const EventView& e, const float* const* rows, int first, const float* value, const float* slope, const float* curvature,
               float y, EventSums& out);
  /// The same for log, p and p1 only.
  void (*sums_first)(const EventView& e, const float* const* rows, int first, const float* value, const float* slope, float y,
                     EventSums& out);
  /// Without energy term: log, p, q only.
  void (*sums_flat)(std::size_t n, const float* a, bool huge, float y, EventSums& out);
};

/// The kernels in use: the best level of this CPU, or the one that NUSKY_SIMD or set_simd_level asked for.
const Kernels& kernels();
/// Levels this binary holds and this CPU runs, worst first, separated by spaces.
std::string simd_levels();
/// Forces a level; throws std::invalid_argument for an unknown one or one that this CPU lacks.
void set_simd_level(const std::string& name);

}  // namespace nusky
