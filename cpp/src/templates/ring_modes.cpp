#include "nusky/templates/ring_modes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/kernels/table.hpp"
#include "nusky/threads.hpp"

namespace nusky {
namespace {

constexpr std::size_t lanes = 16;
// Orders that a thread takes at once: what they write shares cache lines.
constexpr std::size_t orders = 8;

// Rings from the north pole to the equator, 16 together; those of the south are their mirror images.
struct SixteenRings {
  alignas(64) std::array<double, lanes> cosine{}, log_sine{};
};

std::vector<SixteenRings> northern_rings(std::size_t n_dec) {
  std::vector<SixteenRings> rings((n_dec + 1) / 2 / lanes + 1);
  for (std::size_t i = 0; i < rings.size() * lanes; ++i) {
    const double theta = M_PI * static_cast<double>(std::min(i, n_dec / 2)) / static_cast<double>(n_dec - 1);
    rings[i / lanes].cosine[i % lanes] = std::cos(theta);
    rings[i / lanes].log_sine[i % lanes] = i == 0 ? -HUGE_VAL : std::log2(std::sin(theta));
  }
  return rings;
}

// Work space of one thread.
struct OneOrder {
  AlignedVector<float> rows, coefficient, even, odd;
  std::vector<std::size_t> first;
  std::vector<double> a, b;
};

class RingModes {
 public:
  RingModes(const MapHarmonics& harmonics, std::size_t n_beams, const double* beam, std::size_t n_degrees, std::size_t n_dec,
            std::complex<float>* modes)
      : harmonics_(harmonics),
        kernels_(&kernels()),
        beam_(beam),
        degrees_(n_degrees),
        n_dec_(n_dec),
        modes_(modes),
        rings_(northern_rings(n_dec)),
        degrees_of_(n_beams),
        log_start_(n_degrees) {
    for (std::size_t s = 0; s < n_beams; ++s)
      for (std::size_t l = 0; l < degrees_; ++l)
        if (beam[s * degrees_ + l] != 0.0) degrees_of_[s] = l + 1;
    double product = 0.0;
    for (std::size_t m = 0; m < degrees_; ++m) {
      const auto order = static_cast<double>(m);
      if (m > 0) product += std::log2((2.0 * order - 1.0) / (2.0 * order));
      log_start_[m] = 0.5 * (product + std::log2((2.0 * order + 1.0) / (4.0 * M_PI)));
    }
  }

  OneOrder work_space() const {
    const std::size_t columns = 2 * harmonics_.maps;
    OneOrder w;
    w.rows.resize(rings_.size() * degrees_ * lanes);
    w.coefficient.resize(degrees_ * columns);
    w.even.resize(columns * lanes);
    w.odd.resize(columns * lanes);
    w.first.resize(rings_.size());
    w.a.resize(degrees_);
    w.b.resize(degrees_);
    return w;
  }

  void fill(std::size_t m, OneOrder& w) const {
    make_rows(m, w);
    for (std::size_t s = 0; s < degrees_of_.size(); ++s) {
      const std::size_t n = degrees_of_[s] > m ? degrees_of_[s] - m : 0, columns = 2 * harmonics_.maps;
      for (std::size_t r = 0; r < harmonics_.maps; ++r) {
        const std::complex<double>* alm = harmonics_.alm + r * n_alm() + m * (2 * harmonics_.lmax + 1 - m) / 2 + m;
        for (std::size_t j = 0; j < n; ++j) {
          const std::complex<double> c = alm[j] * beam_[s * degrees_ + m + j];
          w.coefficient[j * columns + 2 * r] = static_cast<float>(c.real());
          w.coefficient[j * columns + 2 * r + 1] = static_cast<float>(c.imag());
        }
      }
      for (std::size_t i = 0; i < rings_.size(); ++i) {
        kernels_->legendre_sums(w.rows.data() + i * degrees_ * lanes, w.first[i], n, w.coefficient.data(), columns, w.even.data(),
                                w.odd.data());
        write(s, m, i, w);
      }
    }
  }

