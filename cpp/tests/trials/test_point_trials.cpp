#include "nusky/trials/point_trials.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "made_up_sky.hpp"
#include "nusky/kernels/table.hpp"
#include "nusky/trials/point_fitter.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

constexpr double at_ra = 6.2, at_dec = 0.3;  // near ra = 0: arcs go over the end of the circle

// A model whose right ascensions are those that trial `j` draws.
reference::Model drawn(reference::Model m, std::uint64_t key, std::uint64_t j) {
  for (std::size_t k = 0; k < m.seasons.size(); ++k) {
    const RandomPlace place = random_place(key, j / trials_of_block, Purpose::right_ascension, static_cast<std::uint32_t>(k));
    for (std::size_t i = 0; i < m.seasons[k].ra.size(); ++i)
      m.seasons[k].ra[i] = right_ascension_of(random_block(place, static_cast<std::uint32_t>(i))[j % trials_of_block]);
  }
  return m;
}

std::vector<std::shared_ptr<const PointRecords>> records_of(const reference::Model& m) {
  std::vector<std::shared_ptr<const PointRecords>> out;
  const GammaAxis axis(m.gamma_nodes);
  for (const reference::Season& s : m.seasons)
    out.push_back(std::make_shared<PointRecords>(
        std::make_shared<EventColumns>(s.ra.size(), s.dec.data(), s.sigma.data(), s.background.data(),
                                       axis.size() > 0 ? s.log_ratio.data() : nullptr, axis, m.cut_n_sigma, 0.0, 1),
        free_gamma));
  return out;
}

std::vector<double> fitted(const reference::Model& m, const PointSignal* signal, const std::vector<std::int64_t>& numbers, double n_sig,
                           bool poisson, int n_threads) {
  const Core core(m);
  PointSources sources;
  sources.source.push_back(std::make_shared<PointSource>(records_of(m), std::vector<double>{at_ra}, at_dec));
  sources.signal = signal;
  std::vector<double> rows(3 * numbers.size());
  const TrialRequest request{11, numbers.size(), numbers.data(), n_sig, poisson};
  CHECK(fit_point_trials(*core.likelihood, sources, request, 3, rows.data(), n_threads, {}) == numbers.size());
  return rows;
}

}  // namespace

TEST_CASE("trials: a trial of a source is the slow fit of the events that the generator draws") {
  for (const std::vector<std::size_t>& sizes : {std::vector<std::size_t>{3000}, std::vector<std::size_t>{1500, 800}}) {
    Options options;
    options.sizes = sizes;
    options.gamma_nodes = even_nodes(13);
    options.sigma_high = 40.0 * degree;  // some reach everywhere
    const reference::Model m = sky(options);
    const std::vector<std::int64_t> numbers{0, 1, 2, 3, 4, 9, 1LL << 40};
    const std::vector<double> rows = fitted(m, nullptr, numbers, 0.0, false, 1);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const reference::Fit slow = slow_fit(drawn(m, 11, static_cast<std::uint64_t>(numbers[i])), at_ra, at_dec);
      CHECK(rows[3 * i] == doctest::Approx(slow.ts).epsilon(1e-4).scale(1.0));
      if (slow.ts > 0.1) CHECK(rows[3 * i + 1] == doctest::Approx(slow.ns).epsilon(0.02));
    }
  }
}

