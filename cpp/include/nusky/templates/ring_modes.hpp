#pragma once
#include <complex>
#include <cstddef>

namespace nusky {

/// Maps of the sky in spherical harmonics: of each map a_lm at m (2 lmax + 1 − m)/2 + l, as healpy gives them.
struct MapHarmonics {
  std::size_t maps, lmax;
  const std::complex<double>* alm;  ///< (maps, (lmax + 1)(lmax + 2)/2)
};

/// Fourier modes of maps along rings of equal declination, smeared: at right ascension α the map is Re[F_0 + 2 Σ_m F_m exp(i m α)].
/// @param beam (n_beams, n_degrees) what the harmonics are multiplied with, by degree; n_degrees ≤ lmax + 1
/// @param n_dec declinations from −90° to 90°, two at least
/// @param modes (n_beams, n_dec, maps, n_degrees), filled with F_m
void ring_modes(const MapHarmonics& harmonics, std::size_t n_beams, const double* beam, std::size_t n_degrees, std::size_t n_dec,
                std::complex<float>* modes, int n_threads);

}  // namespace nusky
