#include "nusky/sky_bound.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "nusky/threads.hpp"

namespace nusky {
namespace {

// Tangents are taken where G falls at least this fast, and nothing is said about a larger ts: both keep the largest n in question, and
// with it the factor that Survey explains, small.
constexpr double least_fall = 0.1, most_ts = 200.0;
// What stays below this u is in no template; the sum over all such events is added everywhere in their row.
constexpr double smallest_u = 2e-3;
// Templates are made for u and 1/width² in steps of a factor of 2^(1/6). Steps of 2^(1/3) let half as many cells again through.
constexpr double steps = 6.0, narrowest = 1e-9;
// An event goes to the finest cells of which so many, to either side, hold all places where its u is not small.
constexpr double most_bins = 14.0;
constexpr std::size_t quarters = 4, most_vectors = 4;
// Right ascensions are floats here, in units of a bin this accurate.
constexpr double position_error = 1e-3;
constexpr double rounding = 1e-3;
// Events that come one by one, such as injected ones, have no templates.
constexpr std::size_t most_loose = 256;
constexpr std::size_t margin = most_vectors * n_lanes / 2;
constexpr double band_height = pi / static_cast<double>(SkyGrid::n_bands);

struct Terms {
  double p, top;
};
Terms terms_of(double u) { return {u / (1.0 + u), 2.0 * (std::log1p(u) - u / (1.0 + u))}; }

// Of a float that is not below x ≥ 0.
std::uint16_t upper_half(double x) {
  const auto above = static_cast<float>(x * (1.0 + 1e-6));
  std::uint32_t bits = 0;
  std::memcpy(&bits, &above, sizeof bits);
  return static_cast<std::uint16_t>((bits + 0xffffU) >> 16);
}

double square(double x) { return x * x; }

// What matters of an event, rounded so that u is never too small.
struct Shape {
  double dec, rate, weight, cut;
  Shape(const SpatialTerm& s, double dec_, double peak)
      : dec(dec_),
        rate(static_cast<double>(s.rate) * (1.0 - 1e-6)),
        weight(static_cast<double>(s.weight) * peak * (1.0 + 1e-5)),
        cut(static_cast<double>(s.cut) * (1.0 + 1e-6)) {}
};

// u ≤ top e^(−fall sin²) anywhere in a row, with the sine of half the difference in right ascension, and 0 beyond some sin².
// From d² = 4 sin²(Δδ/2) + 4 cos δ cos δ′ sin²(Δα/2), the first term and cos δ′ each as small as they get.
struct InRow {
  double top = 0.0, fall = 0.0, end = 0.0;
  InRow(const Shape& e, double scale, double low, double high) {
    const double gap = std::max(0.0, std::max(low - e.dec, e.dec - high) - 1e-9), chord2 = 4.0 * square(std::sin(0.5 * gap));
    if (chord2 > e.cut) return;
    const double cosine = std::max(0.0, std::min(std::cos(low), std::cos(high))) * std::cos(e.dec);
    top = e.weight * scale * std::exp(-e.rate * chord2);
    fall = 4.0 * e.rate * cosine;
    end = cosine > 1e-12 ? (e.cut - chord2) / (4.0 * cosine) : 2.0;
  }
  double at(double sine2) const { return sine2 > end ? 0.0 : top * std::exp(-fall * sine2); }
};

}  // namespace

SkyGrid::SkyGrid() {
  for (std::size_t b = 0; b < n_bands; ++b) {
    const double low = -0.5 * pi + band_height * static_cast<double>(b), high = low + band_height;
    const double widest = low * high <= 0.0 ? 1.0 : std::max(std::cos(low), std::cos(high));
    coarsest_bins_[b] = static_cast<std::uint32_t>(std::max(1.0, std::floor(2 * pi * widest / band_height)));
    first_[b + 1] = first_[b] + static_cast<std::uint32_t>(finest_rows) * bins(b, 0);
  }
}

std::uint32_t SkyGrid::cell(const Vec3& v) const {
  const double dec = std::asin(std::clamp(v.z(), -1.0, 1.0));
  double turn = std::atan2(v.y(), v.x()) / (2 * pi);
  turn -= std::floor(turn);
  constexpr double n = n_bands * finest_rows;
  const auto row = static_cast<std::size_t>(std::clamp((dec / pi + 0.5) * n, 0.0, n - 1.0));
  const std::size_t band = row / finest_rows;
  const std::uint32_t many = bins(band, 0), bin = std::min(many - 1, static_cast<std::uint32_t>(turn * many));
  return first_[band] + static_cast<std::uint32_t>(row % finest_rows) * many + bin;
}

const SkyGrid& SkyBound::grid() {
  static const SkyGrid made;
  return made;
}

// What trials of the same events share.
struct SkyBound::Templates {
  struct Row {
    struct Run {  // entries whose templates have as many vectors
      std::uint32_t vectors, first, last;
    };
    std::vector<Run> runs;
    std::vector<SkyEntry> entries;
    double rest = 0.0, rest_squares = 0.0;  // Σ u, Σ u² of what is in no template
  };
  struct Season {
    std::shared_ptr<const EventColumns> columns;
    std::array<double, SkyGrid::n_bands> scale;  // u of S/B R = 1
    std::array<std::vector<Row>, SkyGrid::n_levels> rows;
  };

