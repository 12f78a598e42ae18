#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "every_level.hpp"
#include "made_up_sky.hpp"

using namespace nusky;
using namespace nusky::made_up;

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

TEST_CASE("kernels: within and fetch keep every event that reaches the cap, and none far beyond") {
  for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 1000u})
    for (const double radius : {2.0 * degree, 80.0 * degree, pi}) {
      std::mt19937_64 random(n);
      std::uniform_real_distribution<double> uniform(0.0, 1.0);
      std::vector<std::int32_t> position[3];
      std::vector<float> cut_chord, rate, weight;
      std::vector<double> cut;
      const Vec3 centre = unit_vector(0.7, -0.3);
      std::vector<Vec3> where;
      for (std::size_t i = 0; i < n; ++i) {
        cut.push_back(i % 50 == 7 ? pi : degree * std::pow(180.0, uniform(random)));
        const Vec3 axis = Vec3(uniform(random) - 0.5, uniform(random) - 0.5, uniform(random) - 0.5).cross(centre).normalized();
        const double angle = i % 50 == 8 ? pi : std::min(pi, (cut.back() + radius) * 2.0 * uniform(random));
        where.push_back(std::cos(angle) * centre + std::sin(angle) * axis);
        for (int d = 0; d < 3; ++d) position[d].push_back(fixed_point(where.back()[d]));
        cut_chord.push_back(fixed_chord(2.0 * std::sin(0.5 * cut.back())));
        rate.push_back(static_cast<float>(uniform(random)));
        weight.push_back(static_cast<float>(uniform(random)));
      }
      for (auto& column : position) column.resize(n + 16);
      for (auto* column : {&cut_chord, &rate, &weight}) column->resize(n + 16, 1e30F);  // they are read, and must not count
      const FixedCap cap = fixed_cap(centre, 2.0 * std::sin(0.5 * radius));
      at_every_level([&](const Kernels& k, Output& out) {
        const IndexView view{{n, position[0].data(), position[1].data(), position[2].data(), cut_chord.data()}, rate.data(), weight.data()};
        std::vector<std::uint32_t> found(n + 16), number(n + 16);
        std::vector<std::int32_t> at[3];
        for (auto& c : at) c.resize(n + 16);
        std::vector<float> cut_chords(n + 16);
        const std::size_t m =
            k.within(view.position, cap, 1000, {found.data(), at[0].data(), at[1].data(), at[2].data(), cut_chords.data()});
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
          wrong += number[j] != found[j] || column[4][j] != weight[i] * 2.5F || cut_chords[j] != cut_chord[i];
          for (int d = 0; d < 3; ++d) wrong += at[d][j] != position[d][i];
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
    std::vector<float> cut_chord, column[6];
    std::vector<std::int32_t> position[3];
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
      cut_chord.push_back(fixed_chord(chord));
      for (int d = 0; d < 3; ++d) position[d].push_back(fixed_point(v[d]));
      for (auto& c : column) c.push_back(static_cast<float>(uniform(random)));
      rows[0].push_back(store.data() + 32 * i);
      rows[1].push_back(store.data() + 32 * i + 16);
    }
    for (auto& c : position) c.resize(n + 16);
    for (auto& c : column) c.resize(n + 16);
    for (auto& c : rows) c.resize(n + 16);
    cut_chord.resize(n + 16, 1e30F);  // is read, and must not count
    const PoolView pool{{n, position[0].data(), position[1].data(), position[2].data(), cut_chord.data()},
                        column[0].data(),
                        column[1].data(),
                        column[2].data(),
                        column[3].data(),
                        column[4].data(),
                        column[5].data(),
                        rows[0].data(),
                        rows[1].data()};
    const FixedCap cap = fixed_cap(centre, 2.0 * std::sin(0.5 * radius));
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
          same &= std::abs(static_cast<double>(to[d][j]) - (position[d][i] * fixed_step - centre[static_cast<int>(d)])) <
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
