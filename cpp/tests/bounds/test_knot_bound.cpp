#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "every_level.hpp"
#include "made_up_sky.hpp"
#include "nusky/bounds/knot_bound.hpp"
#include "patch.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

// Of a fit in float; the search allows as much.
constexpr double slack = 1e-3;
constexpr std::size_t knots = KnotShape::knots;

Directions patch_of(std::size_t n, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  std::vector<double> ra, dec;
  while (ra.size() < n) {
    ra.push_back(1.0 + 0.4 * uniform(random));
    dec.push_back(0.2 + 0.4 * uniform(random));
  }
  return Directions(n, ra.data(), dec.data());
}

reference::Model made_up_sky(bool extended, unsigned seed) {
  Options o;
  o.sizes = {30000, 16000};
  o.gamma_nodes = even_nodes(13);
  o.hardness = 0.8;
  o.extended = extended;
  o.seed = seed;
  return sky(o);
}

// An index of two whole seasons, and of some events that come one by one in the first.
struct WithLoose {
  Core core;
  reference::Model some;
  std::unique_ptr<EventIndex> index;

  explicit WithLoose(const reference::Model& m) : core(m) {
    some.gamma_nodes = m.gamma_nodes;
    some.seasons.resize(1);
    inject(some, 0, 12, 1.05, 0.25, 2.0);
    const reference::Season& s = some.seasons[0];
    std::vector<EventPart> parts(3);
    for (std::size_t k = 0; k < 2; ++k) {
      parts[k].columns = core.columns[k];
      parts[k].ra = m.seasons[k].ra.data();
      parts[k].season = static_cast<int>(k);
    }
    parts[2].columns = std::make_shared<EventColumns>(s.ra.size(), s.dec.data(), s.sigma.data(), s.background.data(), s.log_ratio.data(),
                                                      GammaAxis(m.gamma_nodes), m.cut_n_sigma, 0.0, 1);
    parts[2].ra = s.ra.data();
    for (EventPart& part : parts) part.n = part.columns->size();
    std::vector<double> n_events = core.n_events;
    if (!m.extended) n_events[0] += static_cast<double>(s.ra.size());
    index = std::make_unique<EventIndex>(parts, n_events, 1);
  }
};

struct Counts {
  std::size_t wrong = 0, proven = 0, directions = 0;
};

