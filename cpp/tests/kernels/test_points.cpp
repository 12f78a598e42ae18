#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "every_level.hpp"
#include "made_up_sky.hpp"
#include "nusky/events/point_records.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

// Words, and arcs of all sizes; some events are never within theirs, some always.
struct Arcs {
  std::vector<std::uint32_t> word, half;
  explicit Arcs(std::size_t n) {
    std::mt19937 random(7);
    for (std::size_t i = 0; i < n + random_room; ++i) {
      word.push_back(random());
      const std::uint32_t sizes[] = {0, 1, static_cast<std::uint32_t>(random() >> 5), static_cast<std::uint32_t>(random() >> 2),
                                     2147483649U};
      half.push_back(sizes[i % 16 == 0 ? i / 16 % 5 : 2 + (i / 200) % 2]);
    }
  }
  bool inside(std::size_t i, std::uint32_t centre) const {
    const auto d = static_cast<std::int64_t>(static_cast<std::int32_t>(word[i] - centre));
    return std::abs(d) + 1 <= static_cast<std::int64_t>(half[i]);
  }
};

}  // namespace

TEST_CASE("kernels: in_arc and in_arcs pick exactly the events in their arcs, in order, over the end of the circle too") {
  for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 40u, 3000u}) {
    const Arcs arcs(n);
    for (const std::size_t m : {1u, 2u, 12u, 100u})
      for (const std::uint32_t first : {0U, 100U, 4294967290U, 2147483648U}) {
        std::vector<std::uint32_t> centre;
        for (std::size_t c = 0; c < m; ++c)
          centre.push_back(first +
                           static_cast<std::uint32_t>(std::llround(static_cast<double>(c) * 4294967296.0 / static_cast<double>(m))));
        at_every_level([&](const Kernels& k, Output& out) {
          std::vector<std::vector<std::uint32_t>> number(m, std::vector<std::uint32_t>(n + random_room + 1, 77)), word(number);
          std::vector<ArcPicks> picks;
          for (std::size_t c = 0; c < m; ++c) picks.push_back({1, number[c].data(), word[c].data()});
          const ArcView view{n, arcs.word.data(), arcs.half.data(), 1000};
          if (m == 1)
            k.in_arc(view, centre[0], picks.data());
          else
            k.in_arcs(view, {m, centre.data()}, picks.data());
          bool same = true;
          for (std::size_t c = 0; c < m; ++c) {
            std::size_t found = 1;
            same = same && number[c][0] == 77;  // what another range has brought is kept
            for (std::size_t i = 0; i < n; ++i) {
              if (!arcs.inside(i, centre[c])) continue;
              same = same && found < picks[c].n && number[c][found] == 1000 + i && word[c][found] == arcs.word[i];
              ++found;
            }
            same = same && found == picks[c].n;
          }
          CHECK(same);
          out.push_back(0.0F);
        });
      }
  }
}

TEST_CASE("kernels: point_candidates is S/B of the definition at every distance, and the rows are those of the events") {
  Options options;
  options.sizes = {600};
  options.gamma_nodes = even_nodes(13);
  options.sigma_low = 0.1 * degree;
  options.sigma_high = 60.0 * degree;
  reference::Model m = sky(options);
  m.cut_n_sigma = 1e9;
  const reference::Season& s = m.seasons[0];
  const auto columns = std::make_shared<EventColumns>(600, s.dec.data(), s.sigma.data(), s.background.data(), s.log_ratio.data(),
                                                      GammaAxis(m.gamma_nodes), m.cut_n_sigma, 0.0, 1);
  const PointRecords records(columns, std::nullopt);
  for (const double dec : {-pi / 2, -0.7, 0.0, 1.5})
    for (const std::size_t n : {1u, 16u, 599u}) {
      std::vector<std::uint32_t> number, word;
      for (std::size_t i = 0; i < n; ++i) {
        number.push_back(static_cast<std::uint32_t>(600 - n + i));
        // half of them close by
        word.push_back(i % 2 == 0 ? static_cast<std::uint32_t>(i * 2654435761U) : static_cast<std::uint32_t>(i * 40009U));
      }
      number.resize(n + points_beyond, number[n - 1]);
      at_every_level([&](const Kernels& k, Output& out) {
        AlignedVector<float> angle(n + 16), value(n + 16), peak(n + 16), lift(n + 16);
        std::vector<const float*> ratio(n + 16), log_ratio(n + 16);
        k.angles(n, word.data(), nullptr, 5U, 1e-10, angle.data());
        k.point_candidates(n, number.data(), angle.data(), records.view(), point_place(dec),
                           {value.data(), peak.data(), lift.data(), ratio.data(), log_ratio.data()});
        bool rows = true;
        for (std::size_t i = 0; i < n; ++i) {
          const std::size_t event = number[i], row = columns->row(event);
          const double exact_angle = static_cast<double>(static_cast<std::int32_t>(word[i] - 5U)) * right_ascension_step + 1e-10;
          CHECK(std::abs(static_cast<double>(angle[i]) - exact_angle) <= 6e-8 * std::abs(exact_angle));
          const double psi = 2 * std::asin(std::min(1.0, 0.5 * (unit_vector(0.0, dec) - unit_vector(exact_angle, s.dec[row])).norm()));
          const double exact = reference::spatial(psi, s.sigma[row], 1e9) / s.background[row];
          const auto weight = static_cast<double>(columns->spatial(event).weight);
          CHECK(std::abs(static_cast<double>(value[i]) - exact) <= 5e-7 * weight);
          if (psi < 5.0 * s.sigma[row]) CHECK(std::abs(static_cast<double>(value[i]) - exact) <= 2e-5 * exact);
          rows = rows && ratio[i] == columns->ratio_row(event) && log_ratio[i] == columns->log_ratio(event) &&
                 peak[i] == columns->ratio_peak(event) && lift[i] == columns->ratio_lift(event);
        }
        CHECK(rows);
        out.assign(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(n));
      });
    }
}