  Templates(const std::vector<WholeSeason>& whole, const Units& units);
  bool fit(const std::vector<WholeSeason>& whole, const Units& units) const;

  std::vector<Season> seasons;
  AlignedVector<std::uint16_t> values;  // upper halves of floats: a cache line for 16 bins

 private:
  void build(Season& season);
  std::uint32_t place_of(std::size_t vectors, double u, double fall);

  std::unordered_map<std::uint64_t, std::uint32_t> places_;
};

// Templates of u e^(−fall x²), x the distance to a bin in bins.
std::uint32_t SkyBound::Templates::place_of(std::size_t vectors, double u, double fall) {
  const auto level_u = static_cast<int>(std::ceil(std::log2(u / smallest_u) * steps));
  const auto level_fall = static_cast<int>(std::floor(std::log2(std::max(fall, narrowest)) * steps));
  const std::uint64_t key = (static_cast<std::uint64_t>(vectors) << 32) | (static_cast<std::uint64_t>(level_fall + 1024) << 16) |
                            static_cast<std::uint64_t>(level_u);
  const auto [found, is_new] = places_.try_emplace(key, static_cast<std::uint32_t>(values.size()));
  if (!is_new) return found->second;
  u = smallest_u * std::exp2(level_u / steps) * (1.0 + 1e-6);
  fall = fall > narrowest ? std::exp2(level_fall / steps) : 0.0;
  const std::size_t many = vectors * n_lanes;
  for (std::size_t q = 0; q < quarters; ++q) {
    values.resize(values.size() + 2 * many);
    std::uint16_t* p = values.data() + values.size() - 2 * many;
    const double from = 0.5 * static_cast<double>(many) + static_cast<double>(q) / quarters - position_error,
                 to = from + 1.0 / quarters + 2.0 * position_error;
    for (std::size_t j = 0; j < many; ++j) {
      const double x = std::max({0.0, static_cast<double>(j) - to, from - static_cast<double>(j) - 1.0});
      const Terms t = terms_of(u * std::exp(-fall * x * x));
      p[j] = upper_half(t.p);
      p[many + j] = upper_half(t.top);
    }
  }
  return found->second;
}

void SkyBound::Templates::build(Season& season) {
  const EventColumns& columns = *season.columns;
  const SkyGrid& sky = grid();
  for (std::size_t l = 0; l < SkyGrid::n_levels; ++l) season.rows[l].assign(SkyGrid::n_bands * SkyGrid::rows_of_band(l), {});
  std::array<std::vector<std::array<std::vector<SkyEntry>, most_vectors>>, SkyGrid::n_levels> entries;
  for (std::size_t l = 0; l < SkyGrid::n_levels; ++l) entries[l].resize(season.rows[l].size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Shape e(columns.spatial(i), columns.dec(i), columns.axis().free() ? static_cast<double>(columns.ratio_peak(i)) : 1.0);
    // where it is largest, and how far from there it has fallen to little: a level where that is not many bins
    const auto band = static_cast<std::size_t>(std::clamp((e.dec / pi + 0.5) * SkyGrid::n_bands, 0.0, SkyGrid::n_bands - 1.0));
    const double peak = std::max(1.1, e.weight * season.scale[band] / smallest_u);
    const double far = std::min(static_cast<double>(columns.cut(i)), std::sqrt(std::log(peak) / e.rate));
    std::size_t level = 0;
    while (level + 1 < SkyGrid::n_levels && far > most_bins * band_height / static_cast<double>(SkyGrid::rows_of_band(level))) ++level;
    const std::size_t n_rows = season.rows[level].size();
    const double height = pi / static_cast<double>(n_rows), reach = static_cast<double>(columns.cut(i)) + 1e-6;
    const auto row_of = [&](double dec) {
      return static_cast<std::size_t>(std::clamp((dec + 0.5 * pi) / height, 0.0, static_cast<double>(n_rows - 1)));
    };
    const std::size_t last = row_of(e.dec + reach);
    for (std::size_t r = row_of(e.dec - reach); r <= last; ++r) {
      const std::size_t b = r / SkyGrid::rows_of_band(level);
      const double low = -0.5 * pi + height * static_cast<double>(r), width = 2 * pi / sky.bins(b, level);
      const InRow u(e, season.scale[b], low, low + height);
      Row& row = season.rows[level][r];
      if (u.top <= smallest_u) {
        row.rest += u.top;
        row.rest_squares += u.top * u.top;
        continue;
      }
      // the least template outside which little is left
      std::size_t vectors = 1;
      double rest = 0.0;
      for (;; ++vectors) {
        const double angle = 0.5 * (8.0 * static_cast<double>(vectors) - 1.0 - position_error) * width;
        rest = angle >= 0.5 * pi ? 0.0 : u.at(square(std::sin(angle)));  // from π/2 on, all bins have a place
        if (rest <= smallest_u || vectors == most_vectors) break;
      }
      row.rest += rest;
      row.rest_squares += rest * rest;
      // sin²(Δα/2) is never below Δα² times its ratio to Δα² at the largest Δα in question
      const double furthest = std::min(pi, (8.0 * static_cast<double>(vectors) + 1.0) * width);
      const double fall = u.fall * square(std::sin(0.5 * furthest) / furthest * width);
      entries[level][r][vectors - 1].push_back({static_cast<std::uint32_t>(i), place_of(vectors, u.top, fall)});
    }
  }
  for (std::size_t l = 0; l < SkyGrid::n_levels; ++l)
    for (std::size_t r = 0; r < season.rows[l].size(); ++r)
      for (std::size_t v = 0; v < most_vectors; ++v) {
        Row& row = season.rows[l][r];
        std::vector<SkyEntry>& some = entries[l][r][v];
        if (some.empty()) continue;
        std::stable_sort(some.begin(), some.end(), [](const SkyEntry& a, const SkyEntry& b) { return a.place < b.place; });
        const auto first = static_cast<std::uint32_t>(row.entries.size());
        row.entries.insert(row.entries.end(), some.begin(), some.end());
        row.runs.push_back({static_cast<std::uint32_t>(v + 1), first, static_cast<std::uint32_t>(row.entries.size())});
      }
}

SkyBound::Templates::Templates(const std::vector<WholeSeason>& whole, const Units& units) {
  for (const WholeSeason& w : whole) {
    Season season{w.columns, units[static_cast<std::size_t>(w.season)], {}};
    for (double& s : season.scale) s *= n_of_tangent;
    build(season);
    seasons.push_back(std::move(season));
  }
}

// A few injected events only shift n a little.
bool SkyBound::Templates::fit(const std::vector<WholeSeason>& whole, const Units& units) const {
  if (seasons.size() != whole.size()) return false;
  for (std::size_t s = 0; s < whole.size(); ++s) {
    if (seasons[s].columns != whole[s].columns) return false;
    for (std::size_t b = 0; b < SkyGrid::n_bands; ++b) {
      const double ratio = seasons[s].scale[b] / (units[static_cast<std::size_t>(whole[s].season)][b] * n_of_tangent);
      if (!(ratio > 0.95 && ratio < 1.05)) return false;
    }
  }
  return true;
}

std::shared_ptr<const SkyBound::Templates> SkyBound::templates(const EventIndex& index, const Units& units) const {
  const std::lock_guard<std::mutex> lock(making_);
  if (made_ == nullptr || !made_->fit(index.whole_seasons(), units))
    made_ = std::make_shared<const Templates>(index.whole_seasons(), units);
  return made_;
}

bool SkyBound::compute(const Likelihood& likelihood, const EventIndex& index, int n_threads, std::vector<float>& bound) const {
  constexpr std::size_t n_bands = SkyGrid::n_bands;
  const SkyGrid& sky = grid();
  const auto n_seasons = static_cast<std::size_t>(index.n_seasons());
  const std::vector<WholeSeason>& whole = index.whole_seasons();
  const bool free = likelihood.axis().free();
  if (whole.empty() || (!free && (likelihood.axis().size() > 0 || n_seasons > 1))) return false;
  for (std::size_t k = 0; k < n_seasons; ++k)
    if (index.loose_events(static_cast<int>(k)).size() > most_loose) return false;

  // u of S/B R = 1 at n = 1, by season and band; larger by the factor that Survey explains
  Units unit(n_seasons);
  std::vector<float> shares(n_seasons);
  const double n_most = SkyBound::n_of_tangent + 0.5 * most_ts / least_fall;
  for (std::size_t b = 0; b < n_bands; ++b) {
    const double low = -0.5 * pi + band_height * static_cast<double>(b);
    likelihood.highest_shares(std::sin(low), std::sin(low + band_height), shares.data());
    for (std::size_t k = 0; k < n_seasons; ++k) {
      const double phi = std::max(1e-30, static_cast<double>(shares[k])) / index.n_events(static_cast<int>(k)),
                   z = likelihood.extended() ? 0.0 : n_most * phi;
      if (z > 0.2) return false;
      unit[k][b] = phi * (1.0 + z * (1.0 + z)) * (1.0 + 1e-4);
    }
  }
  const std::shared_ptr<const Templates> made = templates(index, unit);
  const std::vector<Templates::Season>& seasons = made->seasons;

  const Kernels& kernel = kernels();
  bound.resize(sky.size());
  parallel_for(n_bands, n_threads, 1, [&](std::size_t b) {
    double n = std::numeric_limits<double>::infinity();
    for (std::size_t s = 0; s < whole.size(); ++s)
      n = std::min(n, seasons[s].scale[b] / unit[static_cast<std::size_t>(whole[s].season)][b]);
    const float most_p = static_cast<float>((1.0 - least_fall) * n * (1.0 - rounding));
    AlignedVector<float> p, top;                      // bins of a row, and some more at both ends
    std::vector<float> sum_p, sum_top, up_p, up_top;  // of a level of the band, and of the level above
    for (std::size_t l = SkyGrid::n_levels; l-- > 0;) {
      const std::size_t bins = sky.bins(b, l), n_rows = SkyGrid::rows_of_band(l), room = bins + 1 + 2 * margin;
      sum_p.swap(up_p);
      sum_top.swap(up_top);
      sum_p.assign(n_rows * bins, 0.0F);
      sum_top.assign(n_rows * bins, 0.0F);
      for (std::size_t r = 0; r < n_rows; ++r) {
        p.assign(room, 0.0F);
        top.assign(room, 0.0F);
        double rest = 0.0, rest_squares = 0.0;
        for (std::size_t s = 0; s < whole.size(); ++s) {
          const Templates::Row& row = seasons[s].rows[l][b * n_rows + r];
          rest += row.rest;
          rest_squares += row.rest_squares;
          for (const Templates::Row::Run& run : row.runs)
            kernel.sky_row(run.last - run.first, row.entries.data() + run.first, whole[s].turn.data(), static_cast<float>(bins),
                           made->values.data(), run.vectors, p.data() + margin, top.data() + margin);
        }
        float *to_p = sum_p.data() + r * bins, *to_top = sum_top.data() + r * bins;
        if (l + 1 < SkyGrid::n_levels) {
          const std::size_t above = r / 2 * (bins / 2);
          for (std::size_t i = 0; i < bins; ++i) {
            to_p[i] = up_p[above + i / 2];
            to_top[i] = up_top[above + i / 2];
          }
        }
        for (std::size_t i = 0; i < bins; ++i) {
          to_p[i] += static_cast<float>(rest);
          to_top[i] += static_cast<float>(rest_squares);
        }
        for (std::size_t from = 0, to = (bins * margin - margin) % bins; from < room;) {  // the ends go round
          const std::size_t many = std::min(room - from, bins - to);
          for (std::size_t i = 0; i < many; ++i) {
            to_p[to + i] += p[from + i];
            to_top[to + i] += top[from + i];
          }
          from += many;
          to = 0;
        }
      }
    }
    const std::size_t bins = sky.bins(b, 0);
    for (std::size_t k = 0; k < n_seasons; ++k)
      for (const std::uint32_t i : index.loose_events(static_cast<int>(k))) {
        const IndexedEvent& event = index.event(i);
        const Shape e(event.spatial, std::asin(std::clamp(event.z, -1.0, 1.0)), static_cast<double>(event.peak));
        const double turn = std::atan2(event.y, event.x) / (2 * pi);
        for (std::size_t r = 0; r < SkyGrid::finest_rows; ++r) {
          const double height = band_height / SkyGrid::finest_rows,
                       low = -0.5 * pi + band_height * static_cast<double>(b) + height * static_cast<double>(r);
          const InRow u(e, unit[k][b] * n, low, low + height);
          if (!(u.top > 0.0)) continue;
          for (std::size_t j = 0; j < bins; ++j) {
            const double middle = (static_cast<double>(j) + 0.5) / static_cast<double>(bins) - turn;
            const double off = std::max(0.0, std::abs(middle - std::round(middle)) - 0.5 / static_cast<double>(bins) - 1e-9);
            const Terms t = terms_of(u.at(square(std::sin(pi * off))));
            sum_p[r * bins + j] += static_cast<float>(t.p);
            sum_top[r * bins + j] += static_cast<float>(t.top);
          }
        }
      }
    float* to = bound.data() + sky.first(b);
    for (std::size_t i = 0; i < SkyGrid::finest_rows * bins; ++i) {
      const float ts = sum_top[i] * static_cast<float>(1.0 + rounding) + 1e-3F;
      to[i] = sum_p[i] <= most_p && ts < static_cast<float>(most_ts) ? ts : std::numeric_limits<float>::infinity();
    }
  });
  return true;
}

}  // namespace nusky
