#include <cmath>
#include <random>
#include <vector>

#include "every_level.hpp"
#include "nusky/bounds/sky_events.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

// Made-up events of a strip of 9 or 17 rows, of 100 bins, or of 10, which is fewer than a window has.
struct Strip {
  static constexpr std::size_t margin = 16, n = 350;
  std::size_t rows, bins, stride;
  std::vector<EventInBand> events;
  std::vector<RowEntry> entries;
  std::vector<float> turn;
  std::vector<std::uint32_t> needed;

  Strip(std::size_t rows_, std::size_t bins_, unsigned seed) : rows(rows_), bins(bins_), stride(bins_ + 2 * margin) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    for (std::uint32_t i = 0; i < n; ++i) {
      EventInBand v{static_cast<std::uint32_t>(n) - 1 - i, static_cast<std::uint32_t>(entries.size()), 0, 0};
      v.first = static_cast<std::uint16_t>(uniform(random) * static_cast<double>(rows - 3));
      const std::size_t many = std::min<std::size_t>({rows - v.first, 16, 1 + static_cast<std::size_t>(uniform(random) * 16.0)});
      // from hardly anything to 2^9, and for once beyond the table
      const double peak = i == 5 ? 9000.0 : 4600.0 * uniform(random), fall = std::exp(11.09 * uniform(random));
      for (std::size_t r = 0; r < many; ++r) {
        v.rows = static_cast<std::uint16_t>(v.rows | 1U << r);
        entries.push_back(
            {static_cast<std::uint16_t>(std::max(0.0, peak - 16.0 * static_cast<double>(r))), static_cast<std::uint16_t>(fall)});
      }
      events.push_back(v);
      turn.push_back(i == 0 ? 0.0F : i == 1 ? 1.0F : static_cast<float>(uniform(random)));
    }
    for (std::size_t i = 0; i <= bins; ++i) needed.push_back(i % 10 < 3 ? 0U : static_cast<std::uint32_t>(random()) & ((1U << rows) - 1U));
  }
  BandEventsView view() const { return {events.size(), events.data(), entries.data()}; }
};

double u_of(double step) { return std::exp2(step / SkyTable::per_octave - SkyTable::octaves_below); }
// Twice the lines above ln(1 + m b), at u = n b: where they start, end and meet.
double line(std::size_t sum, double u, const SkyTable& t) {
  const auto tangent = [&](double at, double m) { return 2.0 * (std::log1p(at * u) + (m / at - 1.0) * at * u / (1.0 + at * u)); };
  const bool two = t.low > 0.0;
  if (sum == SkyTable::start) return tangent(two ? t.low : 1.0, 0.0);
  if (sum == SkyTable::end) return tangent(1.0, 2.0);
  return std::max(tangent(t.low, t.joint), tangent(1.0, t.joint));
}

}  // namespace

