#include "nusky/bounds/knot_events.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "nusky/kernels/table.hpp"
#include "nusky/threads.hpp"

namespace nusky {

KnotEvents::KnotEvents(const FitModel& model, const KnotRows& rows, std::shared_ptr<const KnotRows::Seasons> seasons,
                       const BoundConstants& constants, int n_threads)
    : rows_(&rows), seasons_(std::move(seasons)), grids_(seasons_->grids), shapes_(seasons_->shapes), events_(rows.take_room()) {
  const EventIndex& index = model.index();
  const double n_most = 0.5 * constants.most_of_knots / constants.least_fall;
  for (int k = 0; k < index.n_seasons(); ++k) {
    float shares[n_coarse_gamma];
    model.likelihood().highest_shares_of(k, -1.0, 1.0, shares);
    const double share = static_cast<double>(*std::max_element(shares, shares + n_coarse_gamma));
    const double z = model.likelihood().extended() ? 0.0 : n_most * share / index.n_events(k);
    const double factor = bound_factor(constants.mixture * z);  // B1
    any_ = any_ && factor > 0.0;
    const double of_event = factor / index.n_events(k) * (1.0 + 1e-5);
    factors_.push_back({static_cast<float>(8388608.0 * std::log2(of_event)), static_cast<float>(of_event * share)});
  }
  if (!any_) return;
  events_.resize(index.size() + block_size);
  parallel_for(seasons_->zones.size(), n_threads, 4, [&](std::size_t z) { fill(index.whole_seasons(), seasons_->zones[z]); });
  add_loose(index, model.likelihood());
  for (std::size_t i = index.size(); i < events_.size(); ++i) events_[i] = {};
}

// Sorts the events of a zone by right ascension, as EventIndex does.
void KnotEvents::fill(const std::vector<WholeSeason>& whole, const KnotRows::Zone& zone) {
  const ZoneBins bins = grids_[zone.grid].bins(zone.number);
  const auto ra_of = [](float turn) { return static_cast<double>(turn) * (2.0 * pi); };
  std::size_t n_events = 0;
  for (std::size_t r = zone.first_run; r < zone.last_run; ++r) {
    const KnotRows::Run& run = seasons_->runs[r];
    const float* turn = whole[run.season].turn.data();
    for (std::size_t i = run.first; i < run.last; ++i) bins.count(ra_of(turn[i]));
    n_events += run.last - run.first;
  }
  bins.begin(zone.begin + static_cast<std::uint32_t>(n_events));
  constexpr std::size_t chunk = 512;
  for (std::size_t r = zone.first_run; r < zone.last_run; ++r) {
    const KnotRows::Run& run = seasons_->runs[r];
    const float* turn = whole[run.season].turn.data();
    const KnotEvent* event = seasons_->all[run.season].events.data();
    const Factor factor = factors_[static_cast<std::size_t>(whole[run.season].season)];
    for (std::size_t first = run.first; first < run.last; first += chunk) {
      const std::size_t n = std::min(chunk, run.last - first);
      double ra[chunk], cos_dec[chunk], x[chunk], y[chunk];
      KnotEvent* to[chunk];
      for (std::size_t j = 0; j < n; ++j) {
        ra[j] = ra_of(turn[first + j]);
        cos_dec[j] = static_cast<double>(event[first + j].x);
        to[j] = &events_[bins.put(ra[j])];
        __builtin_prefetch(to[j], 1);
      }
      kernels().circle(n, ra, cos_dec, x, y);
      for (std::size_t j = 0; j < n; ++j) {
        KnotEvent e = event[first + j];
        e.x = static_cast<float>(x[j]);
        e.y = static_cast<float>(y[j]);
        e.weight *= factor.weight;
        e.power += factor.power;
        *to[j] = e;
      }
    }
  }
  bins.end(zone.begin);
}

void KnotEvents::add_loose(const EventIndex& index, const Likelihood& likelihood) {
  std::size_t at = seasons_->n_events;
  for (int k = 0; k < index.n_seasons(); ++k) {
    float shares[n_coarse_gamma];
    likelihood.highest_shares_of(k, -1.0, 1.0, shares);
    const Factor factor = factors_[static_cast<std::size_t>(k)];
    for (const std::uint32_t i : index.loose_events(k)) {
      const KnotRow row = knot_row(index.record(i), index.axis(), shares);
      KnotEvent e = knot_event(index.record(i), row);
      const Vec3 place = index.vector(i);
      e.x = static_cast<float>(place.x());
      e.y = static_cast<float>(place.y());
      e.z = static_cast<float>(place.z());
      e.weight *= factor.weight;
      e.power += factor.power;
      e.shape = static_cast<std::uint32_t>(shapes_.size());
      shapes_.push_back({});
      raise(shapes_.back(), row);
      widest_loose_ = std::max(widest_loose_, e.cut_chord);
      events_[at++] = e;
    }
  }
  n_loose_ = at - seasons_->n_events;
  const auto first = events_.begin() + static_cast<std::ptrdiff_t>(seasons_->n_events);
  std::sort(first, first + static_cast<std::ptrdiff_t>(n_loose_), [](const KnotEvent& a, const KnotEvent& b) { return a.z < b.z; });
}

void KnotEvents::near(const Vec3& centre, double chord, std::vector<EventRange>& out) const {
  constexpr double margin = 2.0 * knot_places;
  out.clear();
  const double dec = std::asin(std::clamp(centre.z(), -1.0, 1.0));
  double ra = std::atan2(centre.y(), centre.x());
  if (ra < 0) ra += 2 * pi;
  for (const ZoneGrid& grid : grids_) grid.near(ra, dec, chord + margin, out);
  if (n_loose_ == 0) return;
  const KnotEvent *first = events_.data() + seasons_->n_events, *last = first + n_loose_;
  const auto most = static_cast<float>(chord + margin) + widest_loose_, z = static_cast<float>(centre.z());
  const auto below = [](const KnotEvent& e, float edge) { return e.z < edge; };
  const auto from = std::lower_bound(first, last, z - most, below), to = std::lower_bound(from, last, z + most, below);
  if (from != to) out.push_back({static_cast<std::uint32_t>(from - events_.data()), static_cast<std::uint32_t>(to - events_.data())});
}

}  // namespace nusky
