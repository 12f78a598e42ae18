#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "every_level.hpp"

using namespace nusky;

namespace {

// Values, rows and nodes of made-up events, and what is the same for all of them.
struct Made {
  std::size_t n, maps, stride;
  AlignedVector<float> value, ratio, node[4];
  std::vector<std::uint32_t> cell;
  std::vector<float> weight[3], column[3], taken[3];
  AlignedVector<float> columns, takens;
};

Made make(std::size_t n, std::size_t maps, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> one(0.0F, 1.0F);
  Made m{n, maps, n + template_room, {}, {}, {}, {}, {}, {}, {}, {}, {}};
  m.value.resize(maps * m.stride);
  for (float& v : m.value) v = one(random);
  m.ratio.resize(n * 16);
  for (float& v : m.ratio) v = std::exp(6.0F * one(random) - 4.0F);
  for (auto& node : m.node) {
    node.resize(m.stride);
    for (float& v : node) v = 5.0F * one(random) - 3.0F;
  }
  m.cell.resize(m.stride);
  for (auto& c : m.cell) c = static_cast<std::uint32_t>(3.0F * one(random)) % 3;
  for (std::size_t d = 0; d < 3; ++d) {
    for (int k = 0; k < 4; ++k) m.weight[d].push_back(d == 0 ? 0.25F : one(random) - 0.5F);
    for (std::size_t k = 0; k < maps; ++k) m.column[d].push_back(d == 0 ? one(random) : one(random) - 0.5F);
    for (int k = 0; k < 3; ++k) m.taken[d].push_back(one(random));
  }
  m.columns.resize(maps * 16);
  for (float& v : m.columns) v = one(random) - 0.2F;
  m.takens.resize(3 * 16);
  for (float& v : m.takens) v = one(random);
  return m;
}

}  // namespace

TEST_CASE("kernels: maps are looked up between the points of their table, and added up from its parts") {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> one(0.0F, 1.0F);
  // Maps, and how many parts each of three widths has
  const std::vector<std::vector<std::size_t>> some{{1, 1, 1, 1}, {2, 1, 2, 2}, {5, 3, 1, 2}, {8, 4, 5, 3}, {8, 2, 2, 4}, {9, 9, 8, 6}};
  for (const std::vector<std::size_t>& counts : some) {
    const std::size_t maps = counts[0], n_sigma = 3, n_pairs = 4, n_ra = 7, n = 37, room = n + template_room, stride = (maps + 3) / 4 * 4;
    std::vector<std::vector<std::int16_t>> table(n_sigma);
    std::vector<std::vector<float>> basis(n_sigma);
    std::vector<SmearedRow> rows;
    for (std::size_t s = 0; s < n_sigma; ++s) {
      const std::size_t parts = counts[s + 1], most = std::max({counts[1], counts[2], counts[3]});
      table[s].resize(n_pairs * n_ra * 2 * parts);
      for (auto& v : table[s]) v = static_cast<std::int16_t>(65534.0F * (one(random) - 0.5F));
      basis[s].resize(n_pairs * most * stride, 0.0F);
      for (std::size_t d = 0; d < n_pairs; ++d) {
        for (std::size_t b = 0; b < parts; ++b)
          for (std::size_t m = 0; m < maps; ++m) basis[s][(d * most + b) * stride + m] = (one(random) - 0.3F) / 32767.0F;
        rows.push_back({table[s].data() + d * n_ra * 2 * parts, basis[s].data() + d * most * stride, parts});
      }
    }
    std::vector<std::uint32_t> row(room, 0), word(room, 0);
    std::vector<float> weight(4 * room, 0.0F);
    for (std::size_t i = 0; i < n; ++i) {
      const auto s = static_cast<std::size_t>(2.0F * one(random)), d = static_cast<std::size_t>(4.0F * one(random));
      row[i] = static_cast<std::uint32_t>(s * n_pairs + d);
      word[i] = i == 0 ? 0xffffffffU : i == 1 ? 0U : static_cast<std::uint32_t>(random());
      for (std::size_t r = 0; r < 4; ++r) weight[r * room + i] = one(random);
    }
    row[0] = static_cast<std::uint32_t>(2 * n_pairs - 1);  // the last points of the table
    made_up::at_every_level([&](const Kernels& kernels, made_up::Output& out) {
      AlignedVector<float> value(maps * room);
      kernels.template_values({rows.data(), maps, n_ra, n_pairs, stride}, {n, room, row.data(), weight.data()}, word.data(), value.data(),
                              room);
      double worst = 0.0;
      for (std::size_t i = 0; i < n; ++i) {
        const double at = static_cast<double>(word[i]) * 0x1p-32 * static_cast<double>(n_ra - 1);
        const auto below = static_cast<std::size_t>(at);
        const double t = at - static_cast<double>(below);
        for (std::size_t m = 0; m < maps; ++m) {
          double expected = 0.0;
          for (std::size_t r = 0; r < 4; ++r) {
            const SmearedRow& from = rows[row[i] + r / 2 * n_pairs];
            for (std::size_t b = 0; b < from.parts; ++b) {
              const std::int16_t* p = from.values + (below * 2 + r % 2) * from.parts + b;
              expected += static_cast<double>(weight[r * room + i] * from.basis[b * stride + m]) *
                          ((1.0 - t) * static_cast<double>(p[0]) + t * static_cast<double>(p[2 * from.parts]));
            }
          }
          worst = std::max(worst, std::abs(static_cast<double>(value[m * room + i]) - expected));
          out.push_back(value[m * room + i]);
        }
      }
      CHECK(worst < 4e-6);
    });
  }
}

