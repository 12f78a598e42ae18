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
// What belongs to a season serves trials of which the u differ by less than this: lines then go as much further (B5).
constexpr double most_shift = 1.05;
// Right and left of the nodes of a row, for windows that go beyond; they go round.
constexpr std::size_t margin = sky_window;
constexpr std::size_t window = sky_window / 2;

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

// Events of a trial that come one by one.
struct SkyBound::LooseEvents {
  SkyEvents events;
  std::vector<float> turn;
};

// Work space of a thread: what events add to a layer of a band, and the sums, layer by layer.
struct SkyBound::BandSums {
  AlignedVector<std::uint16_t> added;
  std::vector<AlignedVector<float>> layer;
  std::vector<std::vector<double>> spread_u, spread_u2;  // of each row
};

SkyBound::SkyBound(SkyGrid grid, double low_n, double n, std::vector<std::uint32_t> cells, const SkyConstants& constants)
    : constants_(constants),
      nodes_(std::move(grid), constants),
      n_(n),
      smallest_u_(low_n > 0.0 ? small_u : small_u_of_one),
      table_(low_n, n, constants),
      cells_(std::move(cells)) {
  const std::size_t n_rows = this->grid().rows(0);
  std::size_t row = 0;
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    while (cells_[i] >= this->grid().first_cell(row + 1)) ++row;
    const std::size_t b = row / n_rows, bin = cells_[i] - this->grid().first_cell(row);
    if (bands_.empty() || bands_.back().number != b) bands_.push_back({b, {}, {}});
    std::vector<CellRun>& runs = bands_.back().runs;
    if (runs.empty() || runs.back().row != row % n_rows || runs.back().last != bin) runs.push_back({row % n_rows, bin, bin, i});
    runs.back().last = bin + 1;
  }
  for (Band& band : bands_) need_nodes(band);
}

// Which rows an event has to be added to, by the bin it is in.
void SkyBound::need_nodes(Band& band) {
  for (std::size_t l = 0; l < grid().n_layers(); ++l) {
    const std::size_t bins = grid().bins(band.number, l);
    std::vector<std::uint32_t> here(bins), near(bins + 1);
    for (const CellRun& run : band.runs)  // a cell needs the nodes of two rows
      for (std::size_t i = run.first >> l; i <= (run.last - 1) >> l; ++i) here[i] |= 3U << (run.row >> l);
    for (std::size_t i = 0; i < bins; ++i)  // from window − 1 nodes before the bin of the event to `window` after it
      for (std::size_t k = 0; here[i] != 0 && k <= 2 * window; ++k) near[(i + k + window * (bins - 1)) % bins] |= here[i];
    near[bins] = near[0];
    for (const std::uint32_t rows : near) nodes_.need(l, band.number, rows);
    band.needed.push_back(std::move(near));
  }
}

// Larger by the factor of B1, which holds up to the largest n of a line. False: there is no such factor.
bool SkyBound::find_units(const Likelihood& likelihood, const EventIndex& index, Units& units) const {
  const auto n_seasons = static_cast<std::size_t>(index.n_seasons());
  units.assign(n_seasons, std::vector<double>(grid().n_bands()));
  std::vector<float> shares(n_seasons);
  constexpr double most_n = 2.0 * most_shift;  // in units of n
  for (std::size_t b = 0; b < grid().n_bands(); ++b) {
    const double low = grid().row_edge(0, b * grid().rows(0)), high = grid().row_edge(0, (b + 1) * grid().rows(0));
    likelihood.highest_shares(std::sin(low), std::sin(high), shares.data());
    for (std::size_t k = 0; k < n_seasons; ++k) {
      const double phi = std::max(1e-30, static_cast<double>(shares[k])) / index.n_events(static_cast<int>(k)),
                   z = likelihood.extended() ? 0.0 : most_n * n_ * phi, factor = bound_factor(constants_.mixture * z);  // B1
      if (!(factor > 0.0)) return false;
      units[k][b] = phi * factor;
    }
  }
  return true;
}

std::vector<double> SkyBound::scale(const std::vector<double>& unit, double n) const {
  std::vector<double> scale = unit;
  for (double& s : scale) s *= n;
  return scale;
}

