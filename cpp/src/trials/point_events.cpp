#include "nusky/trials/point_events.hpp"

#include <utility>

#include "nusky/kernels/table.hpp"

namespace nusky {

PointEvents::PointEvents(GammaAxis axis, const PointSource& source, const PointSignal* signal)
    : source_(&source), signal_(signal), index_(std::move(axis), static_cast<int>(source.n_seasons())), n_events_(source.n_seasons()) {}

void PointEvents::draw(std::uint64_t key, std::uint64_t quad) {
  key_ = key;
  quad_ = quad;
  words_.draw(*source_, key, quad);
}

// The first n events of event_, at ra_ and, where they are known, time_.
void PointEvents::add(std::size_t season, const EventColumns& columns, std::size_t n) {
  x_.resize(n);
  y_.resize(n);
  kernels().circle(n, ra_.data(), cos_dec_.data(), x_.data(), y_.data());
  index_.add_few(static_cast<int>(season), columns, n, event_.data(), x_.data(), y_.data(), source_->timed() ? time_.data() : nullptr);
}

void PointEvents::take(std::size_t w, double n_sig, const Poisson* poisson) {
  index_.start_trial();
  if (signal_ != nullptr) signal_->draw(key_, trials_of_block * quad_ + w, n_sig, poisson, injected_);
  for (std::size_t k = 0; k < source_->n_seasons(); ++k) {
    const PointBackground& season = source_->season(k);
    event_.resize(season.size() + random_room);
    word_.resize(season.size() + random_room);
    ArcPicks picks{0, event_.data(), word_.data()};
    for (const ArcRange& range : season.ranges)
      kernels().in_arc({range.n, words_.of(k, w, range), season.half.data() + range.at, static_cast<std::uint32_t>(range.first)},
                       source_->position(0).word, &picks);
    for (auto* column : {&ra_, &cos_dec_, &time_}) column->resize(picks.n);
    for (std::size_t i = 0; i < picks.n; ++i) {
      if (source_->timed()) time_[i] = season.time[event_[i]];
      cos_dec_[i] = season.columns().cos_dec(event_[i]);
      ra_[i] = right_ascension_of(word_[i]);
    }
    add(k, season.columns(), picks.n);
    n_events_[k] = static_cast<double>(source_->n_events(k));
    if (signal_ == nullptr) continue;
    const PointSignalSeason& pool = signal_->season(k);
    event_.clear();
    time_.clear();
    x_.clear();
    y_.clear();
    for (const InjectedEvent& e : injected_) {
      if (e.season != k) continue;
      event_.push_back(pool.event[e.row]);
      x_.push_back(pool.x[e.row]);
      y_.push_back(pool.y[e.row]);
      time_.push_back(e.time);
    }
    index_.add_few(static_cast<int>(k), pool.records->columns(), event_.size(), event_.data(), x_.data(), y_.data(),
                   source_->timed() ? time_.data() : nullptr);
    n_events_[k] += static_cast<double>(event_.size());
  }
  index_.end_trial(n_events_.data());
}

void PointEvents::take(const std::vector<EventPart>& parts, const double* n_events) {
  index_.start_trial();
  for (std::size_t k = 0; k < source_->n_seasons(); ++k)
    for (const EventPart& part : parts) {
      if (part.season != static_cast<int>(k)) continue;
      if (part.rows == nullptr && part.columns == source_->season(k).records->shared_columns())
        add_season(k, part);
      else
        add_other(part);
    }
  index_.end_trial(n_events);
}

// A season's own events: those in reach, as `draw` would find them.
void PointEvents::add_season(std::size_t k, const EventPart& part) {
  const PointBackground& season = source_->season(k);
  event_.clear();
  ra_.clear();
  cos_dec_.clear();
  time_.clear();
  for (const ArcRange& range : season.ranges)
    for (std::size_t i = 0; i < range.n; ++i) {
      const std::size_t event = range.first + i, row = season.item[range.at + i];
      event_.push_back(static_cast<std::uint32_t>(event));
      ra_.push_back(part.ra[row]);
      cos_dec_.push_back(season.columns().cos_dec(event));
      if (part.time != nullptr) time_.push_back(part.time[row]);
    }
  add(k, season.columns(), event_.size());
}

void PointEvents::add_other(const EventPart& part) {
  event_.resize(part.n);
  cos_dec_.resize(part.n);
  for (std::size_t i = 0; i < part.n; ++i) {
    const std::size_t row = part.rows == nullptr ? i : static_cast<std::size_t>(part.rows[i]);
    event_[i] = static_cast<std::uint32_t>(part.columns->event(row));
    cos_dec_[i] = part.columns->cos_dec(event_[i]);
  }
  ra_.assign(part.ra, part.ra + part.n);
  if (part.time != nullptr) time_.assign(part.time, part.time + part.n);
  add(static_cast<std::size_t>(part.season), *part.columns, part.n);
}

}  // namespace nusky
