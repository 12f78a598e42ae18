#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "every_level.hpp"
#include "made_up_sky.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

// Candidates of a tile as GroupFitter::load lays them out, and directions.
struct Patch {
  std::size_t n, filled, count;
  AlignedVector<float> x, y, z, rate, gaussian, weight, cut, peak;
  std::vector<double> sigma;
  std::vector<float> vx, vy, vz;
  CandidateView view() const { return {n, x.data(), y.data(), z.data(), rate.data(), gaussian.data(), weight.data(), cut.data()}; }
};

Patch make_patch(std::size_t n, std::size_t count, double sigma_low, double sigma_high, double cut_n_sigma, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Patch t;
  t.n = n;
  t.count = count;
  t.filled = (n + 15) / 16 * 16;
  for (auto* c : {&t.x, &t.y, &t.z, &t.rate, &t.gaussian, &t.weight, &t.peak}) c->assign(t.filled, 0.0F);
  t.cut.assign(t.filled, -1.0F);
  const Vec3 centre = unit_vector(1.0, 0.4);
  for (std::size_t i = 0; i < n; ++i) {
    const double sigma = sigma_low * std::pow(sigma_high / sigma_low, uniform(random)), reach = std::min(pi, 1.2 * cut_n_sigma * sigma);
    const Vec3 axis = Vec3(uniform(random) - 0.5, uniform(random) - 0.5, uniform(random) - 0.5).cross(centre).normalized();
    const double angle = reach * std::sqrt(uniform(random));
    const Vec3 e = std::cos(angle) * centre + std::sin(angle) * axis;
    t.x[i] = static_cast<float>(e.x() - centre.x());
    t.y[i] = static_cast<float>(e.y() - centre.y());
    t.z[i] = static_cast<float>(e.z() - centre.z());
    t.sigma.push_back(sigma);
    const bool flat = sigma <= 7.0 * degree;
    t.rate[i] = static_cast<float>(0.5 / (sigma * sigma));
    t.gaussian[i] = flat ? 1.0F : 0.0F;
    t.weight[i] = static_cast<float>(reference::spatial(0.0, sigma, 5.0) * 4 * pi);
    t.cut[i] = static_cast<float>(chord2(std::min(cut_n_sigma * sigma, pi)));
    t.peak[i] = static_cast<float>(std::exp(4 * uniform(random) - 2));
  }
  for (std::size_t p = 0; p < count; ++p) {
    const Vec3 v = (centre + 0.03 * Vec3(uniform(random) - 0.5, uniform(random) - 0.5, uniform(random) - 0.5)).normalized() - centre;
    t.vx.push_back(static_cast<float>(v.x()));
    t.vy.push_back(static_cast<float>(v.y()));
    t.vz.push_back(static_cast<float>(v.z()));
  }
  return t;
}

std::size_t place(std::size_t c, std::size_t p) { return (c / 16 * 16 + p) * 16 + c % 16; }

}  // namespace

