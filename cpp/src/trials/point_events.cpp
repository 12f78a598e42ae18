#include "nusky/trials/point_events.hpp"

#include <utility>

#include "nusky/kernels/table.hpp"

namespace nusky {

PointEvents::PointEvents(GammaAxis axis, const PointSource& source, const PointSignal* signal)
    : source_(&source),
      signal_(signal),
      index_(std::move(axis), static_cast<int>(source.n_seasons())),
      drawn_(source.n_seasons()),
      n_events_(source.n_seasons()) {}

void PointEvents::draw(std::uint64_t key, std::uint64_t quad) {
  key_ = key;
  quad_ = quad;
  for (std::size_t k = 0; k < drawn_.size(); ++k) {
    const PointBackground& season = source_->season(k);
    ArcPicks picks[trials_of_block];
    for (std::size_t w = 0; w < trials_of_block; ++w) {
      Drawn& d = drawn_[k][w];
      d.number.resize(season.size() + random_room);
      d.word.resize(season.size() + random_room);
      picks[w] = {0, d.number.data(), d.word.data()};
    }
    const RandomPlace place = random_place(key, quad, Purpose::right_ascension, static_cast<std::uint32_t>(k));
    kernels().in_arc({season.size(), season.item.data(), season.first.data(), season.width.data()}, place, picks);
    for (std::size_t w = 0; w < trials_of_block; ++w) drawn_[k][w].n = picks[w].n;
  }
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
  for (std::size_t k = 0; k < drawn_.size(); ++k) {
    const PointBackground& season = source_->season(k);
    const Drawn& d = drawn_[k][w];
    event_.resize(d.n);
    ra_.resize(d.n);
    cos_dec_.resize(d.n);
    time_.resize(d.n);
    for (std::size_t i = 0; i < d.n; ++i) {
      const std::uint32_t number = d.number[i];
      if (source_->timed()) time_[i] = season.time[number];
      event_[i] = season.event[number];
      cos_dec_[i] = season.cos_dec[number];
      ra_[i] = right_ascension_of(d.word[i]);
    }
    add(k, *season.columns, d.n);
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
    index_.add_few(static_cast<int>(k), *pool.columns, event_.size(), event_.data(), x_.data(), y_.data(),
                   source_->timed() ? time_.data() : nullptr);
    n_events_[k] += static_cast<double>(event_.size());
  }
  index_.end_trial(n_events_.data());
}

void PointEvents::take(const std::vector<EventPart>& parts, const double* n_events) {
  index_.start_trial();
  for (std::size_t k = 0; k < drawn_.size(); ++k)
    for (const EventPart& part : parts) {
      if (part.season != static_cast<int>(k)) continue;
      if (part.rows == nullptr && part.columns == source_->season(k).columns)
        add_season(k, part);
      else
        add_other(part);
    }
  index_.end_trial(n_events);
}

// A season's own events: those in reach, as `draw` would find them.
void PointEvents::add_season(std::size_t k, const EventPart& part) {
  const PointBackground& season = source_->season(k);
  event_ = season.event;
  cos_dec_ = season.cos_dec;
  ra_.resize(season.size());
  for (std::size_t i = 0; i < season.size(); ++i) ra_[i] = part.ra[season.item[i]];
  if (part.time != nullptr) {
    time_.resize(season.size());
    for (std::size_t i = 0; i < season.size(); ++i) time_[i] = part.time[season.item[i]];
  }
  add(k, *season.columns, season.size());
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