TEST_CASE("kernels: powers of a template's terms, and the large ones one by one") {
  for (const std::size_t maps : {1, 3, 6}) {
    const Made m = make(203, maps, 11);
    const float bound = 0.5F + 0.8F * static_cast<float>(maps);
    made_up::at_every_level([&](const Kernels& kernels, made_up::Output& out) {
      std::vector<double> sums(template_powers * 16, 0.5);
      AlignedVector<float> z((m.n + 1) * 16);
      LargeTerms large{1, z.data()};
      kernels.template_powers_of({m.n, m.stride, m.value.data(), m.ratio.data(), m.cell.data()}, {maps, m.columns.data(), m.takens.data()},
                                 bound, sums.data(), &large);
      std::vector<double> expected(template_powers * 16, 0.5), moduli(template_powers * 16, 0.0);
      std::size_t n_large = 1;
      for (std::size_t i = 0; i < m.n; ++i) {
        double row[16];
        bool weak = true;
        for (std::size_t g = 0; g < 16; ++g) {
          double s = 0.0;
          for (std::size_t k = 0; k < maps; ++k)
            s += static_cast<double>(m.columns[k * 16 + g]) * static_cast<double>(m.value[k * m.stride + i]);
          row[g] = std::max(s, 0.0) * static_cast<double>(m.ratio[i * 16 + g]) - static_cast<double>(m.takens[m.cell[i] * 16 + g]);
          weak = weak && std::abs(row[g]) <= static_cast<double>(bound);
        }
        if (!weak) {
          REQUIRE(n_large < large.n);
          for (std::size_t g = 0; g < 16; ++g) CHECK(static_cast<double>(z[n_large * 16 + g]) == doctest::Approx(row[g]).epsilon(1e-5));
          ++n_large;
          continue;
        }
        for (std::size_t g = 0; g < 16; ++g)
          for (std::size_t j = 0; j < template_powers; ++j) {
            expected[j * 16 + g] += std::pow(row[g], static_cast<double>(j + 1));
            moduli[j * 16 + g] += std::pow(std::abs(row[g]), static_cast<double>(j + 1));
          }
      }
      CHECK(large.n == n_large);
      CHECK(n_large > 10);
      CHECK(n_large < m.n - 10);
      for (std::size_t i = 0; i < sums.size(); ++i) {
        made_up::check_sum(sums[i], expected[i], moduli[i]);
        out.push_back(static_cast<float>(sums[i]));
      }
    });
  }
}

TEST_CASE("kernels: exact sums of a template's terms") {
  for (const std::size_t n : {0, 5, 16, 1003}) {
    Made m = make(n, 3, 13);
    // maps that stand for others may add up to less than 0, which counts as 0 and does not change with gamma
    for (std::size_t i = 0; i < n; i += 3) m.value[i] -= 4.0F;
    for (const bool subtracted : {false, true})
      made_up::at_every_level([&](const Kernels& kernels, made_up::Output& out) {
        const float x = 0.3F;
        TemplateSums s{1.0, 0, 0, 0, 0, 0, 0};
        kernels.template_sums({m.n,
                               m.stride,
                               m.value.data(),
                               {m.node[0].data(), m.node[1].data(), m.node[2].data(), m.node[3].data()},
                               subtracted ? m.cell.data() : nullptr},
                              {{m.weight[0].data(), m.weight[1].data(), m.weight[2].data()},
                               {m.column[0].data(), m.column[1].data(), m.column[2].data()},
                               {m.taken[0].data(), m.taken[1].data(), m.taken[2].data()},
                               m.maps},
                              x, s);
        double e[7] = {1.0, 0, 0, 0, 0, 0, 0}, moduli[7] = {1.0, 0, 0, 0, 0, 0, 0};
        for (std::size_t i = 0; i < m.n; ++i) {
          double l[3] = {}, c[3] = {}, v[3] = {1.0, 0.0, 0.0};
          for (std::size_t d = 0; d < 3; ++d) {
            for (std::size_t k = 0; k < 4; ++k) l[d] += static_cast<double>(m.weight[d][k]) * static_cast<double>(m.node[k][i]);
            for (std::size_t k = 0; k < m.maps; ++k)
              c[d] += static_cast<double>(m.column[d][k]) * static_cast<double>(m.value[k * m.stride + i]);
            if (subtracted) v[d] = static_cast<double>(m.taken[d][m.cell[i]]);
          }
          if (c[0] <= 0.0) c[0] = c[1] = c[2] = 0.0;
          const double r = std::exp(l[0]), z = c[0] * r - v[0], d = (c[1] + c[0] * l[1]) * r - v[1];
          const double dd = (c[2] + 2 * c[1] * l[1] + c[0] * (l[1] * l[1] + l[2])) * r - v[2];
          const double q = 1.0 / (1.0 + static_cast<double>(x) * z);
          const double terms[7] = {-std::log(q), z * q, z * z * q * q, d * q, d * q * q, d * d * q * q, dd * q};
          for (std::size_t j = 0; j < 7; ++j) {
            e[j] += terms[j];
            moduli[j] += std::abs(terms[j]);
          }
        }
        const double found[7] = {s.log, s.p, s.pp, s.d, s.dq, s.dd, s.second};
        for (std::size_t j = 0; j < 7; ++j) {
          made_up::check_sum(found[j], e[j], moduli[j]);
          out.push_back(static_cast<float>(found[j]));
        }
      });
  }
}