TEST_CASE("kernels: within and fetch keep every event that reaches the cap, and none far beyond") {
  for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 1000u})
    for (const double radius : {2.0 * degree, 80.0 * degree, pi}) {
      std::mt19937_64 random(n);
      std::uniform_real_distribution<double> uniform(0.0, 1.0);
      std::vector<std::int32_t> place[3];
      std::vector<float> reach, rate, weight;
      std::vector<double> cut;
      const Vec3 centre = unit_vector(0.7, -0.3);
      std::vector<Vec3> where;
      for (std::size_t i = 0; i < n; ++i) {
        cut.push_back(i % 50 == 7 ? pi : degree * std::pow(180.0, uniform(random)));
        const Vec3 axis = Vec3(uniform(random) - 0.5, uniform(random) - 0.5, uniform(random) - 0.5).cross(centre).normalized();
        const double angle = i % 50 == 8 ? pi : std::min(pi, (cut.back() + radius) * 2.0 * uniform(random));
        where.push_back(std::cos(angle) * centre + std::sin(angle) * axis);
        for (int d = 0; d < 3; ++d) place[d].push_back(place_of(where.back()[d]));
        reach.push_back(reach_of(2.0 * std::sin(0.5 * cut.back())));
        rate.push_back(static_cast<float>(uniform(random)));
        weight.push_back(static_cast<float>(uniform(random)));
      }
      for (auto& column : place) column.resize(n + 16);
      for (auto* column : {&reach, &rate, &weight}) column->resize(n + 16, 1e30F);  // they are read, and must not count
      const CapPlace cap = cap_place(centre, 2.0 * std::sin(0.5 * radius));
      at_every_level([&](const Kernels& k, Output& out) {
        const IndexView view{{n, place[0].data(), place[1].data(), place[2].data(), reach.data()}, rate.data(), weight.data()};
        std::vector<std::uint32_t> found(n + 16), number(n + 16);
        std::vector<std::int32_t> at[3];
        for (auto& c : at) c.resize(n + 16);
        std::vector<float> reaches(n + 16);
        const std::size_t m = k.within(view.place, cap, 1000, {found.data(), at[0].data(), at[1].data(), at[2].data(), reaches.data()});
        std::vector<float> column[5];
        for (auto& c : column) c.resize(n + 16);
        REQUIRE(k.fetch(view, cap, 2.5F, 1000,
                        {column[0].data(), column[1].data(), column[2].data(), column[3].data(), column[4].data(), number.data()}) == m);
        REQUIRE(m <= n);
        std::vector<char> kept(n, 0);
        std::size_t wrong = 0;
        for (std::size_t j = 0; j < m; ++j) {
          REQUIRE(found[j] >= 1000);
          REQUIRE(found[j] < 1000 + n);
          if (j > 0) CHECK(found[j] > found[j - 1]);
          const std::size_t i = found[j] - 1000;
          kept[i] = 1;
          wrong += number[j] != found[j] || column[4][j] != weight[i] * 2.5F || reaches[j] != reach[i];
          for (int d = 0; d < 3; ++d) wrong += at[d][j] != place[d][i];
          wrong += std::abs(static_cast<double>(column[3][j]) / (static_cast<double>(rate[i]) * -1.44269504 * 8388608.0) - 0.99999) > 1e-6;
          for (int d = 0; d < 3; ++d) {
            const double off = where[i][d] - centre[d];
            wrong += std::abs(static_cast<double>(column[d][j]) - off) > 1e-9 + 2e-7 * std::abs(off);
          }
          for (const auto& c : column) out.push_back(c[j]);
        }
        CHECK(wrong == 0);
        std::size_t missed = 0, idle = 0;
        for (std::size_t i = 0; i < n; ++i) {
          const double chord = (where[i] - centre).norm(), psi = 2.0 * std::asin(std::min(1.0, 0.5 * chord));
          missed += psi <= cut[i] + radius && !kept[i];
          idle += chord > 2.0 * (std::sin(0.5 * cut[i]) + std::sin(0.5 * radius)) * (1.0 + 3e-6) + 3e-8 && kept[i];
        }
        CHECK(missed == 0);
        CHECK(idle == 0);
      });
    }
}

TEST_CASE("kernels: spatial is S/B of the definition, zero beyond the cut and in the padding") {
  struct Range {
    double low, high, cut;
  };
  for (const Range r : {Range{0.2, 3.0, 5.0}, {0.2, 7.0, 5.0}, {7.01, 170.0, 5.0}, {0.2, 170.0, 3.0}, {1.0, 40.0, 1e9}})
    for (const std::size_t count : {1u, 5u, 16u}) {
      const Patch t = make_patch(77, count, r.low * degree, r.high * degree, r.cut, static_cast<unsigned>(count));
      at_every_level([&](const Kernels& k, Output& out) {
        AlignedVector<float> a(t.filled * 16, -7.0F);
        k.spatial(t.view(), count, t.vx.data(), t.vy.data(), t.vz.data(), a.data());
        out.assign(a.begin(), a.end());
        for (std::size_t p = 0; p < 16; ++p)
          for (std::size_t c = 0; c < t.filled; ++c) {
            const auto found = static_cast<double>(a[place(c, p)]);
            if (p >= count) {
              CHECK(found == -7.0);
              continue;
            }
            if (c >= t.n) {
              CHECK(found == 0.0);
              continue;
            }
            // the chord of the single-precision positions, then the definition in double
            const Vec3 d(static_cast<double>(t.x[c]) - static_cast<double>(t.vx[p]),
                         static_cast<double>(t.y[c]) - static_cast<double>(t.vy[p]),
                         static_cast<double>(t.z[c]) - static_cast<double>(t.vz[p]));
            const double d2 = d.squaredNorm(), edge = static_cast<double>(t.cut[c]);
            if (std::abs(d2 - edge) < 1e-6 * edge) continue;
            if (d2 > edge) {
              CHECK(found == 0.0);
              continue;
            }
            const double psi = 2 * std::asin(std::min(1.0, 0.5 * std::sqrt(d2))), exact = reference::spatial(psi, t.sigma[c], 1e9) * 4 * pi;
            CHECK(std::abs(found - exact) <= 3e-7 * static_cast<double>(t.weight[c]));
            if (psi < 5.0 * t.sigma[c]) CHECK(std::abs(found - exact) <= 1e-5 * exact);
          }
      });
    }
}