TEST_CASE("sky table: lines that are never below 2 ln(1 + m b), in numbers never below theirs, and close to them") {
  for (const double n : {20.0, 66.0, 100.0})
    for (const double low_n : {0.0, 0.2 * n, 0.4 * n}) {
      const SkyTable table(low_n, n);
      CHECK(table.n_sums() == (low_n > 0.0 ? 3 : 2));
      std::size_t cut = 0, concave = 0, below = 0, above = 0;
      for (double u = 1e-3; u < 1e6; u *= 1.3) {
        for (double m = 0.0; m <= 2.0; m += 0.01) {
          const double start = line(SkyTable::start, u, table), end = line(SkyTable::end, u, table), joint = table.joint;
          double here = start + (end - start) * m / 2.0;
          if (low_n > 0.0) {
            const double join = line(SkyTable::join, u, table);
            here = m < joint ? start + (join - start) * m / joint : join + (end - join) * (m - joint) / (2.0 - joint);
          }
          cut += here < 2.0 * std::log1p(m * u) - 1e-9;
        }
        // convex in ln u
        for (std::size_t sum = 0; sum < table.n_sums(); ++sum)
          concave += line(sum, u, table) > 0.5 * (line(sum, u * 1.1, table) + line(sum, u / 1.1, table)) + 1e-12;
      }
      CHECK(cut == 0);
      CHECK(concave == 0);
      for (std::size_t sum = 0; sum < table.n_sums(); ++sum) {
        for (std::size_t step = 0; step < SkyTable::n_steps; ++step) {
          const double exact = line(sum, u_of(static_cast<double>(step)), table);
          const std::uint16_t units = table.at(sum, step);
          const double found = table.value(sum, units), unit = static_cast<double>(table.unit[sum]);
          below += found < exact;
          above += units < 65535 && found > (sum == SkyTable::start ? 1.08 : 1.017) * exact + 3.0 * unit;
        }
        CHECK(table.at(sum, SkyTable::n_steps - 1) == 65535);
        CHECK(table.at(sum, SkyTable::n_steps + 1000) == 65535);
        // what is small, in sums
        double u1 = 0.0, u2 = 0.0, all = 0.0;
        for (double u = 1e-4; u < 1.0; u *= 2.0) {
          u1 += u;
          u2 += u * u;
          all += line(sum, u, table);
        }
        CHECK(table.of_small(sum, u1, u2) >= all);
        CHECK(table.of_small(sum, 1e-6, 1e-12) < 1.001 * line(sum, 1e-6, table));
      }
      CHECK(below == 0);
      CHECK(above == 0);
      CHECK(table.value(SkyTable::start, 65534) > 1.4 * n);
      CHECK(table.value(SkyTable::end, 65534) > 4.0 * n);
      CHECK(table.value(SkyTable::end, 65535) > 1e20);
    }
}

TEST_CASE("kernels: each event adds to the nodes near it what a double loop adds, never too little") {
  for (const std::size_t rows : {9u, 17u})
    for (const std::size_t bins : {100u, 10u})
      for (const bool two : {false, true}) {
        const Strip s(rows, bins, static_cast<unsigned>(rows + bins));
        const SkyTable table(two ? 16.5 : 0.0, 66.0);
        const std::size_t n_sums = table.n_sums();
        const auto at = [&](std::size_t r, std::size_t q) { return (r * n_sums + q) * s.stride + Strip::margin; };
        std::vector<double> expected(rows * n_sums * s.stride), most(expected.size()), count(expected.size());
        for (const EventInBand& v : s.events) {
          const double x = static_cast<double>(s.turn[v.event] * static_cast<float>(bins));
          const auto bin = static_cast<std::size_t>(x);
          const RowEntry* entry = s.entries.data() + v.at;
          if ((s.needed[bin] >> v.first & v.rows) == 0) continue;  // else all rows of the event
          for (std::size_t r = v.first; r < v.first + 16U; ++r) {
            if ((v.rows >> (r - v.first) & 1U) == 0) continue;
            const double highest = entry->highest, fall = entry->fall / SkyTable::farthest2;
            ++entry;
            for (std::size_t j = 0; j < 16; ++j) {
              const double away = std::abs(static_cast<double>(bin) - 7.0 + static_cast<double>(j) - x);
              if (2.0 * away > static_cast<double>(bins)) continue;  // the other side of the circle holds this node
              // distances may be too small by 1/64, their squares by 1e-3, and u by two steps more and 6.25 % too large; logs by 0.12
              const double u = u_of(highest - fall * away * away);
              const double high = 1.0625 * u_of(std::max(0.0, highest - fall * (std::pow(std::max(0.0, away - 1.0 / 64), 2) - 1e-3)) + 2.0);
              for (std::size_t q = 0; q < n_sums; ++q) {
                const std::size_t node = at(r, q) + bin + j - 7;
                expected[node] += line(q, u, table);
                most[node] += (q == SkyTable::start ? 1.08 : 1.017) * line(q, high, table) + 0.13;
                count[node] += 1.0;
              }
            }
          }
        }
        at_every_level([&](const Kernels& kernel, Output&) {
          AlignedVector<std::uint16_t> sums(expected.size());
          std::fill(sums.begin(), sums.end(), std::uint16_t{0});
          kernel.sky_add(s.view(), s.turn.data(),
                         {bins, s.needed.data(), sums.data() + Strip::margin, s.stride, n_sums * s.stride, &table});
          std::size_t below = 0, above = 0, filled = 0, stopped = 0;
          for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t q = 0; q < n_sums; ++q)
              for (std::size_t i = at(r, q) - Strip::margin; i < at(r, q) + bins + Strip::margin; ++i) {
                const double got = table.value(q, sums[i]);
                stopped += sums[i] == 65535;
                below += got < expected[i] * (1.0 - 1e-9);
                // a node half a circle away may be there twice
                if (bins > 16 && sums[i] < 65535) above += got > most[i] + 3.0 * count[i] * static_cast<double>(table.unit[q]);
                filled += expected[i] > 0.0;
              }
          CHECK(below == 0);
          CHECK(above == 0);
          CHECK(filled > expected.size() / 4);
          if (bins > 16) CHECK(stopped < filled / 50);
        });
      }
}

