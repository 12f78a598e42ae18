#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "every_level.hpp"
#include "patch.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

constexpr std::size_t knots = KnotShape::knots;
// Room for the lists of up to n events.
struct Lists {
  std::vector<std::uint32_t> number[knot_kinds];
  KnotLists lists{};

  explicit Lists(std::size_t n) {
    for (std::size_t kind = 0; kind < knot_kinds; ++kind) {
      number[kind].resize(n + 16);
      lists.number[kind] = number[kind].data();
    }
  }
};

// Events all around a place. Those beyond the last are read, and must not count.
struct Around {
  std::size_t n;
  Vec3 centre = unit_vector(0.7, -0.3);
  std::vector<Vec3> where;
  std::vector<double> sigma;
  AlignedVector<KnotEvent> events;

  explicit Around(std::size_t n_events) : n(n_events) {
    std::mt19937_64 random(n);
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    for (std::size_t i = 0; i < n; ++i) {
      sigma.push_back(0.2 * degree * std::pow(20.0, uniform(random)));
      const double angle = 12.0 * sigma.back() * uniform(random);
      const Vec3 axis = Vec3(uniform(random) - 0.5, uniform(random) - 0.5, uniform(random) - 0.5).cross(centre).normalized();
      where.push_back(std::cos(angle) * centre + std::sin(angle) * axis);
      KnotEvent e{};
      e.x = static_cast<float>(where.back().x());
      e.y = static_cast<float>(where.back().y());
      e.z = static_cast<float>(where.back().z());
      e.cut_chord = static_cast<float>(2.0 * std::sin(2.5 * sigma.back()));
      e.rate = static_cast<float>(0.5 / (sigma.back() * sigma.back())) * power_per_rate;
      e.weight = 0.5F * static_cast<float>(std::pow(1e-3, uniform(random)));
      events.push_back(e);
    }
    for (int i = 0; i < 16; ++i) events.push_back({1.0F, 0.0F, 0.0F, 1e10F, 0.0F, 1e10F, 0.0F, 0});
  }
};

}  // namespace

TEST_CASE("kernels: near a group every event is in the list of its largest w in the cap, or in the sum of what is small") {
  for (const std::uint32_t n : {0u, 1u, 16u, 17u, 3000u})
    for (const double radius : {1e-9, 1.0 * degree, 4.0 * degree}) {
      const Around a(n);
      const double chord = 2.0 * std::sin(0.5 * radius);
      const KnotCap cap{static_cast<float>(a.centre.x()), static_cast<float>(a.centre.y()), static_cast<float>(a.centre.z()),
                        static_cast<float>(chord)};
      const KnotLimits limits{1e-3F, 0.02F, 0.2F};
      // all of them in ranges, with some left out in between
      std::vector<EventRange> ranges;
      std::vector<char> asked(n, 0);
      for (std::uint32_t first = 0; first < n; first += 40) {
        ranges.push_back({first, std::min(n, first + (first % 3 == 0 ? 37 : 40))});
        std::fill(asked.begin() + ranges.back().first, asked.begin() + ranges.back().last, 1);
      }
      at_every_level([&](const Kernels& kernel, Output& out) {
        Lists to(n);
        to.lists.tail = 0.125;
        kernel.knots_near(a.events.data(), ranges.size(), ranges.data(), cap, limits, to.lists);
        std::vector<int> kind_of(n, -1);
        std::size_t wrong = 0, missed = 0, far = 0;
        for (std::size_t kind = 0; kind < knot_kinds; ++kind) {
          REQUIRE(to.lists.n[kind] <= n);
          for (std::size_t j = 0; j < to.lists.n[kind]; ++j) {
            const std::uint32_t i = to.number[kind][j];
            REQUIRE(i < n);
            wrong += kind_of[i] != -1 || (j > 0 && i <= to.number[kind][j - 1]) || asked[i] == 0;
            kind_of[i] = static_cast<int>(kind);
            out.push_back(static_cast<float>(i));
          }
        }
        double small = 0.0, small_above = 0.0;
        for (std::size_t i = 0; i < n; ++i) {
          if (asked[i] == 0) continue;
          const double from = (a.where[i] - a.centre).norm();
          const auto w = [&](double nearer) {
            const double d = std::max(0.0, from * (1.0 - nearer) - chord);
            return static_cast<double>(a.events[i].weight) * std::exp(-d * d / (2.0 * a.sigma[i] * a.sigma[i]));
          };
          const bool reaches = from < 0.999 * (2.0 * std::sin(2.5 * a.sigma[i]) + chord);
          // of the exponential 6 %, of the root 0.18 %; places in float, of the narrowest events, 1e-4
          const double least = w(0.0) * (1.0 - 2e-4), most = 1.065 * w(0.002);
          const double edges[] = {0.0, 1e-3, 0.02, 0.2, 1e30};
          const auto of = static_cast<std::size_t>(kind_of[i] + 1);
          missed += reaches && least > edges[of + 1];
          far += kind_of[i] >= 0 && most < edges[of];
          if (kind_of[i] < 0 && reaches) small += least;
          if (kind_of[i] < 0) small_above += most;
        }
        CHECK(wrong == 0);
        CHECK(missed == 0);
        CHECK(far == 0);
        CHECK(to.lists.tail - 0.125 >= small * (1.0 - 1e-5));
        CHECK(to.lists.tail - 0.125 <= small_above * (1.0 + 1e-5));
        if (n == 3000 && radius < 2.0 * degree)
          for (const std::size_t of_kind : to.lists.n) CHECK(of_kind > 10);
        out.push_back(static_cast<float>(to.lists.tail));
      });
    }
}

