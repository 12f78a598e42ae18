#include "nusky/trials/point_fitter.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "nusky/kernels/table.hpp"

namespace nusky {
namespace {

double haversine(double angle) {
  const double s = std::sin(0.5 * angle);
  return s * s;
}

}  // namespace

PointFitter::PointFitter(const Likelihood& likelihood, std::optional<double> gamma)
    : index_(likelihood.axis(), likelihood.n_seasons()),
      model_(likelihood, index_, gamma, 1, 1),
      fitter_(model_, false),
      n_events_(static_cast<std::size_t>(likelihood.n_seasons())),
      angle_(n_events_.size()) {}

void PointFitter::begin(const PointSource& source) {
  source_ = &source;
  if (own_.size() < n_events_.size() * source.n_positions()) own_.resize(n_events_.size() * source.n_positions());
  for (std::size_t k = 0; k < n_events_.size(); ++k) {
    n_events_[k] = 0.0;
    for (std::size_t m = 0; m < source.n_positions(); ++m) own(k, m).n = 0;
  }
  loose_.clear();
}

void PointFitter::take(const DrawnWords& words, std::size_t w) {
  const std::size_t positions = source_->n_positions();
  for (std::size_t k = 0; k < n_events_.size(); ++k) {
    const PointBackground& season = source_->season(k);
    picks_.clear();
    for (std::size_t m = 0; m < positions; ++m) {
      Own& some = own(k, m);
      some.rest.clear();
      if (some.number.size() < season.size() + random_room + points_beyond) {
        some.number.resize(season.size() + random_room + points_beyond);
        some.word.resize(season.size() + random_room);
      }
      picks_.push_back({0, some.number.data(), some.word.data()});
    }
    for (const ArcRange& range : season.ranges) {
      const ArcView arcs{range.n, words.of(k, w, range), season.half.data() + range.at, static_cast<std::uint32_t>(range.first)};
      if (positions == 1)
        kernels().in_arc(arcs, source_->position(0).word, picks_.data());
      else
        kernels().in_arcs(arcs, source_->centres(), picks_.data());
    }
    for (std::size_t m = 0; m < positions; ++m) own(k, m).n = picks_[m].n;
    n_events_[k] = static_cast<double>(source_->n_events(k));
  }
}

void PointFitter::take(std::size_t k, const double* ra) {
  const PointBackground& season = source_->season(k);
  for (std::size_t m = 0; m < source_->n_positions(); ++m) {
    Own& some = own(k, m);
    for (auto* column : {&some.number, &some.word}) column->clear();
    some.rest.clear();
    for (const ArcRange& range : season.ranges)
      for (std::size_t i = 0; i < range.n; ++i) {
        const double at = ra[season.item[range.at + i]];
        const std::uint32_t word = nearest_word(at);
        const auto d = static_cast<std::int32_t>(word - source_->position(m).word);
        if ((d < 0 ? 0U - static_cast<std::uint32_t>(d) : static_cast<std::uint32_t>(d)) + 1U > season.half[range.at + i]) continue;
        some.number.push_back(static_cast<std::uint32_t>(range.first + i));
        some.word.push_back(word);
        some.rest.push_back(above_word(at, word));
      }
    some.n = some.number.size();
    some.number.resize(some.n + points_beyond);
  }
  n_events_[k] += static_cast<double>(source_->n_events(k));
}

void PointFitter::add(std::size_t season, const PointRecords& records, std::size_t event, double ra) {
  loose_.push_back({season, event, &records, ra});
  n_events_[season] += 1.0;
}

void PointFitter::add_own(std::size_t k, std::size_t position) {
  Own& some = own(k, position);
  if (some.n == 0) return;
  AlignedVector<float>& angle = angle_[k];
  if (angle.size() < some.n + block_size) angle.resize(2 * some.n + block_size);
  std::fill_n(some.number.begin() + static_cast<std::ptrdiff_t>(some.n), points_beyond, some.number[some.n - 1]);
  const PointPosition& at = source_->position(position);
  kernels().angles(some.n, some.word.data(), some.rest.empty() ? nullptr : some.rest.data(), at.word, at.off, angle.data());
  parts_.push_back({k, source_->season(k).records->view(), some.n, some.number.data(), angle.data()});
}

void PointFitter::add_loose(std::size_t k, const PointPosition& position) {
  for (const Loose& e : loose_) {
    if (e.season != k) continue;
    const EventColumns& columns = e.records->columns();
    const double difference = columns.dec(e.event) - source_->dec();
    if (std::abs(difference) > static_cast<double>(columns.cut(e.event)) * (1.0 + 1e-6)) continue;
    const double angle = std::remainder(e.ra - position.ra, 2 * pi);
    const double d2 = 4.0 * (haversine(difference) + columns.cos_dec(e.event) * std::cos(source_->dec()) * haversine(angle));
    if (d2 > static_cast<double>(columns.spatial(e.event).cut)) continue;
    const PointView view = e.records->view();
    const bool follows = n_loose_ > 0 && parts_.back().season == k && parts_.back().events.record == view.record &&
                         parts_.back().number + parts_.back().n == loose_number_.data() + n_loose_;
    const std::size_t at = follows ? n_loose_ : n_loose_ + points_beyond;
    n_loose_ = at + 1;
    std::fill_n(loose_number_.begin() + static_cast<std::ptrdiff_t>(at), points_beyond + 1, static_cast<std::uint32_t>(e.event));
    loose_angle_[at] = static_cast<float>(angle);
    if (follows)
      ++parts_.back().n;
    else
      parts_.push_back({k, view, 1, loose_number_.data() + at, loose_angle_.data() + at});
  }
}

DirectionFit PointFitter::fit(std::size_t position, const double* n_events) {
  parts_.clear();
  n_loose_ = 0;
  const std::size_t room = (loose_.size() + 1) * (points_beyond + 1);  // every event may be a part of its own
  loose_number_.resize(std::max(loose_number_.size(), room));
  loose_angle_.resize(std::max(loose_angle_.size(), room));
  for (std::size_t k = 0; k < n_events_.size(); ++k) {
    add_own(k, position);
    add_loose(k, source_->position(position));
  }
  index_.start_trial();
  index_.end_trial(n_events == nullptr ? n_events_.data() : n_events);
  fitter_.load(source_->sindec(), source_->place(), parts_);
  return fitter_.fit(0);
}

DirectionFit fit_point_parts(const Likelihood& likelihood, const PointSource& source, const std::vector<EventPart>& parts,
                             const double* n_events) {
  PointFitter fitter(likelihood, source.gamma());
  fitter.begin(source);
  std::vector<std::unique_ptr<PointRecords>> others;
  for (const EventPart& part : parts) {
    const auto season = static_cast<std::size_t>(part.season);
    if (part.rows == nullptr && part.columns == source.season(season).records->shared_columns()) {
      fitter.take(season, part.ra);
      continue;
    }
    const PointRecords& records = *others.emplace_back(std::make_unique<PointRecords>(part.columns, source.gamma()));
    for (std::size_t i = 0; i < part.n; ++i)
      fitter.add(season, records, part.columns->event(part.rows == nullptr ? i : static_cast<std::size_t>(part.rows[i])), part.ra[i]);
  }
  return fitter.fit(0, n_events);
}

}  // namespace nusky