TEST_CASE("kernels: sums over the sky stop where numbers end") {
  // hundreds of strong events in one place
  Strip s(9, 100, 1);
  for (EventInBand& v : s.events) v = {0, 0, 2, 7};
  for (RowEntry& entry : s.entries) entry = {8100, 10};
  s.turn[0] = 0.505F;
  for (std::uint32_t& rows : s.needed) rows = 0x1ff;
  const SkyTable table(16.5, 66.0);
  at_every_level([&](const Kernels& kernel, Output&) {
    AlignedVector<std::uint16_t> sums(9 * 3 * s.stride);
    std::fill(sums.begin(), sums.end(), std::uint16_t{0});
    kernel.sky_add(s.view(), s.turn.data(), {s.bins, s.needed.data(), sums.data() + Strip::margin, s.stride, 3 * s.stride, &table});
    for (std::size_t q = 0; q < 3; ++q) {
      CHECK(sums[(3 * 3 + q) * s.stride + Strip::margin + 50] == 65535);
      CHECK(sums[(1 * 3 + q) * s.stride + Strip::margin + 50] == 0);
    }
  });
}

TEST_CASE("kernels: a layer of the sky is what was added, what is spread, and the coarser layer in between") {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<float> uniform(0.0F, 10.0F);
  for (const std::size_t n : {6u, 18u, 58u, 960u}) {
    std::vector<std::uint16_t> added;
    std::vector<float> low, high;
    for (std::size_t i = 0; i < n; ++i) added.push_back(i == 3 ? 65535 : static_cast<std::uint16_t>(random() % 65535));
    for (std::size_t i = 0; i <= n / 2; ++i) {
      low.push_back(uniform(random));
      high.push_back(uniform(random));
    }
    at_every_level([&](const Kernels& kernel, Output&) {
      std::vector<float> to(n), alone(n);
      kernel.sky_layer(n, added.data(), 1e-3F, 0.5F, low.data(), high.data(), to.data());
      kernel.sky_layer(n, added.data(), 1e-3F, 0.5F, nullptr, nullptr, alone.data());
      for (std::size_t i = 0; i < n; ++i) {
        const std::size_t j = i / 2, k = i % 2;
        const double here = 1e-3 * added[i] + 0.5;
        const double between = 0.25 * (static_cast<double>(low[j]) + static_cast<double>(high[j]) + static_cast<double>(low[j + k]) +
                                       static_cast<double>(high[j + k]));
        if (i == 3) {
          CHECK(to[i] >= 1e30F);
          CHECK(alone[i] >= 1e30F);
          continue;
        }
        CHECK(static_cast<double>(alone[i]) == doctest::Approx(here).epsilon(1e-6));
        CHECK(static_cast<double>(to[i]) == doctest::Approx(here + between).epsilon(1e-6));
      }
    });
  }
}