TEST_CASE("kernels: unpack turns records into columns") {
  std::mt19937_64 random(21);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  AlignedVector<EventRecord> records(300);
  std::vector<const EventRecord*> record;
  std::vector<float> rows(400);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto word = [&] { return static_cast<float>(uniform(random)); };
    records[i] = {uniform(random), uniform(random), {word(), word(), word(), word()}, &rows[i], &rows[i + 50], word(), word()};
    record.push_back(&records[i]);
  }
  for (const std::size_t n : {1u, 15u, 16u, 17u, 100u}) {
    std::vector<std::uint32_t> ids;
    for (std::size_t i = 0; i < n; ++i) ids.push_back(static_cast<std::uint32_t>((i * 37) % records.size()));
    at_every_level([&](const Kernels& k, Output& out) {
      const std::size_t room = n + 16;
      AlignedVector<float> f[6];
      for (auto& c : f) c.resize(room);
      std::vector<const float*> ratio(room), log_ratio(room);
      k.unpack(record.data(), n, ids.data(),
               {f[0].data(), f[1].data(), f[2].data(), f[3].data(), f[4].data(), f[5].data(), ratio.data(), log_ratio.data()});
      for (std::size_t i = 0; i < n; ++i) {
        const EventRecord& e = records[ids[i]];
        const bool same = f[0][i] == e.spatial.rate && f[1][i] == e.spatial.gaussian && f[2][i] == e.spatial.weight &&
                          f[3][i] == e.spatial.cut && f[4][i] == e.peak && f[5][i] == e.lift && ratio[i] == e.ratio &&
                          log_ratio[i] == e.log_ratio;
        CHECK(same);
        for (const auto& c : f) out.push_back(c[i]);
      }
    });
  }
}