TEST_CASE("trials: an event is in its arc where it is within its cut, at any declination") {
  Options options;
  options.sizes = {4000};
  options.sigma_high = 100.0 * degree;
  const reference::Model m = sky(options);
  const auto records = records_of(m);
  for (const double dec : {-pi / 2, -1.5, -0.4, 0.0, 0.9, 1.55, pi / 2}) {
    const PointSource source(records, {at_ra}, dec);
    const PointBackground& season = source.season(0);
    std::vector<std::uint32_t> half(4000, 0);
    for (std::size_t i = 0; i < season.size(); ++i) half[season.item[i]] = season.half[i];
    const Vec3 centre = unit_vector(at_ra, dec);
    std::size_t inside = 0, missed = 0, outside = 0, taken = 0;
    for (std::size_t row = 0; row < 4000; ++row)
      for (std::uint32_t step = 0; step < 64; ++step) {
        const std::uint32_t word = step * 67108864U + static_cast<std::uint32_t>(row);
        const auto d = static_cast<std::int32_t>(word - source.position(0).word);
        const bool in_arc = static_cast<std::uint32_t>(d < 0 ? -d : d) + 1U <= half[row];
        const Vec3 v = unit_vector(right_ascension_of(word), m.seasons[0].dec[row]);
        const double apart = 2.0 * std::asin(std::min(1.0, 0.5 * (v - centre).norm()));
        const double cut = std::min(pi, m.cut_n_sigma * m.seasons[0].sigma[row]);
        if (std::abs(apart - cut) < 1e-6) continue;
        (apart < cut ? inside : outside) += 1;
        if (apart < cut && !in_arc) ++missed;
        if (apart > cut && in_arc) ++taken;
      }
    CHECK(inside > 1000);
    CHECK(outside > 1000);
    CHECK(missed == 0);
    CHECK(taken == 0);
  }
}

TEST_CASE("trials: a position has the same bits alone, beside others at its declination, and in a list") {
  Options options;
  options.sizes = {2000, 900};
  options.gamma_nodes = even_nodes(13);
  options.sigma_high = 40.0 * degree;  // some arcs go beyond the middle between two positions
  const reference::Model m = sky(options);
  const Core core(m);
  const auto records = records_of(m);
  const std::vector<std::int64_t> numbers{0, 1, 5, 6, 7, 8, 1000};
  const TrialRequest request{11, numbers.size(), numbers.data(), 0.0, false};
  const auto fits = [&](const std::vector<std::shared_ptr<const PointSource>>& source, int threads) {
    PointSources sources;
    sources.source = source;
    std::vector<double> rows(3 * numbers.size() * sources.n_positions());
    CHECK(fit_point_trials(*core.likelihood, sources, request, 3, rows.data(), threads, {}) == numbers.size());
    return rows;
  };
  for (const std::size_t n : {1u, 2u, 5u, 12u}) {
    std::vector<std::shared_ptr<const PointSource>> list, alone;
    for (const double dec : {-1.3, 0.3, 0.31}) {
      std::vector<double> ra;
      for (std::size_t i = 0; i < n; ++i) ra.push_back(std::fmod(6.1 + 2 * pi * static_cast<double>(i) / static_cast<double>(n), 2 * pi));
      list.push_back(std::make_shared<PointSource>(records, ra, dec));
      for (const double a : ra) alone.push_back(std::make_shared<PointSource>(records, std::vector<double>{a}, dec));
    }
    const std::vector<double> together = fits(list, 2);
    CHECK(std::memcmp(together.data(), fits(alone, 1).data(), together.size() * sizeof(double)) == 0);
    for (std::size_t p = 0; p < alone.size(); ++p) {
      const std::vector<double> one = fits({alone[p]}, 1);
      for (std::size_t i = 0; i < numbers.size(); ++i)
        CHECK(std::memcmp(one.data() + 3 * i, together.data() + 3 * (i * alone.size() + p), 3 * sizeof(double)) == 0);
    }
  }
}

TEST_CASE("trials: the bits of a trial do not depend on threads, on order or on the other trials") {
  Options options;
  options.sizes = {2000, 900};
  options.gamma_nodes = even_nodes(13);
  const reference::Model m = sky(options);
  std::vector<std::int64_t> numbers;
  for (std::int64_t j = 0; j < 600; ++j) numbers.push_back(j);
  const std::vector<double> all = fitted(m, nullptr, numbers, 0.0, false, 1), again = fitted(m, nullptr, numbers, 0.0, false, 2);
  CHECK(std::memcmp(all.data(), again.data(), all.size() * sizeof(double)) == 0);
  const std::vector<std::int64_t> some{599, 3, 2, 17, 16, 3};
  const std::vector<double> few = fitted(m, nullptr, some, 0.0, false, 1);
  for (std::size_t i = 0; i < some.size(); ++i) CHECK(std::memcmp(few.data() + 3 * i, all.data() + 3 * some[i], 3 * sizeof(double)) == 0);
}

