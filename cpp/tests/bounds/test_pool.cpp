#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <random>

#include "made_up_sky.hpp"
#include "nusky/bounds/gamma_parts.hpp"
#include "nusky/bounds/pool.hpp"
#include "nusky/hottest/plan.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

// Random directions in a patch, in tiles far smaller than events are wide.
Directions patch(double ra0, double dec0, double size, std::size_t n, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  const auto side = static_cast<std::size_t>(std::sqrt(static_cast<double>(n) / group_size));
  const double width = 2.0 * size / static_cast<double>(side);
  std::vector<double> ra, dec, tile_ra, tile_dec;
  std::vector<std::int64_t> tile;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = uniform(random), y = uniform(random);
    ra.push_back(ra0 + size * x / std::cos(dec0));
    dec.push_back(dec0 + size * y);
    const auto cell = [&](double at) { return std::min(side - 1, static_cast<std::size_t>(0.5 * (at + 1.0) * static_cast<double>(side))); };
    tile.push_back(static_cast<std::int64_t>(cell(y) * side + cell(x)));
  }
  for (std::size_t i = 0; i < side; ++i)
    for (std::size_t j = 0; j < side; ++j) {
      tile_ra.push_back(ra0 + (width * (static_cast<double>(j) + 0.5) - size) / std::cos(dec0));
      tile_dec.push_back(dec0 + width * (static_cast<double>(i) + 0.5) - size);
    }
  std::vector<double> radius(side * side, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    const auto t = static_cast<std::size_t>(tile[i]);
    const double chord = (unit_vector(ra[i], dec[i]) - unit_vector(tile_ra[t], tile_dec[t])).norm();
    radius[t] = std::max(radius[t], 2.0 * std::asin(0.5 * chord) + 1e-9);
  }
  return Directions(n, ra.data(), dec.data(), tile.data(), side * side, tile_ra.data(), tile_dec.data(), radius.data());
}

std::vector<std::uint32_t> queue_of(const std::vector<Cluster>& clusters) {
  std::vector<std::uint32_t> queue;
  for (std::uint32_t c = 0; c < clusters.size(); ++c) queue.push_back(c);
  return queue;
}

// b of an event at a direction without any factor: (largest share)/N S/B · largest R.
double weight_at(const IndexedEvent& e, const Vec3& at, double n_events) {
  const double d2 = (Vec3(e.x, e.y, e.z) - at).squaredNorm();
  if (d2 > static_cast<double>(e.spatial.cut)) return 0.0;
  return static_cast<double>(e.spatial.weight) * static_cast<double>(e.peak) * std::exp(-static_cast<double>(e.spatial.rate) * d2) /
         n_events;
}

}  // namespace

TEST_CASE("pool: every event that reaches a direction of its clusters is there, or small and in the tail (B8, B9)") {
  Options o;
  o.gamma_nodes = even_nodes(13);
  o.sizes = {30000};
  o.sigma_low = 0.2 * degree;
  o.sigma_high = 4.0 * degree;
  const BoundConstants constants;
  for (unsigned seed = 1; seed < 4; ++seed) {
    o.seed = seed;
    const Core core(sky(o));
    const Directions d = patch(1.0 + seed, 0.4 * seed - 0.9, 0.1, 4000, seed);
    const std::vector<double> terms(d.size(), 0.0);
    const SearchPlan plan(d, terms.data(), 1);
    const FitModel model(*core.likelihood, *core.index, free_gamma, d.groups().size(), 1);
    const std::vector<std::uint32_t> queue = queue_of(plan.clusters());
    PoolSpace space;
    const std::optional<Pool> pool =
        pool_of_neighbours(model, d, plan.clusters(), queue.data(), queue.size(), constants, space, CapEvents());
    REQUIRE(pool);
    REQUIRE(pool->clusters.size() >= constants.few_clusters);
    CHECK(pool->holds(plan.clusters()[0]));
    CHECK_FALSE(pool->holds(plan.clusters().back()));
    std::map<std::uint32_t, double> held;
    for (std::size_t i = 0; i < pool->events.size(); ++i)
      if (pool->events.view().weight[i] > 0.0F) held[pool->events.number(i)] = static_cast<double>(pool->events.view().weight[i]);
    std::size_t missing = 0, too_light = 0, found = 0;
    for (const Cluster* c : pool->clusters) {
      const DirectionGroup& group = d.groups()[c->group[0]];
      const Vec3& at = d.vector(d.order()[group.first]);
      double left = 0.0, left2 = 0.0;
      for (std::uint32_t k = 0; k < core.index->size(); ++k) {
        const IndexedEvent e = core.index->event(k);
        const double b = weight_at(e, at, core.index->n_events(0));
        if (b == 0.0) continue;
        const auto h = held.find(k);
        if (h != held.end()) {
          ++found;
          too_light += h->second < static_cast<double>(e.spatial.weight) * static_cast<double>(e.peak) / core.index->n_events(0);
          continue;
        }
        missing += b > static_cast<double>(constants.tail_u);
        left += b;
        left2 += b * b;
      }
      CHECK(left <= pool->tail.u * (1.0 + constants.rounding));
      CHECK(left2 <= pool->tail.u2 * (1.0 + constants.rounding));
      CHECK(left > 0.0);
    }
    CHECK(missing == 0);
    CHECK(too_light == 0);
    CHECK(found > 100);
  }
}

