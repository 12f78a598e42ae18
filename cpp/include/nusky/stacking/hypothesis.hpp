#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "nusky/events/event_columns.hpp"
#include "nusky/stacking/value_events.hpp"

namespace nusky {

/// Evaluates a hypothesis for the events of trials; the work space of one thread.
class Evaluator {
 public:
  Evaluator() = default;
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;
  virtual ~Evaluator() = default;
  /// A trial without events.
  virtual void begin() {}
  /// Adds those of n events that have S > 0, in their order, or leaves them out. @param event (n,) of the columns;  @param ra (n,) rad
  virtual void add(std::size_t season, const EventColumns& columns, std::size_t n, const std::uint32_t* event, const double* ra,
                   ValueEvents& out) = 0;
  /// Σ S/B R over the events of a season that have been left out since `begin`, at the coarse γ. @param sums (16,), written
  virtual void sum_left(std::size_t season, float* sums) = 0;
};

/// A hypothesis that is no single position: it evaluates S/B(γ) of any event. Shared by all threads.
class Hypothesis {
 public:
  /// Right ascensions at which an event can matter are kept as bits of so many bins.
  static constexpr unsigned bin_bits = 6;

  /// @param columns (K,) of the seasons' own events, row i of which is event i for the generator
  explicit Hypothesis(std::vector<std::shared_ptr<const EventColumns>> columns) : columns_(std::move(columns)) {}
  Hypothesis(const Hypothesis&) = delete;
  Hypothesis& operator=(const Hypothesis&) = delete;
  virtual ~Hypothesis() = default;

  std::size_t n_seasons() const { return columns_.size(); }
  const std::shared_ptr<const EventColumns>& season(std::size_t k) const { return columns_[k]; }
  /// (n,) bit b of event i of a season: it may have S > 0 at right ascensions in bin b. Empty: all may everywhere.
  virtual const std::vector<std::uint64_t>& bins(std::size_t season) const = 0;
  /// @param gamma where γ is fixed; none: it is free, or there is no energy term
  virtual std::unique_ptr<Evaluator> evaluator(std::optional<double> gamma) const = 0;

 private:
  std::vector<std::shared_ptr<const EventColumns>> columns_;
};

}  // namespace nusky
