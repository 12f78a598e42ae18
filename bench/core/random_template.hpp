#pragma once
// Random calls of templates: tables, places, cells and events of made-up numbers, held against the definition.
#include <algorithm>

#include "nusky/sphere/smeared_table.hpp"
#include "nusky/templates/template_trials.hpp"
#include "random_case.hpp"

namespace nusky::random_calls {

/// A table of smeared maps with numbers of no meaning: parts of each width, and what the maps are of them.
struct DrawnTable {
  std::size_t maps, n_pairs, n_ra, most_parts;
  std::vector<std::vector<std::int16_t>> values;  // by width
  std::vector<std::size_t> parts;                 // of each
  std::vector<float> basis;

  SmearedTable table() const {
    SmearedTable t{{}, basis.data(), maps, most_parts, n_pairs, n_ra};
    for (std::size_t w = 0; w < parts.size(); ++w) t.widths.push_back({values[w].data(), parts[w]});
    return t;
  }
  std::size_t n_points() const { return parts.size() * n_pairs * n_ra; }
  std::size_t reach() const { return (n_pairs + 1) * n_ra; }
};

inline DrawnTable draw_table(Random& random, std::size_t maps) {
  DrawnTable t{maps, 1 + random.below(5), 2 + random.below(40), 0, {}, {}, {}};
  for (std::size_t w = 2 + random.below(3); w > 0; --w) {
    t.parts.push_back(1 + random.below(maps));
    t.most_parts = std::max(t.most_parts, t.parts.back());
    std::vector<std::int16_t>& values = t.values.emplace_back(t.n_pairs * t.n_ra * 2 * t.parts.back());
    // most of the sky is empty; several parts may be negative one by one
    for (std::int16_t& v : values) v = static_cast<std::int16_t>(random.below(3) ? 0 : random.below(32768));
    if (maps > 1)
      for (std::int16_t& v : values)
        if (random.below(4) == 0) v = static_cast<std::int16_t>(-v);
  }
  for (const std::size_t parts : t.parts)
    for (std::size_t i = 0; i < t.n_pairs; ++i)
      for (std::size_t b = 0; b < t.most_parts; ++b)
        for (std::size_t m = 0; m < maps; ++m) t.basis.push_back(b < parts ? static_cast<float>(2e-4 * random.uniform()) : 0.0F);
  return t;
}

/// Where the events of a season read the table.
struct DrawnPlaces {
  std::vector<std::int64_t> order, start, cell;
  std::vector<float> weight, log_ratio;
};

inline DrawnPlaces draw_places_in(Random& random, const DrawnTable& t, const reference::Season& s, std::size_t cells, std::size_t nodes) {
  DrawnPlaces p;
  const std::size_t n = s.ra.size();
  p.weight.resize(4 * n);
  for (std::size_t i = 0; i < n; ++i) {
    p.order.push_back(static_cast<std::int64_t>(i));
    p.start.push_back(static_cast<std::int64_t>((random.below(t.parts.size() - 1) * t.n_pairs + random.below(t.n_pairs)) * t.n_ra));
    p.cell.push_back(static_cast<std::int64_t>(random.below(cells)));
    const double a = random.uniform(), b = random.uniform(), part[] = {(1 - a) * (1 - b), (1 - a) * b, a * (1 - b), a * b};
    for (std::size_t r = 0; r < 4; ++r) p.weight[r * n + i] = static_cast<float>(part[r]);
  }
  std::shuffle(p.order.begin(), p.order.end(), random.bits);
  for (const std::int64_t e : p.order)  // rows are those of the places
    for (std::size_t g = 0; g < nodes; ++g)
      p.log_ratio.push_back(s.log_ratio.empty() ? 0.0F : s.log_ratio[static_cast<std::size_t>(e) * nodes + g]);
  return p;
}

/// What the columns and V of a template are at a γ.
inline double at_gamma(const GammaAxis& axis, const double* row, double gamma) {
  if (axis.size() < 2) return row[0];
  const Stencil st = axis.stencil(gamma);
  double sum = 0.0;
  for (std::size_t k = 0; k < 4 && static_cast<int>(k) + st.first < axis.size(); ++k)
    sum += st.value_d[k] * row[static_cast<std::size_t>(st.first) + k];
  return sum;
}

/// `n` straight lines over the γ nodes, from `low` to `high` there.
inline std::vector<double> draw_lines(Random& random, std::size_t n, std::size_t nodes, double low, double high) {
  std::vector<double> lines;
  for (std::size_t i = 0; i < n; ++i) {
    const double first = low + (high - low) * random.uniform(), last = low + (high - low) * random.uniform();
    for (std::size_t g = 0; g < nodes; ++g)
      lines.push_back(nodes > 1 ? first + (last - first) * static_cast<double>(g) / static_cast<double>(nodes - 1) : first);
  }
  return lines;
}

inline void call_template(Random& random, const Case& given) {
  Case c = given;
  reference::Model& m = c.model;
  m.extended = false;
  if (c.gamma) m.gamma_nodes = {*c.gamma};
  const std::size_t K = m.seasons.size(), nodes = std::max<std::size_t>(1, m.gamma_nodes.size());
  const GammaAxis axis(m.gamma_nodes);
  m.sindec_nodes = {0.0};
  m.log_acceptance = draw_lines(random, K, nodes, 0.0, 2.0);
  for (reference::Season& s : m.seasons) {
    s.n_events = static_cast<double>(s.ra.size());
    if (s.log_ratio.size() != s.ra.size() * nodes) s.log_ratio.assign(s.ra.size(), 0.0F);
    if (nodes == 1 && axis.size() == 1)
      for (float& r : s.log_ratio) r = static_cast<float>(4 * random.uniform() - 2);
  }
  const DrawnTable drawn = draw_table(random, 1 + random.below(random.below(2) ? 3 : 16));
  const std::size_t cells = random.below(2) ? 1 + random.below(6) : 0;
  std::vector<DrawnPlaces> places;
  std::vector<TemplateSeason> seasons;
  for (const reference::Season& s : m.seasons) {
    places.push_back(draw_places_in(random, drawn, s, std::max<std::size_t>(1, cells), nodes));
    const DrawnPlaces& p = places.back();
    TemplateSeason& season = seasons.emplace_back();
    season.own = std::make_shared<TemplateEvents>(s.ra.size(), drawn.n_points(), drawn.n_ra, drawn.reach(), p.order.data(), p.start.data(),
                                                  p.weight.data(), p.cell.data(), p.log_ratio.data(), axis);
    season.column = draw_lines(random, drawn.maps, nodes, 0.5, 1.5);
    season.log_taken = draw_lines(random, cells, nodes, -1.0, 0.0);  // V ≤ 1: n ends where that of the reference does
  }
  const Core core(m, 1);
  const SkyTemplate sky(*core.likelihood, std::make_shared<SmearedRows>(drawn.table()), seasons);
  const std::vector<std::int64_t> numbers = draw_numbers(random);
  std::vector<double> rows(3 * numbers.size(), -1.0);
  const TrialRequest request{random.bits(), numbers.size(), numbers.data(), 0.0, false};
  if (fit_template_trials(sky, {}, request, 3, rows.data(), c.threads, {}) != numbers.size()) fail("trials are missing");

  const std::size_t i = random.below(numbers.size());
  const Case same = scrambled(c, request.key, numbers[i]);
  const std::vector<float> nothing(nodes, 0.0F);
  // W − V at a γ, as an event of weight W − V + 1 in front of the background
  const auto look = [&](double gamma) {
    reference::Sky out;
    out.sindec = 0.0;
    for (std::size_t k = 0; k < K; ++k) {
      const reference::Season& s = same.model.seasons[k];
      const DrawnPlaces& p = places[k];
      const std::size_t n = s.ra.size();
      std::vector<double> ra(n);
      for (std::size_t j = 0; j < n; ++j) ra[j] = s.ra[static_cast<std::size_t>(p.order[j])];
      std::vector<float> value(drawn.maps * n);
      drawn.table().look_up(n, p.start.data(), p.weight.data(), ra.data(), value.data());
      out.events.emplace_back();
      for (std::size_t j = 0; j < n; ++j) {
        double w = 0.0;
        for (std::size_t r = 0; r < drawn.maps; ++r)
          w += at_gamma(axis, seasons[k].column.data() + r * nodes, gamma) * static_cast<double>(value[r * n + j]);
        w = std::max(0.0, w) * std::exp(reference::interpolate(axis, p.log_ratio.data() + j * nodes, gamma));
        const double v =
            cells > 0 ? std::exp(at_gamma(axis, seasons[k].log_taken.data() + static_cast<std::size_t>(p.cell[j]) * nodes, gamma)) : 1.0;
        out.events.back().push_back({w - v + 1.0, nothing.data()});
      }
    }
    return out;
  };
  // where almost all events of a season are signal, 1 − x is what single precision leaves of it, and fits end early
  const std::vector<double> f = reference::shares(same.model, axis, 0.0,
                                                  axis.free()       ? rows[3 * i + 2]
                                                  : axis.size() > 0 ? axis.front()
                                                                    : 0.0);
  for (std::size_t k = 0; k < K; ++k)
    if (rows[3 * i + 1] * f[k] > 0.95 * same.model.seasons[k].n_events) return;
  compare_at(same, look, one(rows[3 * i], rows[3 * i + 1], rows[3 * i + 2]), 0);
}

}  // namespace nusky::random_calls