TEST_CASE("kernels: select keeps what reaches the cap, with its columns and positions relative to the centre") {
  std::mt19937_64 random(12);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  const Vec3 centre = unit_vector(0.7, -0.3);
  const double radius = 2.0 * degree;
  for (const std::size_t n : {0u, 1u, 16u, 17u, 500u}) {
    std::vector<float> reach, column[6];
    std::vector<std::int32_t> place[3];
    std::vector<Vec3> where;
    std::vector<const float*> rows[2];
    std::vector<double> beyond;  // the sum of the chords
    AlignedVector<float> store(32 * (n + 1));
    for (std::size_t i = 0; i < n; ++i) {
      const double cut = degree * std::pow(100.0, uniform(random)), angle = std::min(pi, 2.0 * (cut + radius) * uniform(random));
      const Vec3 axis = Vec3(uniform(random) - 0.5, uniform(random) - 0.5, uniform(random) - 0.5).cross(centre).normalized();
      const Vec3 v = std::cos(angle) * centre + std::sin(angle) * axis;
      where.push_back(v);
      const double chord = 2.0 * std::sin(0.5 * cut);
      beyond.push_back((v - centre).norm() - chord - 2.0 * std::sin(0.5 * radius));
      reach.push_back(reach_of(chord));
      for (int d = 0; d < 3; ++d) place[d].push_back(place_of(v[d]));
      for (auto& c : column) c.push_back(static_cast<float>(uniform(random)));
      rows[0].push_back(store.data() + 32 * i);
      rows[1].push_back(store.data() + 32 * i + 16);
    }
    for (auto& c : place) c.resize(n + 16);
    for (auto& c : column) c.resize(n + 16);
    for (auto& c : rows) c.resize(n + 16);
    reach.resize(n + 16, 1e30F);  // is read, and must not count
    const PoolView pool{{n, place[0].data(), place[1].data(), place[2].data(), reach.data()},
                        column[0].data(),
                        column[1].data(),
                        column[2].data(),
                        column[3].data(),
                        column[4].data(),
                        column[5].data(),
                        rows[0].data(),
                        rows[1].data()};
    const CapPlace cap = cap_place(centre, 2.0 * std::sin(0.5 * radius));
    at_every_level([&](const Kernels& k, Output& out) {
      AlignedVector<float> to[9];
      for (auto& c : to) c.resize(n + 16);
      std::vector<const float*> to_rows[2] = {std::vector<const float*>(n + 16), std::vector<const float*>(n + 16)};
      const std::size_t selected = k.select(pool, cap,
                                            {to[0].data(), to[1].data(), to[2].data(), to[3].data(), to[4].data(), to[5].data(),
                                             to[6].data(), to[7].data(), to[8].data(), to_rows[0].data(), to_rows[1].data()});
      REQUIRE(selected <= n);
      bool same = true;
      std::vector<char> kept(n, 0);
      for (std::size_t j = 0; j < selected; ++j) {
        const auto i = static_cast<std::size_t>(to_rows[0][j] - store.data()) / 32;
        REQUIRE(i < n);
        if (j > 0) CHECK(to_rows[0][j] > to_rows[0][j - 1]);
        kept[i] = 1;
        for (std::size_t d = 0; d < 3; ++d)
          same &= std::abs(static_cast<double>(to[d][j]) - (place[d][i] * place_size - centre[static_cast<int>(d)])) <
                  1.2e-7 * std::abs(static_cast<double>(to[d][j])) + 1e-16;
        for (std::size_t c = 0; c < 6; ++c) same &= to[3 + c][j] == column[c][i];
        same &= to_rows[0][j] == rows[0][i] && to_rows[1][j] == rows[1][i];
        out.push_back(to[0][j]);
      }
      CHECK(same);
      for (std::size_t i = 0; i < n; ++i) CHECK((kept[i] != 0 ? beyond[i] < 1e-5 : beyond[i] > 0.0));
    });
  }
}

