#include "nusky/bounds/sky_bound.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "nusky/threads.hpp"

namespace nusky {
namespace {

// Of sums of few terms in float.
constexpr double rounding = 1e-5;
// Below this u, an event is spread over whole rows; one tangent is for a large ts only, which is less exact anyway.
constexpr double small_u = 4e-3, small_u_of_one = 1e-2;
// What belongs to events that come one by one, such as injected ones, is found in every trial: for more of them that takes too long.
constexpr std::size_t most_loose = 10000;
// What belongs to a season serves trials of which the u differ by less than this.
constexpr double most_shift = 1.05;
// Right and left of the nodes of a row, for windows that reach beyond; they go round.
constexpr std::size_t margin = n_lanes;
constexpr std::size_t window = n_lanes / 2;

void add_up(std::uint16_t& to, std::uint16_t more) { to = static_cast<std::uint16_t>(std::min(65535, to + more)); }

SkyEvent sky_event(double dec, const SpatialTerm& s, float peak) {
  return {dec, static_cast<double>(s.rate) * (1.0 - 1e-6), static_cast<double>(s.weight) * static_cast<double>(peak) * (1.0 + 1e-5)};
}

}  // namespace

// What trials of the same events share.
struct SkyBound::Season {
  std::weak_ptr<const EventColumns> columns;  // which may be gone before the next trial
  SkyEvents events;
};

// Work space of a thread: what events add to a level of a band, and the sums, level by level.
struct SkyBound::Sums {
  AlignedVector<std::uint16_t> added;
  std::vector<AlignedVector<float>> level;
  std::vector<std::vector<double>> rest, rest_square;  // of each row
};

SkyBound::SkyBound(SkyGrid grid, double low_n, double n, std::vector<std::uint32_t> cells)
    : grid_(std::move(grid)), n_(n), smallest_u_(low_n > 0.0 ? small_u : small_u_of_one), table_(low_n, n), cells_(std::move(cells)) {
  for (std::size_t l = 0; l < grid_.n_levels(); ++l) {
    rows_.emplace_back();
    needed_.emplace_back(grid_.n_bands());
    for (std::size_t b = 0; b < grid_.n_bands(); ++b) rows_.back().emplace_back(grid_, b, l);
  }
  const std::size_t n_rows = grid_.rows(0);
  std::size_t row = 0;
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    while (cells_[i] >= grid_.first_cell(row + 1)) ++row;
    const std::size_t b = row / n_rows, bin = cells_[i] - grid_.first_cell(row);
    if (bands_.empty() || bands_.back().number != b) bands_.push_back({b, {}, {}});
    std::vector<Run>& runs = bands_.back().runs;
    if (runs.empty() || runs.back().row != row % n_rows || runs.back().last != bin) runs.push_back({row % n_rows, bin, bin, i});
    runs.back().last = bin + 1;
  }
  for (Band& band : bands_)
    for (std::size_t l = 0; l < grid_.n_levels(); ++l) {
      const std::size_t bins = grid_.bins(band.number, l);
      std::vector<std::uint32_t> here(bins), near(bins + 1);
      for (const Run& run : band.runs)  // a cell needs the nodes of two rows
        for (std::size_t i = run.first >> l; i <= (run.last - 1) >> l; ++i) here[i] |= 3U << (run.row >> l);
      for (std::size_t i = 0; i < bins; ++i)  // from window − 1 nodes before the bin of the event to `window` after it
        for (std::size_t k = 0; here[i] != 0 && k <= 2 * window; ++k) near[(i + k + window * (bins - 1)) % bins] |= here[i];
      near[bins] = near[0];
      for (const std::uint32_t rows : near) needed_[l][band.number] |= rows;
      band.needed.push_back(std::move(near));
    }
}