TEST_CASE("trials: signal is drawn with its probabilities, and adds to what is fitted and counted") {
  Options options;
  options.sizes = {2000};
  options.gamma_nodes = even_nodes(13);
  reference::Model m = sky(options), pool = m;
  pool.seasons[0] = {};
  inject(pool, 0, 4, at_ra, at_dec, 2.0);
  const std::vector<double> cumulative{0.1, 0.1, 0.6, 1.0}, share{1.0};
  const PointSignal signal(records_of(pool), {pool.seasons[0].ra.data()}, {cumulative.data()}, share.data());
  std::vector<InjectedEvent> events;
  std::size_t counts[4] = {}, total = 0;
  const Poisson poisson(6.5);
  for (std::uint64_t j = 0; j < 4000; ++j) {
    signal.draw(3, j, 6.5, &poisson, events);
    total += events.size();
    for (const InjectedEvent& e : events) ++counts[e.row];
  }
  const auto n = static_cast<double>(total);
  CHECK(std::abs(n / 4000 - 6.5) < 5 * std::sqrt(6.5 / 4000));
  CHECK(counts[1] == 0);
  const double p[4] = {0.1, 0.0, 0.5, 0.4};
  for (std::size_t row = 0; row < 4; ++row)
    CHECK(std::abs(static_cast<double>(counts[row]) - n * p[row]) <= 5 * std::sqrt(n * p[row] * (1 - p[row])));

  const std::vector<std::int64_t> numbers{5, 6};
  const std::vector<double> rows = fitted(m, &signal, numbers, 9.0, false, 1);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    reference::Model with = drawn(m, 11, static_cast<std::uint64_t>(numbers[i]));
    signal.draw(11, static_cast<std::uint64_t>(numbers[i]), 9.0, nullptr, events);
    CHECK(events.size() == 9);
    reference::Season& s = with.seasons[0];
    const reference::Season& from = pool.seasons[0];
    for (const InjectedEvent& e : events) {
      add_event(s, from.ra[e.row], from.dec[e.row], from.sigma[e.row], from.background[e.row]);
      add_energy(s, m.gamma_nodes, 2.0, 1.0);
    }
    s.n_events += 9.0;
    const reference::Fit slow = slow_fit(with, at_ra, at_dec);
    CHECK(slow.ts > 5.0);
    CHECK(rows[3 * i] == doctest::Approx(slow.ts).epsilon(1e-4));
    CHECK(rows[3 * i + 1] == doctest::Approx(slow.ns).epsilon(0.01));
  }
}

TEST_CASE("trials: a checkpoint that says no ends the loop, and what is done is kept") {
  Options options;
  options.sizes = {500};
  const reference::Model m = sky(options);
  const Core core(m);
  PointSources sources;
  sources.source.push_back(std::make_shared<PointSource>(records_of(m), std::vector<double>{at_ra}, at_dec));
  std::vector<std::int64_t> numbers(100000);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int64_t>(i);
  std::vector<double> rows(2 * numbers.size(), -1.0);
  const TrialRequest request{1, numbers.size(), numbers.data(), 0.0, false};
  const std::size_t done =
      fit_point_trials(*core.likelihood, sources, request, 2, rows.data(), 1, [](std::size_t, std::size_t) { return false; });
  CHECK(done > 0);
  CHECK(done < numbers.size());
  CHECK(rows[2 * done - 2] >= 0.0);
  CHECK(rows[2 * done] == -1.0);
}
