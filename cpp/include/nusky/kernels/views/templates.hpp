#pragma once
#include <cstddef>
#include <cstdint>

namespace nusky {

/// Smeared maps as the kernels read them, for a width and a pair of neighbouring declinations: at each right ascension all parts side by
/// side, whose sums are the maps.
struct SmearedRow {
  const std::int16_t* values;  ///< (n_ra, 2, parts)
  const float* basis;          ///< (parts, stride): map m = Σ_b basis[b, m] · value b
  std::size_t parts;
};
struct SmearedView {
  const SmearedRow* rows;       ///< (n_sigma, n_pairs)
  std::size_t maps, n_ra;       ///< right ascensions from 0 to 2π, both ends given
  std::size_t n_pairs, stride;  ///< of the basis: a multiple of 4, from `maps` on filled with 0; rows of more parts than a pair has are 0
};

/// Where events lie in σ and declination: of n, with room for template_room more. Columns are `stride` apart.
struct PlacesView {
  std::size_t n, stride;
  const std::uint32_t* row;  ///< (n,) number of the pair of rows around the event, of the lower σ
  const float* weight;       ///< (4, stride) of the rows (σ, δ), (σ, δ + 1), (σ + 1, δ), (σ + 1, δ + 1)
};

/// Entries beyond the last event that the kernels may read or write.
constexpr std::size_t template_room = 64;
/// Powers of z whose sums a profile reads, and the most maps that there may be.
constexpr std::size_t template_powers = 4, most_template_maps = 16;

/// Events as the sums over all γ at once read them: R/B at the 16 coarse γ, (n, 16).
struct TemplateRowsView {
  std::size_t n, stride;      ///< `stride` from map to map of the values
  const float* value;         ///< (maps, stride) of the smeared maps
  const float* ratio;         ///< (n, 16)
  const std::uint32_t* cell;  ///< (n,) of `taken`
};

/// S = Σ column · value, and what is taken from W; (maps, 16) and (cells, 16), at the 16 coarse γ.
struct TemplateRows {
  std::size_t maps;
  const float* column;
  const float* taken;
};

/// Events whose terms are too large for their powers. There is room for all.
struct LargeTerms {
  std::size_t n;
  float* z;  ///< (n, 16)
};

/// Events as the exact sums at one γ read them.
struct TemplateEventsView {
  std::size_t n, stride;      ///< `stride` from map to map of the values
  const float* value;         ///< (maps, stride) of the smeared maps
  const float* node[4];       ///< (n,) each: ln(R/B) at four nodes
  const std::uint32_t* cell;  ///< (n,) of `taken`; nullptr: 1 is taken from every W
};

/// What is the same for all events at one γ; each with its first two derivatives in γ.
struct TemplateGamma {
  const float* weight[3];  ///< (4,) of the nodes
  const float* column[3];  ///< (maps,)
  const float* taken[3];   ///< (cells,)
  std::size_t maps;
};

/// Sums over events at one x = n f/N and one γ; z = W − V, q = 1/(1 + x z), primes are derivatives in γ.
struct TemplateSums {
  double log;     ///< Σ ln(1 + x z)
  double p;       ///< Σ z q
  double pp;      ///< Σ z² q²
  double d;       ///< Σ z′ q
  double dq;      ///< Σ z′ q²
  double dd;      ///< Σ z′² q²
  double second;  ///< Σ z″ q
};

}  // namespace nusky
