#include "nusky/bounds/knot_rows.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "nusky/events/cut_class.hpp"
#include "nusky/gamma/gamma_axis.hpp"
#include "nusky/kernels/views/survey.hpp"
#include "nusky/threads.hpp"

namespace nusky {
namespace {

constexpr std::size_t knots = KnotShape::knots, spacing = (n_coarse_gamma - 1) / (knots - 1);
static_assert(spacing * (knots - 1) == n_coarse_gamma - 1, "knots are coarse γ, both ends among them");
// Of what is computed in float, and of the exponential of what is added up from ln R of up to 60.
constexpr double rounding = 1e-5;
constexpr double rounding_of_exponent = 4e-5;
// The kernel takes no larger sums; an event like that proves nothing.
constexpr float largest_total = 1e25F;
constexpr std::size_t most_loose = 10000;
// More γ nodes than anyone has.
constexpr std::size_t most_nodes = 256;

// Shapes are told apart by ln(part + softness), in steps of this; coarser ones until there are no more than so many. Of what an event has
// at a knot, the first percent matters little.
constexpr double finest_step = 1.0 / 64.0, softness = 0.02;
constexpr std::size_t most_shapes = 16384;
constexpr int bits_of_knot = 8;
// The key, and number 0, of events whose rows are too large to add up.
constexpr std::uint64_t beyond = ~std::uint64_t{0};

// The steps at all knots.
std::uint64_t key_of(const KnotRow& row) {
  if (std::isinf(row.at[0])) return beyond;
  std::uint64_t key = 0;
  for (const float at : row.at) {
    const double part = row.total > 0.0F ? std::min(1.0, static_cast<double>(at) / static_cast<double>(row.total)) : 0.0,
                 steps = std::log((part + softness) / softness) / finest_step;
    key = key << bits_of_knot | static_cast<std::uint64_t>(std::min(steps, 255.0));
  }
  return key;
}

// The same in steps 2^times as large.
std::uint64_t coarser(std::uint64_t key, int times) {
  std::uint64_t of_all = 0;
  for (std::size_t k = 0; k < knots; ++k) of_all = of_all << bits_of_knot | (255U >> times);
  return key == beyond ? beyond : key >> times & of_all;
}

// Gives every key a number, those of equal ones the same.
std::vector<std::uint32_t> numbered(const std::vector<std::uint64_t>& keys, std::size_t& n_shapes) {
  std::vector<std::uint32_t> number(keys.size());
  for (int times = 0;; ++times) {
    std::unordered_map<std::uint64_t, std::uint32_t> of_key{{beyond, 0}};
    std::size_t i = 0;
    for (; i < keys.size() && of_key.size() <= most_shapes; ++i)
      number[i] = of_key.emplace(coarser(keys[i], times), static_cast<std::uint32_t>(of_key.size())).first->second;
    n_shapes = of_key.size();
    if (i == keys.size()) return number;
  }
}

double cut_chord(const EventRecord& e) { return std::sqrt(std::min(4.0, static_cast<double>(e.spatial.cut))); }

// B13: an event whose place is off by so much has no less than it would have anywhere within its cut.
double of_places(const EventRecord& e) {
  return std::exp(static_cast<double>(e.spatial.rate) * (2.0 * cut_chord(e) + knot_places) * knot_places);
}

// Sines of the declinations that an event reaches.
std::array<double, 2> reached(const EventRecord& e) {
  const double half = 0.5 * cut_chord(e);
  const double dec = std::asin(std::clamp(e.sin_dec, -1.0, 1.0)), cut = 2.0 * std::asin(half) + 1e-6;
  return {std::sin(std::max(-pi / 2, dec - cut)), std::sin(std::min(pi / 2, dec + cut))};
}

}  // namespace

// With ℓ(γ) the line between ln R at two knots and t from 0 to 1 between them, R = e^(ln R − ℓ) e^ℓ. The quotient of e^ℓ and what is
// interpolated linearly, e^(rise t)/(1 − t + t e^rise), has one minimum, so that over any interval it is largest at an end. The knots are
// raised by the largest product of both in an interval, and by the largest share (B12).
KnotRow knot_row(const EventRecord& event, const GammaAxis& axis, const float* shares) {
  const std::vector<double>& nodes = axis.nodes();
  std::array<float, most_nodes> above_line{};
  float raise[knots - 1];
  for (std::size_t c = 0; c + 1 < knots; ++c) {
    const std::size_t first = c * spacing;
    const double low = std::log(static_cast<double>(event.ratio[first])),
                 rise = std::log(static_cast<double>(event.ratio[first + spacing])) - low;
    const double from = axis.coarse_gamma(static_cast<int>(first)), width = axis.coarse_gamma(static_cast<int>(first + spacing)) - from;
    for (std::size_t g = 0; g < nodes.size(); ++g)
      above_line[g] = static_cast<float>(static_cast<double>(event.log_ratio[g]) - low - rise * (nodes[g] - from) / width);
    const auto quotient = [&](std::size_t j) {
      const double t = static_cast<double>(j) / static_cast<double>(spacing);
      return std::exp(rise * t) / (1.0 - t + t * std::exp(rise));
    };
    double over = 1.0, share = 0.0;
    for (std::size_t j = 0; j < spacing; ++j) {
      const auto above = static_cast<double>(axis.highest_in(static_cast<int>(first + j), above_line.data()));
      over = std::max(over, std::exp(above) * std::max(quotient(j), quotient(j + 1)));
      share = std::max(share, static_cast<double>(shares[first + j]));
    }
    raise[c] = static_cast<float>(over * share * (1.0 + rounding_of_exponent));
  }
  KnotRow row{};
  const double places = of_places(event);
  for (std::size_t k = 0; k < knots; ++k) {
    const float raised = std::max(k > 0 ? raise[k - 1] : 0.0F, k + 1 < knots ? raise[k] : 0.0F);
    row.at[k] = event.spatial.weight * event.ratio[k * spacing] * raised * static_cast<float>(places * (1.0 + rounding));
    row.total += row.at[k];
  }
  if (row.total <= largest_total) return row;
  row.total = 1.0F;
  std::fill(row.at, row.at + knots, std::numeric_limits<float>::infinity());
  return row;
}

void raise(KnotShape& shape, const KnotRow& row) {
  for (std::size_t k = 0; k < knots; ++k)
    if (row.at[k] > 0.0F) shape.at[k] = std::max(shape.at[k], row.at[k] / row.total * (1.0F + 1e-6F));
}

float power_of(double total) {
  const double power = 8388608.0 * std::log2(total * (1.0 + 1e-9));
  const auto rounded = static_cast<float>(power);
  return static_cast<double>(rounded) < power ? std::nextafter(rounded, std::numeric_limits<float>::infinity()) : rounded;
}

KnotEvent knot_event(const EventRecord& event, const KnotRow& row) {
  KnotEvent e{};
  e.x = static_cast<float>(event.cos_dec);
  e.z = static_cast<float>(event.sin_dec);
  e.cut_chord = static_cast<float>(cut_chord(event) * (1.0 + 1e-6) + 2.0 * knot_places);
  e.rate = event.spatial.rate * power_per_rate;
  e.weight =
      static_cast<float>(static_cast<double>(event.spatial.weight) * static_cast<double>(event.peak) * of_places(event) * (1.0 + 1e-6));
  e.power = power_of(static_cast<double>(row.total));
  return e;
}

std::shared_ptr<const KnotRows::Seasons> KnotRows::of(const Likelihood& likelihood, const EventIndex& index, int n_threads) const {
  std::size_t n_loose = 0;
  for (int k = 0; k < index.n_seasons(); ++k) n_loose += index.loose_events(k).size();
  if (n_loose > most_loose || likelihood.axis().size() > static_cast<int>(most_nodes)) return nullptr;
  const std::vector<WholeSeason>& whole = index.whole_seasons();
  const std::lock_guard<std::mutex> lock(making_);
  bool fits = made_ != nullptr && made_->all.size() == whole.size() && made_for_->has_shares_of(likelihood);
  for (std::size_t s = 0; fits && s < whole.size(); ++s) fits = made_->all[s].columns.lock() == whole[s].columns;
  if (fits) return made_;
  auto made = std::make_shared<Seasons>();
  AlignedVector<KnotRow> rows;
  std::vector<std::uint64_t> keys;
  for (const WholeSeason& w : whole) {
    Season& season = made->all.emplace_back(Season{w.columns, w.season, {}});
    season.events.resize(w.columns->size());
    const std::size_t first = rows.size();
    rows.resize(first + w.columns->size());
    keys.resize(rows.size());
    parallel_for(w.columns->size(), n_threads, 4096, [&](std::size_t i) {
      const EventRecord& e = w.columns->record(i);
      const std::array<double, 2> range = reached(e);
      float shares[n_coarse_gamma];
      likelihood.highest_shares_of(w.season, range[0], range[1], shares);
      rows[first + i] = knot_row(e, w.columns->axis(), shares);
      keys[first + i] = key_of(rows[first + i]);
      season.events[i] = knot_event(e, rows[first + i]);
    });
  }
  std::size_t n_shapes = 0, at = 0;
  const std::vector<std::uint32_t> number = numbered(keys, n_shapes);
  made->shapes.resize(n_shapes, KnotShape{});
  for (Season& season : made->all)
    for (KnotEvent& e : season.events) {
      raise(made->shapes[number[at]], rows[at]);
      e.shape = number[at++];
    }
  find_zones(whole, *made);
  made_ = made;
  made_for_ = std::make_unique<Likelihood>(likelihood);
  return made_;
}

// Columns are in the order of cut class and declination, so that the events of a zone follow each other in each season.
void KnotRows::find_zones(const std::vector<WholeSeason>& whole, Seasons& made) {
  std::vector<std::size_t> next(whole.size(), 0);
  for (int c = 0; c < n_cut_classes; ++c) {
    std::size_t of_class = 0;
    for (const WholeSeason& w : whole) of_class += w.columns->class_size(c);
    if (of_class == 0) continue;
    const ZoneGrid& grid = made.grids.emplace_back(cut_class_edge(c), of_class, true);
    for (std::size_t z = 0; z < grid.n_zones(); ++z) {
      Zone zone{made.grids.size() - 1, z, made.runs.size(), 0, made.n_events};
      for (std::size_t s = 0; s < whole.size(); ++s) {
        const EventColumns& columns = *whole[s].columns;
        const std::size_t first = next[s];
        std::size_t& last = next[s];
        while (last < columns.size() && columns.cut_class(last) == c && grid.zone(columns.dec(last)) == z) ++last;
        if (last == first) continue;
        made.runs.push_back({s, first, last});
        made.n_events += static_cast<std::uint32_t>(last - first);
      }
      zone.last_run = made.runs.size();
      made.zones.push_back(zone);
    }
  }
}

AlignedVector<KnotEvent> KnotRows::take_room() const {
  const std::lock_guard<std::mutex> lock(making_);
  if (rooms_.empty()) return {};
  AlignedVector<KnotEvent> room = std::move(rooms_.back());
  rooms_.pop_back();
  return room;
}

void KnotRows::give_back(AlignedVector<KnotEvent>&& room) const {
  const std::lock_guard<std::mutex> lock(making_);
  rooms_.push_back(std::move(room));
}

}  // namespace nusky