// A few injected events only shift n a little.
std::shared_ptr<const SkyBound::Seasons> SkyBound::seasons(const EventIndex& index, const std::vector<std::vector<double>>& units) const {
  const std::vector<WholeSeason>& whole = index.whole_seasons();
  const auto fits = [&] {
    if (made_ == nullptr || made_->size() != whole.size()) return false;
    for (std::size_t s = 0; s < whole.size(); ++s) {
      if ((*made_)[s].columns.lock() != whole[s].columns) return false;
      for (std::size_t b = 0; b < grid_.n_bands(); ++b) {
        const double ratio = (*made_)[s].events.scale(b) / (units[static_cast<std::size_t>(whole[s].season)][b] * n_);
        if (!(ratio > 1.0 / most_shift && ratio < most_shift)) return false;
      }
    }
    return true;
  };
  const std::lock_guard<std::mutex> lock(making_);
  if (fits()) return made_;
  auto made = std::make_shared<Seasons>();
  for (const WholeSeason& w : whole) {
    const EventColumns& columns = *w.columns;
    std::vector<SkyEvent> events;
    for (std::size_t i = 0; i < columns.size(); ++i) events.push_back(sky_event(columns.dec(i), columns.spatial(i), columns.ratio_peak(i)));
    std::vector<double> scale = units[static_cast<std::size_t>(w.season)];
    for (double& s : scale) s *= n_;
    made->push_back({w.columns, SkyEvents(events, grid_, rows_, needed_, std::move(scale), smallest_u_)});
  }
  made_ = made;
  return made_;
}

void SkyBound::add(const Band& band, std::size_t l, const SkyEvents& events, const float* turn, Sums& sums) const {
  const std::size_t n_rows = grid_.rows(l), bins = grid_.bins(band.number, l), stride = bins + 2 * margin;
  const SkyEvents::Strip& strip = events.strip(l, band.number);
  for (std::size_t r = 0; r <= n_rows; ++r) {
    sums.rest[l][r] += strip.rest[r];
    sums.rest_square[l][r] += strip.rest_square[r];
  }
  kernels().sky_add(strip.view(), turn,
                    {bins, band.needed[l].data(), sums.added.data() + margin, stride, table_.n_sums() * stride, &table_});
}

// Sums up a level: what events add there, the rest, and the next coarser level in between.
void SkyBound::refine(const Band& band, std::size_t l, Sums& sums) const {
  const Kernels& kernel = kernels();
  const std::size_t bins = grid_.bins(band.number, l), stride = bins + 2 * margin, n_sums = table_.n_sums();
  for (std::size_t r = 0; r <= grid_.rows(l); ++r)
    for (std::size_t q = 0; q < n_sums && (needed_[l][band.number] >> r & 1U) != 0; ++q) {
      std::uint16_t* added = sums.added.data() + (r * n_sums + q) * stride + margin;
      for (std::size_t j = 0; j < margin; ++j) {  // the ends go round
        add_up(added[(bins * margin - margin + j) % bins], *(added - margin + j));
        add_up(added[j % bins], added[bins + j]);
      }
      const auto rest = static_cast<float>(table_.of_small(q, sums.rest[l][r], sums.rest_square[l][r]));
      float* to = sums.level[l].data() + (r * n_sums + q) * stride + margin;
      const float *low = nullptr, *high = nullptr;
      if (l + 1 < grid_.n_levels()) {
        const std::size_t above = bins / 2 + 2 * margin;
        low = sums.level[l + 1].data() + (r / 2 * n_sums + q) * above + margin;
        high = low + r % 2 * n_sums * above;
      }
      kernel.sky_level(bins, added, table_.unit[q], rest, low, high, to);
      to[bins] = to[0];
    }
}

// The sum of the lines is largest at its start or where they meet; it ends below 0.
void SkyBound::bound_run(const Band& band, const Run& run, const Sums& sums, double n, float* bound) const {
  const std::size_t bins = grid_.bins(band.number, 0), stride = bins + 2 * margin, n_sums = table_.n_sums();
  const float* low = sums.level[0].data() + run.row * n_sums * stride + margin + run.first;
  const float* high = low + n_sums * stride;
  const auto corner = [&](std::size_t q, std::size_t i) {
    const float *a = low + q * stride + i, *b = high + q * stride + i;
    return std::max(std::max(a[0], a[1]), std::max(b[0], b[1]));
  };
  const auto up = static_cast<float>(1.0 + rounding), end = static_cast<float>(4.0 * n), meet = static_cast<float>(2.0 * table_.joint * n);
  for (std::size_t i = 0; i < run.last - run.first; ++i) {
    float ts = corner(SkyTable::start, i) * up + 1e-3F;
    if (n_sums > 2) ts = std::max(ts, corner(SkyTable::join, i) * up + (1e-3F - meet));
    bound[run.at + i] = corner(SkyTable::end, i) * up < end ? ts : std::numeric_limits<float>::infinity();
  }
}