TEST_CASE("kernels: split lists the events above the threshold in order, takes them out, and sums the others") {
  const Patch t = make_patch(333, 16, 1.0 * degree, 20.0 * degree, 5.0, 11);
  const Events e = make_events(200, 1.0, 2);  // its rows serve the candidates
  std::vector<const float*> rows(e.row);
  rows.resize(t.filled, e.row[0]);
  for (const auto& [first, last] : {std::pair{0u, 336u}, {0u, 16u}, {16u, 16u}, {16u, 256u}})
    for (const std::size_t count : {1u, 5u, 16u})
      for (const float threshold : {0.0F, 3.0F, INFINITY})
        at_every_level([&](const Kernels& k, Output& out) {
          AlignedVector<float> a(t.filled * 16);
          k.spatial(t.view(), 16, t.vx.data(), t.vy.data(), t.vz.data(), a.data());
          const AlignedVector<float> before(a);
          std::vector<AlignedVector<float>> value(16, AlignedVector<float>(t.filled + 16)), reach(value);
          std::vector<std::vector<std::uint32_t>> candidate(16, std::vector<std::uint32_t>(t.filled + 16));
          Shortlist list[16];
          for (std::size_t p = 0; p < 16; ++p) {
            list[p] = {1, value[p].data(), reach[p].data(), candidate[p].data(), threshold, 1.0F, 2.0F, 3.0F};
            value[p][0] = 77.0F;  // an entry of an earlier season is kept
          }
          k.split(first, last, count, a.data(), t.peak.data(), list);
          for (std::size_t p = 0; p < 16; ++p) {
            bool same = value[p][0] == 77.0F;
            std::size_t i = 1;
            double reaches = 1.0, tail = 2.0, squares = 3.0;
            for (std::size_t c = 0; c < t.filled; ++c) {
              const float v = before[place(c, p)], r = v * t.peak[c], left = a[place(c, p)];
              if (p >= count || c < first || c >= last) {
                same &= left == v;
              } else if (r > threshold) {
                same &= left == 0.0F && i < list[p].n && value[p][i] == v && reach[p][i] == r && candidate[p][i] == c;
                reaches += static_cast<double>(r);
                ++i;
              } else {
                same &= left == v;
                tail += static_cast<double>(r);
                squares += static_cast<double>(r) * static_cast<double>(r);
              }
            }
            CHECK(same);
            CHECK(list[p].n == i);
            check_sum(static_cast<double>(list[p].reaches), reaches, reaches);
            check_sum(static_cast<double>(list[p].tail), tail, tail);
            check_sum(static_cast<double>(list[p].tail_squares), squares, squares);
            for (const float v : {list[p].reaches, list[p].tail, list[p].tail_squares}) out.push_back(v);
          }
          // the sums over what is left
          const std::uint32_t which[5] = {3, 0, 7, 15, 4};
          for (const std::size_t some : {1u, 2u, 5u}) {
            AlignedVector<float> sums(16 * 5, 0.5F);
            k.tails(first, last, some, which, a.data(), rows.data(), sums.data());
            out.insert(out.end(), sums.begin(), sums.end());
            for (std::size_t j = 0; j < 5; ++j)
              for (std::size_t g = 0; g < 16; ++g) {
                double sum = 0.5;
                for (std::size_t c = first; c < last && j < some; ++c)
                  sum += static_cast<double>(a[place(c, which[j])]) * static_cast<double>(rows[c][g]);
                check_sum(static_cast<double>(sums[j * 16 + g]), sum, sum, 1e-5);
              }
          }
        });
}

TEST_CASE("kernels: circle is sine and cosine of right ascensions, to the last bits of a double") {
  std::vector<double> ra{
      0.0, pi / 4, pi / 2, 3 * pi / 4, pi, 5 * pi / 4, 3 * pi / 2, 7 * pi / 4, 2 * pi, 1e-300, std::nextafter(pi / 2, 0.0)},
      r;
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  while (ra.size() < 1003) ra.push_back(2 * pi * uniform(random));
  for (std::size_t i = 0; i < ra.size(); ++i) r.push_back(i < 20 ? 1.0 : uniform(random));
  at_every_level([&](const Kernels& k, Output& out) {
    std::vector<double> x(ra.size()), y(ra.size());
    k.circle(ra.size(), ra.data(), r.data(), x.data(), y.data());
    for (std::size_t i = 0; i < ra.size(); ++i) {
      CHECK(std::abs(x[i] - r[i] * std::cos(ra[i])) <= 5e-16 * r[i]);
      CHECK(std::abs(y[i] - r[i] * std::sin(ra[i])) <= 5e-16 * r[i]);
      out.push_back(static_cast<float>(x[i]));
      out.push_back(static_cast<float>(y[i]));
    }
  });
}