 private:
  std::size_t n_alm() const { return (harmonics_.lmax + 1) * (harmonics_.lmax + 2) / 2; }

  // λ_lm for all rings, from λ_mm on.
  void make_rows(std::size_t m, OneOrder& w) const {
    const std::size_t n = degrees_ - m;
    const auto m2 = static_cast<double>(m) * static_cast<double>(m);
    for (std::size_t j = 0; j < n; ++j) {
      const auto here = static_cast<double>(m + j), l2 = (here + 1.0) * (here + 1.0), h2 = here * here;
      w.a[j] = std::sqrt((4.0 * l2 - 1.0) / (l2 - m2));
      w.b[j] = j == 0 ? 0.0 : std::sqrt((h2 - m2) / (4.0 * h2 - 1.0));
    }
    for (std::size_t i = 0; i < rings_.size(); ++i) {
      alignas(64) std::array<double, lanes> start{}, scale{};
      for (std::size_t k = 0; k < lanes; ++k) {
        const double log = m == 0 ? log_start_[0] : log_start_[m] + static_cast<double>(m) * rings_[i].log_sine[k];
        if (!(log > -HUGE_VAL)) continue;
        scale[k] = std::min(0.0, std::floor((log + 256.0) / 512.0));
        start[k] = (m % 2 == 0 ? 1.0 : -1.0) * std::exp2(log - 512.0 * scale[k]);
      }
      w.first[i] = kernels_->legendre_rows(n, w.a.data(), w.b.data(), rings_[i].cosine.data(), start.data(), scale.data(),
                                           w.rows.data() + i * degrees_ * lanes);
    }
  }

  // Harmonics whose degree and order differ by an odd number change sign in the south.
  void write(std::size_t s, std::size_t m, std::size_t i, const OneOrder& w) const {
    for (std::size_t k = 0; k < lanes; ++k) {
      const std::size_t ring = i * lanes + k;
      if (ring >= (n_dec_ + 1) / 2) return;
      for (std::size_t r = 0; r < harmonics_.maps; ++r) {
        const std::size_t re = 2 * r * lanes + k, im = re + lanes;
        at(s, ring, r, m) = {w.even[re] - w.odd[re], w.even[im] - w.odd[im]};
        at(s, n_dec_ - 1 - ring, r, m) = {w.even[re] + w.odd[re], w.even[im] + w.odd[im]};
      }
    }
  }
  std::complex<float>& at(std::size_t s, std::size_t dec, std::size_t r, std::size_t m) const {
    return modes_[((s * n_dec_ + dec) * harmonics_.maps + r) * degrees_ + m];
  }

  MapHarmonics harmonics_;
  const Kernels* kernels_;
  const double* beam_;
  std::size_t degrees_, n_dec_;
  std::complex<float>* modes_;
  std::vector<SixteenRings> rings_;
  std::vector<std::size_t> degrees_of_;
  std::vector<double> log_start_;
};

}  // namespace

void ring_modes(const MapHarmonics& harmonics, std::size_t n_beams, const double* beam, std::size_t n_degrees, std::size_t n_dec,
                std::complex<float>* modes, int n_threads) {
  const RingModes work(harmonics, n_beams, beam, n_degrees, n_dec, modes);
  const int threads = resolve_threads(n_threads);
  std::vector<OneOrder> spaces;
  for (int t = 0; t < threads; ++t) spaces.push_back(work.work_space());
  parallel_for((n_degrees + orders - 1) / orders, threads, 1, [&](std::size_t task) {
    OneOrder& space = spaces[threads == 1 ? 0 : static_cast<std::size_t>(thread_number())];
    for (std::size_t m = task * orders; m < std::min(n_degrees, (task + 1) * orders); ++m) work.fill(m, space);
  });
}

}  // namespace nusky