TEST_CASE("pool: its cap holds the caps of its clusters; chords taken for arcs do not (B8)") {
  Options o;
  o.gamma_nodes = even_nodes(5);
  o.sizes = {30000};
  const Core core(sky(o));
  std::size_t outside = 0, outside_of_weak = 0, pools = 0;
  for (unsigned seed = 1; seed < 6; ++seed) {
    const Directions d = patch(1.0 + seed, 0.3 * seed - 0.8, 0.2, 8000, seed);
    const std::vector<double> terms(d.size(), 0.0);
    const SearchPlan plan(d, terms.data(), 1);
    const FitModel model(*core.likelihood, *core.index, free_gamma, d.groups().size(), 1);
    const std::vector<std::uint32_t> queue = queue_of(plan.clusters());
    PoolSpace space;
    const auto stick_out = [&](const BoundConstants& constants, std::size_t at) {
      const auto pool = pool_of_neighbours(model, d, plan.clusters(), queue.data() + at, queue.size() - at, constants, space, CapEvents());
      if (!pool) return std::size_t{0};
      ++pools;
      std::size_t n = 0;
      for (const Cluster* c : pool->clusters) {
        const double chord = (c->cap.centre - pool->cap.centre).norm(), arc = 2.0 * std::asin(0.5 * chord);
        n += arc + c->cap.radius > pool->cap.radius;
      }
      return n;
    };
    BoundConstants weak;
    weak.arc_over_chord = 1.0;
    for (std::size_t at = 0; at < queue.size(); at += 3) {
      outside += stick_out({}, at);
      outside_of_weak += stick_out(weak, at);
    }
  }
  CHECK(pools > 20);
  CHECK(outside == 0);
  CHECK(outside_of_weak > 0);
}

TEST_CASE("pool: there is none where no factor serves, and none of several wide or few clusters") {
  Options o;
  o.gamma_nodes = even_nodes(5);
  o.sizes = {500};
  const Core few(sky(o));
  o.sizes = {30000};
  const Core many(sky(o));
  const Directions narrow = patch(1.0, 0.2, 0.1, 2000, 1), wide = patch(1.0, 0.2, 1.0, 300, 1), one = patch(1.0, 0.2, 0.001, 60, 1);
  PoolSpace space;
  const auto pools = [&](const Core& core, const Directions& d, double most) {
    const std::vector<double> terms(d.size(), 0.0);
    const SearchPlan plan(d, terms.data(), 1);
    const FitModel model(*core.likelihood, *core.index, free_gamma, d.groups().size(), 1);
    const std::vector<std::uint32_t> queue = queue_of(plan.clusters());
    const Cluster& c = plan.clusters()[0];
    return std::make_pair(pool_of_neighbours(model, d, plan.clusters(), queue.data(), queue.size(), {}, space, CapEvents()).has_value(),
                          pool_of(model, d, c, c.cap, most, {}, space, CapEvents()).has_value());
  };
  CHECK(pools(many, narrow, 20.0) == std::make_pair(true, true));
  CHECK(pools(few, narrow, 1.0) == std::make_pair(false, true));  // z = (60 + 25)/500
  CHECK(pools(few, narrow, 20.0) == std::make_pair(false, false));
  CHECK(pools(many, wide, 20.0) == std::make_pair(false, true));
  CHECK(pools(many, one, 20.0) == std::make_pair(false, true));
}

TEST_CASE("pool: in a part of the range of γ no R is above what is left of the largest; without the lift between coarse γ it is (B10)") {
  Options o;
  o.gamma_nodes = even_nodes(49);
  o.sizes = {3000};
  o.hardness = 3.0;
  reference::Model m = sky(o);
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal(0.0F, 0.2F);
  for (float& r : m.seasons[0].log_ratio) r += normal(random);  // so that R is largest between coarse γ in many parts
  const Core core(m);
  const GammaAxis axis(m.gamma_nodes);
  const FitModel model(*core.likelihood, *core.index, free_gamma, 1, 1);
  CapEvents events;
  const SurveyColumns to = events.room(512);
  for (std::uint32_t i = 0; i < 512; ++i) to.number[i] = 5 * i;
  events.set_size(512);
  GammaParts parts(model, events, {});
  REQUIRE(parts.free());
  std::size_t above = 0, above_without_lift = 0;
  double left = 0.0;
  for (std::size_t part = 0; part < GammaParts::n_parts; ++part)
    for (std::size_t i = 0; i < events.size(); ++i) {
      const EventRecord& e = model.index().record(events.number(i));
      const double share = static_cast<double>(parts.part(part)[i]);
      left += share;
      double most = 0.0;
      for (int step = 0; step <= 60; ++step) {
        const double at = (static_cast<double>(part) + step / 60.0) / GammaParts::n_parts;
        most = std::max(most, std::exp(reference::interpolate(axis, e.log_ratio, axis.front() + at * (axis.back() - axis.front()))));
      }
      above += most > share * static_cast<double>(e.peak) * (1.0 + 1e-6);
      const double plain = share / static_cast<double>(e.lift);
      above_without_lift += share < 1.0 && most > plain * static_cast<double>(e.peak) * (1.0 + 1e-6);
    }
  CHECK(above == 0);
  CHECK(above_without_lift > 0);
  CHECK(left < 0.9 * static_cast<double>(GammaParts::n_parts * events.size()));  // parts are worth it
}