TEST_CASE("kernels: the survey bounds u, the sum of p and that of u p from above, and not by much") {
  for (const double widest : {7.0, 90.0})
    for (const std::size_t count : {1u, 3u, 4u}) {
      const Patch t = make_patch(301, count, 0.3 * degree, widest * degree, 5.0, 10);
      // what Survey::load hands over: weights with the largest R, the rate in steps of the exponent's bits
      AlignedVector<float> rate(t.filled, 0.0F), weight(t.filled, 0.0F);
      for (std::size_t c = 0; c < t.n; ++c) {
        rate[c] = t.rate[c] * (-1.44269504F * 8388608.0F * (1.0F - 1e-5F));
        weight[c] = t.weight[c] * t.peak[c];
      }
      const SurveyView view{t.filled, t.x.data(), t.y.data(), t.z.data(), rate.data(), weight.data(), nullptr};
      for (const float n : {1e-5F, 1e-2F, 1.0F, 100.0F})
        at_every_level([&](const Kernels& k, Output& out) {
          double sum_p[4] = {}, sum_up[4] = {};
          k.survey(view, count, t.vx.data(), t.vy.data(), t.vz.data(), n, sum_p, sum_up);
          AlignedVector<float> values(t.filled, -1.0F);
          for (std::size_t p = 0; p < count; ++p) {
            k.survey_values(view, t.vx[p], t.vy[p], t.vz[p], values.data());
            out.insert(out.end(), values.begin(), values.end());
            double total = 0.0, exact_p = 0.0, exact_up = 0.0, above_p = 0.0, above_up = 0.0;
            std::size_t below = 0, far = 0;
            for (std::size_t c = 0; c < t.filled; ++c) {
              const Vec3 d(static_cast<double>(t.x[c]) - static_cast<double>(t.vx[p]),
                           static_cast<double>(t.y[c]) - static_cast<double>(t.vy[p]),
                           static_cast<double>(t.z[c]) - static_cast<double>(t.vz[p]));
              const double psi = 2 * std::asin(std::min(1.0, 0.5 * d.norm()));
              const double w = c < t.n ? reference::spatial(psi, t.sigma[c], 5.0) * 4 * pi * static_cast<double>(t.peak[c]) : 0.0;
              const double chord =
                  c < t.n ? static_cast<double>(weight[c]) * std::exp(-static_cast<double>(t.rate[c]) * d.squaredNorm()) : 0.0;
              const auto found = static_cast<double>(values[c]);
              below += found < w * (1.0 - 2e-6);
              far += found > 1.001 * chord + 1e-30;
              const double u = static_cast<double>(n) * w, v = 1.0625 * static_cast<double>(n) * found;  // the sums take it as that at most
              total += v;
              exact_p += u / (1 + u);
              exact_up += u * u / (1 + u);
              above_p += v / (1 + v);
              above_up += v * v / (1 + v);
            }
            CHECK(below == 0);
            CHECK(far == 0);
            // Survey leaves 1e-3 for rounding and for what the reciprocal from below loses
            CHECK(sum_p[p] >= exact_p * (1.0 - 5e-4));
            CHECK(sum_p[p] <= 1.02 * above_p);
            CHECK(sum_up[p] >= exact_up - 1e-5 * total);
            CHECK(sum_up[p] <= above_up + 0.02 * above_p + 1e-5 * total);
            out.push_back(static_cast<float>(sum_p[p]));
            out.push_back(static_cast<float>(sum_up[p]));
          }
        });
    }
}

