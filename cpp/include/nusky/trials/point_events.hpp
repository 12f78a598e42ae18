#pragma once
#include <vector>

#include "nusky/events/event_index.hpp"
#include "nusky/trials/drawn_words.hpp"
#include "nusky/trials/point_signal.hpp"

namespace nusky {

/// The events of one trial after the other around a source at a fixed position, drawn or given; the work space of one thread.
class PointEvents {
 public:
  /// @param signal nullptr: nothing is injected
  PointEvents(GammaAxis axis, const PointSource& source, const PointSignal* signal);
  PointEvents(const PointEvents&) = delete;
  PointEvents& operator=(const PointEvents&) = delete;

  const PointSource& source() const { return *source_; }
  const EventIndex& index() const { return index_; }
  /// Draws the backgrounds of trials 4 · quad … 4 · quad + 3.
  void draw(std::uint64_t key, std::uint64_t quad);
  /// Takes trial 4 · quad + w of the last draw, with signal drawn for it where there is any.
  void take(std::size_t w, double n_sig, const Poisson* poisson);
  /// Takes events made elsewhere, in the same order as drawn ones. @param n_events (K,)
  void take(const std::vector<EventPart>& parts, const double* n_events);

 private:
  void add(std::size_t season, const EventColumns& columns, std::size_t n);
  void add_season(std::size_t k, const EventPart& part);
  void add_other(const EventPart& part);

  const PointSource* source_;
  const PointSignal* signal_;
  EventIndex index_;
  std::uint64_t key_ = 0, quad_ = 0;
  DrawnWords words_;
  std::vector<InjectedEvent> injected_;
  std::vector<double> n_events_;
  // of the events in hand
  std::vector<std::uint32_t> event_, word_;
  std::vector<double> ra_, cos_dec_, time_, x_, y_;
};

}  // namespace nusky
