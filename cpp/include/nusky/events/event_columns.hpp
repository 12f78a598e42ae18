#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/events/cut_class.hpp"
#include "nusky/events/event_record.hpp"
#include "nusky/gamma/gamma_axis.hpp"

namespace nusky {

/// What belongs to the events of one season alone and stays for every trial. Events are kept, and numbered here, in the order of cut class
/// and declination, which is nearly that of an EventIndex: a trial reads them in order and writes close together.
class EventColumns {
 public:
  /// @param n events
  /// @param dec (n,) rad;  @param sigma (n,) rad, 0 < σ ≤ π;  @param background (n,) sr⁻¹, > 0
  /// @param log_energy_ratio (n, G) row-major ln R on the γ nodes, or nullptr when the axis is empty
  /// @param cut_n_sigma S = 0 beyond this many σ;  @param extension source extension in rad
  EventColumns(std::size_t n, const double* dec, const double* sigma, const double* background, const float* log_energy_ratio,
               GammaAxis axis, double cut_n_sigma, double extension, int n_threads);
  /// Events whose S/B is given, whatever the direction: those of a hypothesis that is no single position.
  /// @param value (n,) S/B, at least 0;  @param log_ratio (n, G) row-major ln of what γ makes of it, or nullptr when the axis is empty
  EventColumns(std::size_t n, const double* value, const float* log_ratio, GammaAxis axis, int n_threads);

  std::size_t size() const { return cut_.size(); }
  /// The row, as given, of event i, and the event of a row.
  std::size_t row(std::size_t i) const { return row_[i]; }
  std::size_t event(std::size_t row) const { return event_[row]; }
  const GammaAxis& axis() const { return axis_; }
  double dec(std::size_t i) const { return dec_[i]; }
  double cos_dec(std::size_t i) const { return cos_dec_[i]; }
  float cut(std::size_t i) const { return cut_[i]; }            ///< rad, at most π
  int cut_class(std::size_t i) const { return cut_class_[i]; }  ///< see cut_class.hpp
  std::size_t class_size(int c) const { return class_size_[static_cast<std::size_t>(c)]; }
  const EventSketch& sketch(std::size_t i) const { return sketches_[i]; }
  const EventRecord& record(std::size_t i) const { return records_[i]; }
  const SpatialTerm& spatial(std::size_t i) const { return records_[i].spatial; }
  /// ln R on the nodes, padded_size() values.
  const float* log_ratio(std::size_t i) const { return log_ratio_.data() + ratio_row_[i] * static_cast<std::size_t>(axis_.padded_size()); }
  /// R at the coarse γ, n_coarse_gamma values on one cache line.
  const float* ratio_row(std::size_t i) const { return ratio_.data() + ratio_row_[i] * std::size_t{n_coarse_gamma}; }
  /// The rows as tables, and the number of an event's row in both.
  const float* ratio_table() const { return ratio_.data(); }
  const float* log_ratio_table() const { return log_ratio_.data(); }
  std::uint32_t table_row(std::size_t i) const { return ratio_row_.empty() ? 0 : ratio_row_[i]; }
  /// Between two neighbouring coarse γ, R is at most this times the larger of its values there; 1 where γ is not free to be fitted.
  float ratio_lift(std::size_t i) const { return records_[i].lift; }
  /// Largest R over all γ; 1 where γ is not free to be fitted.
  float ratio_peak(std::size_t i) const { return records_[i].peak; }
  std::size_t bytes() const;

 private:
  template <class Cut, class Term>
  void build(std::size_t n, const double* dec, const Cut& cut_of, const Term& term_of, const float* log_ratios, int n_threads);

  GammaAxis axis_;
  std::vector<std::uint32_t> row_, event_;
  std::vector<double> dec_, cos_dec_;
  std::vector<float> cut_;
  std::vector<std::uint8_t> cut_class_;
  std::array<std::size_t, n_cut_classes> class_size_{};
  std::vector<EventSketch> sketches_;
  AlignedVector<EventRecord> records_;
  std::vector<std::uint32_t> ratio_row_;    // into the two tables below, sorted by declination: those of a tile are close in memory
  AlignedVector<float> log_ratio_, ratio_;  // by ratio_row_
};

}  // namespace nusky