TEST_CASE("kernels: the candidates a survey drops are small everywhere in the cap, and their sums bound them there") {
  for (const double widest : {2.0, 40.0})
    for (const double radius : {0.5 * degree, 3.0 * degree}) {
      const Patch t = make_patch(301, 1, 0.3 * degree, widest * degree, 5.0, 10);
      AlignedVector<float> rate(t.filled, 0.0F), weight(t.filled, 0.0F);
      for (std::size_t c = 0; c < t.n; ++c) {
        rate[c] = t.rate[c] * (-1.44269504F * 8388608.0F * (1.0F - 1e-5F));
        weight[c] = t.weight[c] * t.peak[c];
      }
      const float n0 = 0.3F, limit = 0.01F, reach = static_cast<float>(2 * std::sin(0.5 * radius));
      at_every_level([&](const Kernels& k, Output& out) {
        const std::size_t room = t.filled + 16;
        AlignedVector<float> x(room), y(room), z(room), r(room), w(room);
        std::vector<std::uint32_t> number(room), numbers(room);
        for (std::size_t c = 0; c < t.filled; ++c) numbers[c] = static_cast<std::uint32_t>(c);
        double sums[4] = {}, cap_p = 0.0, cap_top = 0.0;
        // the cap lies somewhat off the common centre
        const float at[3] = {0.5F * reach, -0.25F * reach, 0.125F * reach};
        const SurveyView all{t.filled, t.x.data(), t.y.data(), t.z.data(), rate.data(), weight.data(), numbers.data()};
        const SurveyColumns to{x.data(), y.data(), z.data(), r.data(), w.data(), number.data()};
        const std::size_t filled = k.survey_keep(all, at, reach, n0, limit, to, sums);
        k.survey_cap(all, at[0], at[1], at[2], reach, n0, &cap_p, &cap_top);
        REQUIRE(filled % 16 == 0);
        REQUIRE(filled <= t.filled);
        std::mt19937_64 random(1);
        std::uniform_real_distribution<double> uniform(-1.0, 1.0);
        for (int trial = 0; trial < 40; ++trial) {
          Vec3 v(uniform(random), uniform(random), uniform(random));
          v *= static_cast<double>(reach) / v.norm();  // as far out as directions of the cluster are
          double gone = 0, gone2 = 0, kept_p = 0, kept_top = 0, all_p = 0, all_top = 0;
          std::size_t i = 0, lost = 0;
          for (std::size_t c = 0; c < t.n; ++c) {
            const Vec3 d = Vec3(static_cast<double>(t.x[c]), static_cast<double>(t.y[c]), static_cast<double>(t.z[c])) - v -
                           Vec3(static_cast<double>(at[0]), static_cast<double>(at[1]), static_cast<double>(at[2]));
            const double u =
                static_cast<double>(n0) * static_cast<double>(weight[c]) * std::exp(-static_cast<double>(t.rate[c]) * d.squaredNorm());
            all_p += u / (1 + u);
            all_top += 2 * (std::log1p(u) - u / (1 + u));
            if (i < filled && x[i] == t.x[c] - at[0] && y[i] == t.y[c] - at[1] && z[i] == t.z[c] - at[2] && r[i] == rate[c] &&
                w[i] == weight[c] && number[i] == numbers[c]) {
              ++i;
              kept_p += u / (1 + u);
              kept_top += 2 * (std::log1p(u) - u / (1 + u));
            } else {
              lost += u > static_cast<double>(limit) * 1.001;
              gone += u;
              gone2 += u * u;
            }
          }
          CHECK(lost == 0);
          CHECK(gone <= sums[0] * (1 + 1e-5));
          CHECK(gone2 <= sums[1] * (1 + 1e-5));
          CHECK(kept_p <= sums[2] * (1 + 5e-4));
          CHECK(kept_top <= sums[3] * (1 + 1e-3) + 2e-7 * static_cast<double>(filled));
          CHECK(all_p <= cap_p * (1 + 5e-4));
          CHECK(all_top <= cap_top * (1 + 1e-3) + 2e-7 * static_cast<double>(t.filled));
          CHECK(i + 16 > filled);
        }
        if (radius < degree) CHECK(filled < t.filled);  // a wide cap is near to every event of this patch
        out.push_back(static_cast<float>(cap_p));
        out.push_back(static_cast<float>(cap_top));
        for (const double v : sums) out.push_back(static_cast<float>(v));
        out.insert(out.end(), x.begin(), x.begin() + static_cast<std::ptrdiff_t>(filled));
      });
    }
}

TEST_CASE("kernels: highest is the sum of the larger of two neighbouring columns, each event with its own factor") {
  for (const std::size_t n : {0u, 1u, 3u, 4u, 31u, 500u}) {
    const Events e = make_events(n, 1e3, static_cast<unsigned>(n));
    std::vector<float> lift;
    for (std::size_t c = 0; c < e.row.size(); ++c) lift.push_back(1.0F + 0.001F * static_cast<float>(c % 7));
    at_every_level([&](const Kernels& k, Output& out) {
      AlignedVector<float> sum(16, 1.0F);
      k.highest(e.view(n), lift.data(), e.row.data(), sum.data());
      for (std::size_t g = 0; g < 16; ++g) {
        double expected = 1.0;
        for (std::size_t i = 0; i < n; ++i) {
          const std::uint32_t c = e.candidate[i];
          const double larger = static_cast<double>(std::max(e.row[c][g], e.row[c][g == 15 ? 15 : g + 1]));
          expected += static_cast<double>(e.value[i]) * static_cast<double>(lift[c]) * larger;
        }
        check_sum(static_cast<double>(sum[g]), expected, expected, 1e-5);
        out.push_back(sum[g]);
      }
    });
  }
}

