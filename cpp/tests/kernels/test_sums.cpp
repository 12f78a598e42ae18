#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "every_level.hpp"
#include "made_up_sky.hpp"

using namespace nusky;
using namespace nusky::made_up;

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
