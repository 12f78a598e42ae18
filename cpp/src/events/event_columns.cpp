#include "nusky/events/event_columns.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

#include "nusky/events/cut_class.hpp"
#include "nusky/sphere/sphere.hpp"
#include "nusky/threads.hpp"

namespace nusky {
namespace {

// Above this width a flat Gaussian is no density on the sphere any more; von Mises–Fisher takes over.
const double widest_gaussian = 7.0 * pi / 180.0;
// Beyond this R or 1/R would leave the range of the float products in the kernels.
constexpr float largest_log_ratio = 60.0F;
// Of a given S/B: squares of weights stay within float.
constexpr double largest_value = 1e30;

[[noreturn]] void bad(const char* name, std::size_t row, double value, const char* advice) {
  throw std::invalid_argument(std::string(name) + ": row " + std::to_string(row) + " is " + std::to_string(value) + "; " + advice);
}

SpatialTerm spatial_term(double sigma, double background, double cut) {
  const double inverse = 1.0 / (sigma * sigma);
  SpatialTerm t{};
  t.rate = static_cast<float>(0.5 * inverse);
  const double norm = sigma <= widest_gaussian ? inverse / (2.0 * pi) : inverse / (2.0 * pi * -std::expm1(-2.0 * inverse));
  t.gaussian = sigma <= widest_gaussian ? 1.0F : 0.0F;
  t.weight = static_cast<float>(norm / background);
  t.cut = static_cast<float>(chord2(cut));
  return t;
}

}  // namespace

EventColumns::EventColumns(std::size_t n, const double* dec, const double* sigma, const double* background, const float* log_energy_ratio,
                           GammaAxis axis, double cut_n_sigma, double extension, int n_threads)
    : axis_(std::move(axis)) {
  if (!(cut_n_sigma > 0.0)) throw std::invalid_argument("cut_n_sigma: must be positive (infinity: no cut)");
  if (!(extension >= 0.0 && extension <= pi)) throw std::invalid_argument("extension: must be within 0 and pi rad");
  if (axis_.size() > 0 && log_energy_ratio == nullptr && n > 0)
    throw std::invalid_argument("log_energy_ratio: needed, because gamma_nodes is not empty");
  const auto g = static_cast<std::size_t>(axis_.size());
  for (std::size_t i = 0; i < n; ++i) {
    if (!(std::abs(dec[i]) <= pi / 2 + 1e-12)) bad("dec", i, dec[i], "it must be within -pi/2 and pi/2 rad");
    if (!(sigma[i] >= 0.0 && sigma[i] <= pi && sigma[i] + extension > 0.0))
      bad("sigma", i, sigma[i], "it must be above 0 and at most pi rad");
    if (!(background[i] > 0.0) || !std::isfinite(background[i])) bad("background", i, background[i], "a density in 1/sr above 0 is needed");
    for (std::size_t j = 0; j < g; ++j)
      if (!(std::abs(log_energy_ratio[i * g + j]) <= largest_log_ratio))
        bad("log_energy_ratio", i, log_energy_ratio[i * g + j], "ln R must be finite and within -60 and 60");
  }
  const auto width = [&](std::size_t row) { return std::hypot(sigma[row], extension); };
  const auto cut_of = [&](std::size_t row) { return std::min(cut_n_sigma * width(row), pi); };
  const auto term_of = [&](std::size_t row) { return spatial_term(width(row), background[row], cut_of(row)); };
  build(n, dec, cut_of, term_of, log_energy_ratio, n_threads);
}

EventColumns::EventColumns(std::size_t n, const double* value, const float* log_ratio, GammaAxis axis, int n_threads)
    : axis_(std::move(axis)) {
  const auto g = static_cast<std::size_t>(axis_.size());
  for (std::size_t i = 0; i < n; ++i) {
    if (!(value[i] >= 0.0 && value[i] <= largest_value)) bad("value", i, value[i], "S/B must be at least 0 and at most 1e30");
    for (std::size_t j = 0; j < g; ++j)
      if (!(std::abs(log_ratio[i * g + j]) <= largest_log_ratio))
        bad("log_ratio", i, log_ratio[i * g + j], "it must be finite and within -60 and 60");
  }
  const std::vector<double> dec(n, 0.0);
  build(
      n, dec.data(), [](std::size_t) { return pi; },
      [&](std::size_t row) { return SpatialTerm{0.0F, 0.0F, static_cast<float>(value[row]), static_cast<float>(chord2(pi))}; }, log_ratio,
      n_threads);
}

// The columns of n events with a declination, a cut in rad and a spatial term each.
template <class Cut, class Term>
void EventColumns::build(std::size_t n, const double* dec, const Cut& cut_of, const Term& term_of, const float* log_ratios, int n_threads) {
  const auto g = static_cast<std::size_t>(axis_.size()), gp = static_cast<std::size_t>(axis_.padded_size());
  std::vector<std::uint8_t> class_of(n);
  for (std::size_t i = 0; i < n; ++i) class_of[i] = static_cast<std::uint8_t>(nusky::cut_class(static_cast<float>(cut_of(i))));
  row_.resize(n);
  std::iota(row_.begin(), row_.end(), 0U);
  std::stable_sort(row_.begin(), row_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return class_of[a] != class_of[b] ? class_of[a] < class_of[b] : dec[a] < dec[b];
  });
  event_.resize(n);
  for (std::size_t i = 0; i < n; ++i) event_[row_[i]] = static_cast<std::uint32_t>(i);
  dec_.resize(n);
  cos_dec_.resize(n);
  cut_.resize(n);
  cut_class_.resize(n);
  sketches_.resize(n);
  records_.resize(n);
  if (g > 0) {
    log_ratio_.assign(n * gp + n_coarse_gamma, 0.0F);  // rows are read in whole vectors
    std::vector<std::uint32_t> order(n);
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return dec[row_[a]] < dec[row_[b]]; });
    ratio_row_.resize(n);
    for (std::size_t i = 0; i < n; ++i) ratio_row_[order[i]] = static_cast<std::uint32_t>(i);
  }
  if (axis_.free()) ratio_.resize(n * n_coarse_gamma);
  for (const std::uint8_t c : class_of) ++class_size_[c];
  parallel_for(n, n_threads, 4096, [&](std::size_t i) {
    const std::size_t given = row_[i];
    dec_[i] = dec[given];
    cos_dec_[i] = std::cos(dec_[i]);
    const double cut = cut_of(given);
    cut_[i] = static_cast<float>(cut);
    cut_class_[i] = class_of[given];
    EventRecord& e = records_[i];
    e = {std::sin(dec_[i]), cos_dec_[i], term_of(given), nullptr, nullptr, 1.0F, 1.0F};
    sketches_[i] = {fixed_point(e.sin_dec), fixed_chord(2.0 * std::sin(0.5 * cut)), e.spatial.rate, e.spatial.weight};
    if (g == 0) return;
    e.log_ratio = log_ratio(i);
    float* row = log_ratio_.data() + ratio_row_[i] * gp;
    for (std::size_t j = 0; j < g; ++j) row[j] = log_ratios[given * g + j];
    if (!axis_.free()) return;
    e.ratio = ratio_row(i);
    float upper[n_coarse_gamma], lower[n_coarse_gamma], log_peak = -largest_log_ratio, log_lift = 0.0F;
    float* ratios = ratio_.data() + ratio_row_[i] * std::size_t{n_coarse_gamma};
    axis_.coarse_bounds(row, upper, lower);
    float before = 0.0F;
    for (int j = 0; j < n_coarse_gamma; ++j) {
      const Stencil& st = axis_.coarse_stencil(j);
      float here = 0.0F;
      for (std::size_t k = 0; k < 4; ++k) here += st.value[k] * row[st.first + static_cast<int>(k)];
      ratios[j] = std::exp(here);
      log_peak = std::max(log_peak, upper[j]);
      if (j > 0) log_lift = std::max(log_lift, upper[j - 1] - std::max(before, here));
      before = here;
    }
    // the factors cover the rounding of float arithmetic up to |ln R| = 60, so that the bounds stay bounds
    e.lift = std::exp(log_lift) * (1.0F + 4e-5F);
    e.peak = std::exp(log_peak) * (1.0F + 2e-5F);
    sketches_[i].weight = e.spatial.weight * e.peak;
  });
}

std::size_t EventColumns::bytes() const {
  return sizeof(double) * 2 * dec_.size() + sizeof(EventSketch) * sketches_.size() + sizeof(EventRecord) * records_.size() +
         sizeof(std::uint32_t) * (2 * row_.size() + ratio_row_.size()) + sizeof(float) * (cut_.size() + log_ratio_.size() + ratio_.size());
}

}  // namespace nusky