TEST_CASE("kernels: the sums of the likelihood and its derivatives are those of a double loop, for small and huge u") {
  const GammaAxis axis(made_up::even_nodes(n_nodes));
  for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 255u, 256u, 257u, 1000u})
    for (const double gamma : {1.0, 2.377, 4.0})
      for (const double largest : {1e-3, 1.0, 1e6, 1e12}) {
        const Events e = make_events(n, largest, static_cast<unsigned>(n + 1));
        const Stencil at = axis.stencil(gamma);
        const float y = 0.37F;
        EventSums full{}, flat{};
        double moduli1 = 0, moduli_q1 = 0, moduli2 = 0;
        for (std::size_t i = 0; i < n; ++i) {
          const float* node = e.node[e.candidate[i]] + at.first;
          double l = 0, l1 = 0, l2 = 0;
          for (std::size_t k = 0; k < 4; ++k) {
            l += static_cast<double>(at.value[k]) * static_cast<double>(node[k]);
            l1 += static_cast<double>(at.slope[k]) * static_cast<double>(node[k]);
            l2 += static_cast<double>(at.curvature[k]) * static_cast<double>(node[k]);
          }
          const double u0 = static_cast<double>(y) * static_cast<double>(e.value[i]), u = u0 * std::exp(l), p = u / (1 + u),
                       q = p / (1 + u);
          full.log += std::log1p(u);
          full.p += p;
          full.p1 += p * l1;
          full.q += q;
          full.q1 += q * l1;
          full.second += q * l1 * l1 + p * l2;
          moduli1 += p * 20.0;
          moduli_q1 += q * 20.0;
          moduli2 += p * 2000.0;  // the weights of l2 are of order 6/h² and cancel
          flat.log += std::log1p(u0);
          flat.p += u0 / (1 + u0);
          flat.q += u0 / ((1 + u0) * (1 + u0));
        }
        at_every_level([&](const Kernels& k, Output& out) {
          EventSums all{}, some{}, none{};
          k.sums(e.view(n), e.node.data(), at.first, at.value.data(), at.slope.data(), at.curvature.data(), y, all);
          k.sums_first(e.view(n), e.node.data(), at.first, at.value.data(), at.slope.data(), y, some);
          k.sums_flat(n, e.value.data(), false, y, none);
          check_sum(all.log, full.log, full.log, 5e-7);
          check_sum(all.p, full.p, full.p);
          check_sum(all.p1, full.p1, moduli1);
          check_sum(all.q, full.q, full.p);
          check_sum(all.q1, full.q1, moduli_q1);
          check_sum(all.second, full.second, moduli2);
          check_sum(some.log, full.log, full.log, 5e-7);
          check_sum(some.p, full.p, full.p);
          check_sum(some.p1, full.p1, moduli1);
          check_sum(none.log, flat.log, flat.log, 5e-7);
          check_sum(none.p, flat.p, flat.p);
          check_sum(none.q, flat.q, flat.p);
          for (const double v : {all.log, all.p, all.p1, all.q, all.q1, all.second, some.log, some.p, some.p1, none.log, none.p, none.q}) {
            float halves[2];  // every bit of the double
            std::memcpy(halves, &v, sizeof v);
            out.insert(out.end(), halves, halves + 2);
          }
        });
      }
}

TEST_CASE("kernels: sums add to what is there") {
  const Events e = make_events(40, 1.0, 3);
  const GammaAxis axis(made_up::even_nodes(n_nodes));
  const Stencil at = axis.stencil(2.2);
  at_every_level([&](const Kernels& k, Output&) {
    EventSums once{}, twice{};
    k.sums(e.view(40), e.node.data(), at.first, at.value.data(), at.slope.data(), at.curvature.data(), 1.0F, once);
    for (int i = 0; i < 2; ++i)
      k.sums(e.view(40), e.node.data(), at.first, at.value.data(), at.slope.data(), at.curvature.data(), 1.0F, twice);
    CHECK(twice.log == 2 * once.log);
    CHECK(twice.second == 2 * once.second);
  });
}

TEST_CASE("kernels: an unknown level is refused and the list of those there are is given") {
  const std::string before = kernels().name;
  CHECK_THROWS_WITH_AS(set_simd_level("avx1024"), doctest::Contains("avx1024"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(set_simd_level(""), doctest::Contains(simd_levels().c_str()), std::invalid_argument);
  CHECK(kernels().name == before);
}