// A few injected events only shift n a little.
std::shared_ptr<const SkyBound::Seasons> SkyBound::seasons(const EventIndex& index, const Units& units) const {
  const std::vector<WholeSeason>& whole = index.whole_seasons();
  const auto fits = [&] {
    if (made_ == nullptr || made_->size() != whole.size()) return false;
    for (std::size_t s = 0; s < whole.size(); ++s) {
      if ((*made_)[s].columns.lock() != whole[s].columns) return false;
      for (std::size_t b = 0; b < grid().n_bands(); ++b) {
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
    made->push_back({w.columns, SkyEvents(events, nodes_, scale(units[static_cast<std::size_t>(w.season)], n_), smallest_u_)});
  }
  made_ = made;
  return made_;
}

std::vector<SkyBound::LooseEvents> SkyBound::loose_events(const EventIndex& index, const Units& units) const {
  std::vector<LooseEvents> loose;
  for (std::size_t k = 0; k < units.size(); ++k) {
    std::vector<SkyEvent> events;
    std::vector<float> turn;
    for (const std::uint32_t i : index.loose_events(static_cast<int>(k))) {
      const IndexedEvent e = index.event(i);
      events.push_back(sky_event(std::asin(std::clamp(e.z, -1.0, 1.0)), e.spatial, e.peak));
      const double turns = std::atan2(e.y, e.x) / (2 * pi);
      turn.push_back(static_cast<float>(turns - std::floor(turns)));
    }
    if (!events.empty()) loose.push_back({SkyEvents(events, nodes_, scale(units[k], n_ * most_shift), smallest_u_), std::move(turn)});
  }
  return loose;
}

void SkyBound::add(const Band& band, std::size_t l, const SkyEvents& events, const float* turn, BandSums& sums) const {
  const std::size_t n_rows = grid().rows(l), bins = grid().bins(band.number, l), stride = bins + 2 * margin;
  const BandEvents& here = events.of(l, band.number);
  for (std::size_t r = 0; r <= n_rows; ++r) {
    sums.spread_u[l][r] += here.spread_u[r];
    sums.spread_u2[l][r] += here.spread_u2[r];
  }
  kernels().sky_add(here.view(), turn,
                    {bins, band.needed[l].data(), sums.added.data() + margin, stride, table_.n_sums() * stride, &table_});
}

// Sums up a layer: what events add there, what is spread over rows, and the next coarser layer in between.
void SkyBound::sum_layer(const Band& band, std::size_t l, BandSums& sums) const {
  const Kernels& kernel = kernels();
  const std::size_t bins = grid().bins(band.number, l), stride = bins + 2 * margin, n_sums = table_.n_sums();
  for (std::size_t r = 0; r <= grid().rows(l); ++r)
    for (std::size_t q = 0; q < n_sums && (nodes_.needed(l, band.number) >> r & 1U) != 0; ++q) {
      std::uint16_t* added = sums.added.data() + (r * n_sums + q) * stride + margin;
      for (std::size_t j = 0; j < margin; ++j) {  // the ends go round
        add_up(added[(bins * margin - margin + j) % bins], *(added - margin + j));
        add_up(added[j % bins], added[bins + j]);
      }
      const auto spread =
          static_cast<float>(constants_.spread ? table_.of_small(q, sums.spread_u[l][r], sums.spread_u2[l][r]) : 0.0);  // B9
      float* to = sums.layer[l].data() + (r * n_sums + q) * stride + margin;
      const float *low = nullptr, *high = nullptr;
      if (l + 1 < grid().n_layers()) {
        const std::size_t above = bins / 2 + 2 * margin;
        low = sums.layer[l + 1].data() + (r / 2 * n_sums + q) * above + margin;
        high = low + r % 2 * n_sums * above;
      }
      kernel.sky_layer(bins, added, table_.unit[q], spread, low, high, to);  // B4
      to[bins] = to[0];
    }
}

// The sum of the lines is largest at its start or where they meet; it ends below 0 (B5).
void SkyBound::bound_run(const Band& band, const CellRun& run, const BandSums& sums, double n, float* bound) const {
  const std::size_t bins = grid().bins(band.number, 0), stride = bins + 2 * margin, n_sums = table_.n_sums();
  const float* low = sums.layer[0].data() + run.row * n_sums * stride + margin + run.first;
  const float* high = low + n_sums * stride;
  const auto corner = [&](std::size_t q, std::size_t i) {  // B4
    const float *a = low + q * stride + i, *b = high + q * stride + i;
    return std::max(std::max(a[0], a[1]), std::max(b[0], b[1]));
  };
  const auto up = static_cast<float>(1.0 + constants_.rounding), end = static_cast<float>(4.0 * n),
             meet = static_cast<float>(2.0 * table_.joint * n);
  for (std::size_t i = 0; i < run.last - run.first; ++i) {
    float ts = corner(SkyTable::start, i) * up + 1e-3F;                                                     // B7
    if (n_sums > 2) ts = std::max(ts, corner(SkyTable::join, i) * up + (1e-3F - meet));                     // B5
    bound[run.at + i] = corner(SkyTable::end, i) * up < end ? ts : std::numeric_limits<float>::infinity();  // B5
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
  Units units;
  if (!find_units(likelihood, index, units)) return false;
  const std::shared_ptr<const Seasons> made = seasons(index, units);
  const std::vector<LooseEvents> loose = loose_events(index, units);

  const int threads = resolve_threads(n_threads);
  const bool serial = threads == 1 || bands_.size() == 1;  // then the number is that of a team around this one
  std::vector<BandSums> sums(static_cast<std::size_t>(threads));
  parallel_for(bands_.size(), threads, 1, [&](std::size_t i) {
    const Band& band = bands_[i];
    BandSums& s = sums[serial ? 0 : static_cast<std::size_t>(thread_number())];
    const std::size_t n_layers = grid().n_layers();
    s.layer.resize(n_layers);
    s.spread_u.assign(n_layers, std::vector<double>(SkyRows::most, 0.0));
    s.spread_u2 = s.spread_u;
    double n = n_ * most_shift;
    for (std::size_t k = 0; k < whole.size(); ++k)
      n = std::min(n, (*made)[k].events.scale(band.number) / units[static_cast<std::size_t>(whole[k].season)][band.number]);
    for (std::size_t l = n_layers; l-- > 0;) {
      s.added.assign(table_.n_sums() * (grid().rows(l) + 1) * (grid().bins(band.number, l) + 2 * margin), 0);
      s.layer[l].resize(s.added.size());
      for (std::size_t k = 0; k < whole.size(); ++k) add(band, l, (*made)[k].events, whole[k].turn.data(), s);
      for (const LooseEvents& some : loose) add(band, l, some.events, some.turn.data(), s);
      sum_layer(band, l, s);
    }
    for (const CellRun& run : band.runs) bound_run(band, run, s, n, bound);
  });
  return true;
}

}  // namespace nusky