bool SkyBound::compute(const Likelihood& likelihood, const EventIndex& index, int n_threads, float* bound) const {
  const auto n_seasons = static_cast<std::size_t>(index.n_seasons());
  const std::vector<WholeSeason>& whole = index.whole_seasons();
  const bool free = likelihood.axis().free();
  if (!free && (likelihood.axis().size() > 0 || n_seasons > 1)) return false;
  std::size_t n_loose = 0;
  for (std::size_t k = 0; k < n_seasons; ++k) n_loose += index.loose_events(static_cast<int>(k)).size();
  if (n_loose > most_loose) return false;

  // u of S/B R = 1 at n = 1, by season and band; larger by the factor that Survey explains
  std::vector<std::vector<double>> unit(n_seasons, std::vector<double>(grid_.n_bands()));
  std::vector<float> shares(n_seasons);
  const double n_most = 2.1 * n_;
  for (std::size_t b = 0; b < grid_.n_bands(); ++b) {
    const double low = grid_.row_edge(0, b * grid_.rows(0)), high = grid_.row_edge(0, (b + 1) * grid_.rows(0));
    likelihood.highest_shares(std::sin(low), std::sin(high), shares.data());
    for (std::size_t k = 0; k < n_seasons; ++k) {
      const double phi = std::max(1e-30, static_cast<double>(shares[k])) / index.n_events(static_cast<int>(k)),
                   factor = bound_factor(likelihood.extended() ? 0.0 : n_most * phi);
      if (!(factor > 0.0)) return false;
      unit[k][b] = phi * factor;
    }
  }
  const std::shared_ptr<const Seasons> made = seasons(index, unit);

  struct Loose {
    SkyEvents events;
    std::vector<float> turn;
  };
  std::vector<Loose> loose;
  for (std::size_t k = 0; k < n_seasons; ++k) {
    std::vector<SkyEvent> events;
    std::vector<float> turn;
    for (const std::uint32_t i : index.loose_events(static_cast<int>(k))) {
      const IndexedEvent e = index.event(i);
      events.push_back(sky_event(std::asin(std::clamp(e.z, -1.0, 1.0)), e.spatial, e.peak));
      const double turns = std::atan2(e.y, e.x) / (2 * pi);
      turn.push_back(static_cast<float>(turns - std::floor(turns)));
    }
    if (events.empty()) continue;
    std::vector<double> scale = unit[k];
    for (double& s : scale) s *= n_ * most_shift;
    loose.push_back({SkyEvents(events, grid_, rows_, needed_, std::move(scale), smallest_u_), std::move(turn)});
  }

  const int threads = resolve_threads(n_threads);
  const bool serial = threads == 1 || bands_.size() == 1;  // then the number is that of a team around this one
  std::vector<Sums> sums(static_cast<std::size_t>(threads));
  parallel_for(bands_.size(), threads, 1, [&](std::size_t i) {
    const Band& band = bands_[i];
    Sums& s = sums[serial ? 0 : static_cast<std::size_t>(thread_number())];
    const std::size_t n_levels = grid_.n_levels();
    s.level.resize(n_levels);
    s.rest.assign(n_levels, std::vector<double>(SkyRows::most, 0.0));
    s.rest_square = s.rest;
    double n = n_ * most_shift;
    for (std::size_t k = 0; k < whole.size(); ++k)
      n = std::min(n, (*made)[k].events.scale(band.number) / unit[static_cast<std::size_t>(whole[k].season)][band.number]);
    for (std::size_t l = n_levels; l-- > 0;) {
      s.added.assign(table_.n_sums() * (grid_.rows(l) + 1) * (grid_.bins(band.number, l) + 2 * margin), 0);
      s.level[l].resize(s.added.size());
      for (std::size_t k = 0; k < whole.size(); ++k) add(band, l, (*made)[k].events, whole[k].turn.data(), s);
      for (const Loose& some : loose) add(band, l, some.events, some.turn.data(), s);
      refine(band, l, s);
    }
    for (const Run& run : band.runs) bound_run(band, run, s, n, bound);
  });
  return true;
}

}  // namespace nusky