// Holds the bounds of all groups against exact fits.
Counts check(const reference::Model& m, const Directions& directions, double n, const BoundConstants& constants) {
  const WithLoose all(m);
  const Likelihood& likelihood = *all.core.likelihood;
  REQUIRE(all.index->loose_events(0).size() == 12);
  const FitModel model(likelihood, *all.index, free_gamma, directions.groups().size(), 1);
  const ScanResult map = scan(likelihood, *all.index, directions, free_gamma, 1);
  const KnotRows rows;
  const KnotEvents events(model, rows, rows.of(likelihood, *all.index, 1), constants, 1);
  REQUIRE(events.any());
  KnotBound bound(events, constants);
  Counts out;
  for (const DirectionGroup& group : directions.groups()) {
    double ts[group_size];
    bound.group_ts(directions, group, n, ts);
    for (std::uint32_t p = 0; p < group.count; ++p) {
      ++out.directions;
      out.wrong += ts[p] < std::min(map.ts[directions.order()[group.first + p]] - slack, constants.most_of_knots);
      out.proven += ts[p] < 20.0;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("inequalities: for any ũ the tangent holds where Σ w/(1 + ũ) is below 1 for every γ, and not where it is 1.3 (B11)") {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  std::size_t wrong = 0, wrong_above = 0, counted = 0;
  for (int sky = 0; sky < 4000; ++sky) {
    const std::size_t n = 1 + static_cast<std::size_t>(8 * uniform(random));
    std::vector<std::array<double, 3>> w(n);  // at three γ
    std::vector<double> u(n);
    for (std::size_t i = 0; i < n; ++i) {
      for (double& x : w[i]) x = std::exp(6.0 * uniform(random) - 5.0);
      u[i] = std::exp(5.0 * uniform(random) - 3.0);
    }
    double most = 0.0, top = 0.0, ts = 0.0;
    for (std::size_t i = 0; i < n; ++i) top += 2.0 * (std::log1p(u[i]) - u[i] / (1.0 + u[i]));
    for (std::size_t g = 0; g < 3; ++g) {
      double sum = 0.0;
      for (std::size_t i = 0; i < n; ++i) sum += w[i][g] / (1.0 + u[i]);
      most = std::max(most, sum);
      for (double ns = 0.01; ns < 100.0; ns *= 1.1) {
        double value = -ns;
        for (std::size_t i = 0; i < n; ++i) value += std::log1p(ns * w[i][g]);
        ts = std::max(ts, 2.0 * value);
      }
    }
    counted += most < 1.0 && ts > 0.0;
    wrong += most < 1.0 && ts > top;
    wrong_above += most < 1.3 && ts > top;
  }
  CHECK(counted > 50);
  CHECK(wrong == 0);
  CHECK(wrong_above > 0);
}

TEST_CASE("inequalities: events may be taken without ũ, but then with all of w (B11)") {
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  std::size_t wrong = 0, wrong_less = 0, counted = 0;
  for (int sky = 0; sky < 4000; ++sky) {
    const std::size_t n = 2 + static_cast<std::size_t>(8 * uniform(random));
    std::vector<double> w(n), u(n);
    double sum = 0.0, sum_less = 0.0, top = 0.0, ts = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      w[i] = std::exp(4.0 * uniform(random) - 4.0);
      u[i] = w[i] * 5.0 * uniform(random);
      const bool faint = u[i] < 0.3;
      sum += faint ? w[i] : w[i] / (1.0 + u[i]);
      sum_less += w[i] / (1.0 + u[i]);
      top += faint ? 0.0 : 2.0 * (std::log1p(u[i]) - u[i] / (1.0 + u[i]));
    }
    for (double ns = 0.001; ns < 100.0; ns *= 1.1) {
      double value = -ns;
      for (const double x : w) value += std::log1p(ns * x);
      ts = std::max(ts, 2.0 * value);
    }
    counted += sum < 1.0 && ts > 0.0;
    wrong += sum < 1.0 && ts > top;
    wrong_less += sum_less < 1.0 && ts > top;
  }
  CHECK(counted > 50);
  CHECK(wrong == 0);
  CHECK(wrong_less > 0);
}

TEST_CASE("inequalities: R lies below the line between raised knots, and not below that between R at the knots (B12)") {
  Options o;
  o.sizes = {300};
  o.gamma_nodes = even_nodes(25);
  const Core core(sky(o));
  const GammaAxis axis(o.gamma_nodes);
  const std::vector<float> shares(n_coarse_gamma, 1.0F);
  std::size_t wrong = 0, wrong_at_knots = 0;
  double above = 0.0, pairs = 0.0;
  for (std::size_t i = 0; i < core.columns[0]->size(); ++i) {
    const EventRecord& e = core.columns[0]->record(i);
    const KnotRow row = knot_row(e, axis, shares.data());
    for (double part = 0.0; part < 1.0; part += 0.003) {
      const double at = part * (knots - 1);
      const auto k = static_cast<std::size_t>(at);
      const double t = at - static_cast<double>(k);
      const auto line = [&](double low, double high) { return (1.0 - t) * low + t * high; };
      const double weight = static_cast<double>(e.spatial.weight),
                   w = weight * static_cast<double>(axis.stencil(axis.front() + part * (axis.back() - axis.front())).ratio(e.log_ratio));
      const double raised = line(static_cast<double>(row.at[k]), static_cast<double>(row.at[k + 1]));
      wrong += w > raised;
      wrong_at_knots += w > 1.0001 * weight * line(static_cast<double>(e.ratio[3 * k]), static_cast<double>(e.ratio[3 * k + 3]));
      above += raised / w - 1.0;
      pairs += 1.0;
    }
  }
  CHECK(wrong == 0);
  CHECK(wrong_at_knots > 0);
  CHECK(above / pairs < 0.2);
}

TEST_CASE("knots: bounds of directions hold for several seasons and loose events, and prove something") {
  const Directions directions = patch_of(300, 1);
  for (const bool extended : {false, true})
    for (const double n : {0.5, 3.0, 10.0}) {
      const Counts c = check(made_up_sky(extended, 5), directions, n, {});
      CHECK(c.wrong == 0);
      CHECK(c.directions == 300);
      if (n > 1.0) CHECK(c.proven > 100);
    }
}

TEST_CASE("knots: rows stay from trial to trial, and are made anew for other events or shares") {
  const reference::Model m = made_up_sky(false, 5);
  const WithLoose one(m), other(m);
  const KnotRows rows;
  const auto first = rows.of(*one.core.likelihood, *one.index, 1);
  CHECK(rows.of(*one.core.likelihood, *one.index, 1) == first);
  CHECK(rows.of(*one.core.likelihood, *other.index, 1) != first);
  reference::Model shifted = m;
  shifted.log_acceptance[0] += 0.1;
  const auto again = rows.of(*one.core.likelihood, *one.index, 1);
  CHECK(rows.of(*WithLoose(shifted).core.likelihood, *one.index, 1) != again);
}

TEST_CASE("knots: bounds fail where the sums may reach 1.5 (B11), and where small events are not counted (B9)") {
  const Directions directions = patch_of(300, 1);
  const reference::Model m = made_up_sky(true, 5);
  BoundConstants weak;
  weak.least_fall = -0.5;
  CHECK(check(m, directions, 0.5, weak).wrong > 0);
  BoundConstants faint;  // all events without ũ, where any ts above 0 is one too many
  faint.faint_u = 1e10F;
  CHECK(check(m, directions, 3.0, faint).wrong == 0);
  faint.least_fall = -0.5;
  CHECK(check(m, directions, 3.0, faint).wrong > 0);
  BoundConstants large;
  large.tail_of_knots = 1e3F;
  CHECK(check(m, directions, 3.0, large).wrong == 0);
  large.tail = false;
  CHECK(check(m, directions, 3.0, large).wrong > 0);
}

TEST_CASE("knots: sums of many terms in float are not below the exact ones with the rounding that grows with their number (B7)") {
  const BoundConstants constants;
  const std::size_t n = 400000;
  const KnotEvent event{};
  KnotShape shape{};
  for (float& x : shape.at) x = 1.2345678e-6F;
  std::vector<std::uint32_t> number(n, 0);
  alignas(64) const float v[group_size] = {};
  at_every_level([&](const Kernels& k, Output&) {
    alignas(64) float sums[(1 + knots) * group_size] = {};
    k.knots_add(KnotKind::faint, n, number.data(), &event, &shape, v, v, v, 1e-6F, sums);
    const double exact = static_cast<double>(n) * static_cast<double>(shape.at[0]);
    CHECK(static_cast<double>(sums[group_size]) * (1.0 + constants.rounding * static_cast<double>(n) / constants.rounded_in_turn) >= exact);
    CHECK(static_cast<double>(sums[group_size]) < exact * (1.0 - 1e-5));
  });
}

TEST_CASE("knots: an event has no less at its place in float than it has where it is, and would without what is added for that (B13)") {
  std::mt19937_64 random(6);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  const std::size_t n = 3000;
  const std::vector<double> nodes = even_nodes(9), background(n, 1.0);
  std::vector<double> dec, sigma, ra;
  const std::vector<float> log_ratio(n * nodes.size(), 0.0F);
  for (std::size_t i = 0; i < n; ++i) {
    dec.push_back(2.0 * uniform(random) - 1.0);
    ra.push_back(2 * pi * uniform(random));
    sigma.push_back(2e-6 * std::pow(100.0, uniform(random)));
  }
  const auto columns =
      std::make_shared<EventColumns>(n, dec.data(), sigma.data(), background.data(), log_ratio.data(), GammaAxis(nodes), 5.0, 0.0, 1);
  std::vector<KnotEvent> events(n);
  std::vector<double> added(n);
  for (std::size_t i = 0; i < n; ++i) {
    const EventRecord& record = columns->record(i);
    const std::vector<float> shares(n_coarse_gamma, 1.0F);
    const KnotRow row = knot_row(record, columns->axis(), shares.data());
    events[i] = knot_event(record, row);
    const auto turn = static_cast<float>(ra[columns->row(i)] * (0.5 / pi));
    const double at = static_cast<double>(turn) * (2.0 * pi), cos_dec = static_cast<double>(events[i].x);
    events[i].x = static_cast<float>(cos_dec * std::cos(at));
    events[i].y = static_cast<float>(cos_dec * std::sin(at));
    added[i] = static_cast<double>(row.total) / (6.0 * static_cast<double>(record.spatial.weight));
  }
  std::size_t below = 0, below_without = 0, out_of_reach = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double width = sigma[columns->row(i)];
    const Vec3 where = unit_vector(ra[columns->row(i)], dec[columns->row(i)]),
               axis = Vec3(uniform(random) - 0.5, uniform(random) - 0.5, uniform(random) - 0.5).cross(where).normalized();
    const double angle = 5.0 * width * uniform(random);
    const Vec3 direction = std::cos(angle) * where + std::sin(angle) * axis;
    double d2 = 0.0;
    const float place[] = {events[i].x, events[i].y, events[i].z};
    for (int d = 0; d < 3; ++d) {
      const double off = static_cast<double>(static_cast<float>(direction[d])) - static_cast<double>(place[d]);
      d2 += off * off;
    }
    const double exact = std::exp(-(direction - where).squaredNorm() / (2.0 * width * width)),
                 found = std::exp2(static_cast<double>(events[i].rate) * d2 / 8388608.0);
    below += found * added[i] < exact;
    below_without += found < exact * (1.0 - 1e-3);
    out_of_reach += std::sqrt(d2) > static_cast<double>(events[i].cut_chord);
  }
  CHECK(below == 0);
  CHECK(below_without > 0);
  CHECK(out_of_reach == 0);
}

TEST_CASE("knots: the total of an event times its shape is at none below its row, nor far above, and nothing less is (B12)") {
  Options o;
  o.sizes = {30000, 9000};
  o.gamma_nodes = even_nodes(13);
  o.hardness = 0.8;
  const Core core(sky(o));
  const KnotRows rows;
  const auto seasons = rows.of(*core.likelihood, *core.index, 1);
  REQUIRE(seasons->all.size() == 2);
  CHECK(seasons->shapes.size() > 100);
  CHECK(seasons->shapes.size() < 5000);
  std::size_t below = 0, below_less = 0;
  double above[knots] = {}, of_all[knots] = {};
  for (const KnotRows::Season& s : seasons->all) {
    const auto columns = s.columns.lock();
    REQUIRE(s.events.size() == columns->size());
    for (std::size_t i = 0; i < columns->size(); ++i) {
      float shares[n_coarse_gamma];
      const double dec = columns->dec(i), cut = std::min(pi, static_cast<double>(columns->cut(i)));
      core.likelihood->highest_shares_of(s.number, std::sin(std::max(-pi / 2, dec - cut)), std::sin(std::min(pi / 2, dec + cut)), shares);
      const KnotRow row = knot_row(columns->record(i), columns->axis(), shares);
      const double total = std::exp2(static_cast<double>(s.events[i].power) / 8388608.0);
      for (std::size_t k = 0; k < knots; ++k) {
        const double at = total * static_cast<double>(seasons->shapes[s.events[i].shape].at[k]), exact = static_cast<double>(row.at[k]);
        below += at < exact * (1.0 - 1e-6);
        below_less += 0.99 * at < exact;
        above[k] += at - exact;
        of_all[k] += exact;
      }
    }
  }
  CHECK(below == 0);
  CHECK(below_less > 0);
  for (std::size_t k = 0; k < knots; ++k) CHECK(above[k] < 0.04 * of_all[k]);
}