TEST_CASE("kernels: sums at knots are not below the exact ones for the ũ that is taken, and not far above") {
  const Patch t = make_patch(301, 16, 0.3 * degree, 20.0 * degree, 5.0, 4);
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  std::vector<KnotShape> shape(t.n);
  std::vector<std::uint32_t> number(t.n);
  std::vector<double> total;
  std::vector<KnotEvent> events;
  for (std::size_t i = 0; i < t.n; ++i) {
    for (float& part : shape[i].at) part = static_cast<float>(uniform(random));
    number[i] = static_cast<std::uint32_t>(i);
    events.push_back({t.x[i], t.y[i], t.z[i], 0.0F, t.rate[i] * power_per_rate, 0.0F,
                      static_cast<float>(8388608.0 * (8.0 * uniform(random) - 7.0)), static_cast<std::uint32_t>(i)});
    total.push_back(std::exp2(static_cast<double>(events.back().power) / 8388608.0));
  }
  for (const KnotKind kind : {KnotKind::faint, KnotKind::plain, KnotKind::strong})
    for (const float n : {1e-3F, 0.3F, 10.0F})
      at_every_level([&](const Kernels& kernel, Output& out) {
        AlignedVector<float> sums((1 + knots) * group_size, 0.0F);
        kernel.knots_add(kind, t.n, number.data(), events.data(), shape.data(), t.vx.data(), t.vy.data(), t.vz.data(), n, sums.data());
        out.insert(out.end(), sums.begin(), sums.end());
        const double taken = kind == KnotKind::faint ? 0.0 : static_cast<double>(n);
        for (std::size_t p = 0; p < group_size; ++p) {
          double top = 0.0, most = 0.0, at[knots][2] = {};  // with the Gaussian as it is, and 6.3 % larger
          for (std::size_t i = 0; i < t.n; ++i) {
            const Vec3 d(static_cast<double>(t.x[i] - t.vx[p]), static_cast<double>(t.y[i] - t.vy[p]),
                         static_cast<double>(t.z[i] - t.vz[p]));
            const double s = total[i] * std::exp(-static_cast<double>(t.rate[i]) * d.squaredNorm()), u = taken * s, v = 1.063 * u;
            top += 2.0 * (std::log1p(u) - u / (1.0 + u));
            most += kind == KnotKind::plain ? 1.01 * v * v / (1.0 + v) + 8e-6 : 1.3 * 2.0 * (std::log1p(v) - v / (1.0 + v)) + 0.13;
            // a larger Gaussian means a larger ũ, too: what w/(1 + ũ) becomes lies in between
            for (std::size_t k = 0; k < knots; ++k)
              for (const std::size_t up : {0u, 1u})
                at[k][up] += static_cast<double>(shape[i].at[k]) * (up == 0 ? s : 1.063 * s) / (1.0 + u);
          }
          if (kind == KnotKind::faint) most = 0.0;
          CHECK(static_cast<double>(sums[p]) >= top * (1.0 - 1e-5) - 2e-7 * static_cast<double>(t.n));
          CHECK(static_cast<double>(sums[p]) <= most);
          for (std::size_t k = 0; k < knots; ++k) {
            const auto found = static_cast<double>(sums[(k + 1) * group_size + p]);
            CHECK(found >= at[k][0] * (1.0 - 3e-3));
            CHECK(found <= at[k][1] * (1.0 + 1e-5));
          }
        }
      });
}
