#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "made_up_sky.hpp"
#include "nusky/events/event_columns.hpp"

using namespace nusky;
using namespace nusky::made_up;

namespace {

EventColumns one_event(double sigma, double cut_n_sigma = 5.0, double extension = 0.0, double background = 0.1) {
  const double dec = 0.3;
  return EventColumns(1, &dec, &sigma, &background, nullptr, GammaAxis(), cut_n_sigma, extension, 1);
}

// One event with one bad field; the message must name field, row and value.
void refused(const char* name, double dec, double sigma, double background, float ratio) {
  const double d[2] = {0.1, dec}, s[2] = {0.01, sigma}, b[2] = {0.1, background};
  const float r[4] = {0.0F, 0.0F, 0.0F, ratio};
  const auto build = [&] { EventColumns(2, d, s, b, r, GammaAxis({1.0, 2.0}), 5.0, 0.0, 1); };
  CHECK_THROWS_WITH_AS(build(), doctest::Contains(name), std::invalid_argument);
  CHECK_THROWS_WITH_AS(build(), doctest::Contains("row 1"), std::invalid_argument);
}

}  // namespace

TEST_CASE("event columns: the weight is the density of the definition at no distance, the cut a squared chord") {
  for (const double sigma : {0.2, 1.0, 6.9, 7.0, 7.1, 20.0, 60.0, 179.0}) {
    const double s = sigma * degree;
    const EventColumns c = one_event(s);
    CHECK(c.spatial(0).weight == doctest::Approx(reference::spatial(0.0, s, 5.0) / 0.1).epsilon(1e-6));
    CHECK(c.spatial(0).gaussian == (sigma <= 7.0 ? 1.0F : 0.0F));
    const double cut = std::min(5.0 * s, pi);
    CHECK(c.cut(0) == doctest::Approx(cut).epsilon(1e-6));
    CHECK(c.spatial(0).cut == doctest::Approx(cut >= pi ? 5.0 : std::pow(2.0 * std::sin(0.5 * cut), 2)).epsilon(1e-6));
  }
}

TEST_CASE("event columns: an extension adds in quadrature, also to an error of zero") {
  CHECK(one_event(3.0 * degree, 5.0, 4.0 * degree).spatial(0).rate ==
        doctest::Approx(one_event(5.0 * degree).spatial(0).rate).epsilon(1e-6));
  CHECK(one_event(0.0, 5.0, 1.0 * degree).spatial(0).weight == doctest::Approx(one_event(1.0 * degree).spatial(0).weight).epsilon(1e-6));
}

TEST_CASE("event columns: the row holds R at the coarse gamma, and with the lift its neighbours bound R between them") {
  Options o;
  o.gamma_nodes = even_nodes(49);
  o.sizes = {50};
  const reference::Model m = sky(o);
  const reference::Season& s = m.seasons[0];
  const GammaAxis axis(m.gamma_nodes);
  const EventColumns c(s.ra.size(), s.dec.data(), s.sigma.data(), s.background.data(), s.log_ratio.data(), axis, 5.0, 0.0, 1);
  for (std::size_t i = 0; i < c.size(); ++i) {
    const float* row = s.log_ratio.data() + i * 49;
    double peak = 0.0;
    for (int j = 0; j < n_coarse_gamma; ++j) {
      CHECK(c.ratio_row(c.event(i))[j] == doctest::Approx(std::exp(reference::interpolate(axis, row, axis.coarse_gamma(j)))).epsilon(2e-6));
      if (j + 1 == n_coarse_gamma) break;
      const auto larger = static_cast<double>(std::max(c.ratio_row(c.event(i))[j], c.ratio_row(c.event(i))[j + 1]));
      for (int k = 0; k <= 20; ++k) {
        const double ratio = std::exp(reference::interpolate(axis, row, axis.coarse_gamma(j) + k / 20.0 * axis.coarse_width()));
        CHECK(ratio <= larger * static_cast<double>(c.ratio_lift(c.event(i))) * (1.0 + 1e-7));
        peak = std::max(peak, ratio);
      }
    }
    CHECK(c.ratio_lift(c.event(i)) >= 1.0F);
    CHECK(c.ratio_lift(c.event(i)) < 1.05F);
    CHECK(c.ratio_peak(c.event(i)) >= peak * (1.0 - 1e-7));
    CHECK(c.ratio_peak(c.event(i)) <= peak * 1.05);
  }
}

TEST_CASE("event columns: what cannot be is refused by name, row and value") {
  const double nan = NAN;
  refused("dec", 1.6, 0.01, 0.1, 0.0F);
  refused("dec", nan, 0.01, 0.1, 0.0F);
  refused("sigma", 0.1, 0.0, 0.1, 0.0F);
  refused("sigma", 0.1, -0.01, 0.1, 0.0F);
  refused("sigma", 0.1, 3.2, 0.1, 0.0F);
  refused("sigma", 0.1, nan, 0.1, 0.0F);
  refused("background", 0.1, 0.01, 0.0, 0.0F);
  refused("background", 0.1, 0.01, INFINITY, 0.0F);
  refused("background", 0.1, 0.01, nan, 0.0F);
  refused("log_energy_ratio", 0.1, 0.01, 0.1, NAN);
  refused("log_energy_ratio", 0.1, 0.01, 0.1, 61.0F);
  CHECK_THROWS_WITH_AS(one_event(0.01, 0.0), doctest::Contains("cut_n_sigma"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(one_event(0.01, NAN), doctest::Contains("cut_n_sigma"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(one_event(0.01, 5.0, -0.1), doctest::Contains("extension"), std::invalid_argument);
  const double d = 0.1, s = 0.01, b = 0.1;
  CHECK_THROWS_WITH_AS(EventColumns(1, &d, &s, &b, nullptr, GammaAxis({1.0, 2.0}), 5.0, 0.0, 1), doctest::Contains("log_energy_ratio"),
                       std::invalid_argument);
}

TEST_CASE("event columns: no event is no error") {
  const EventColumns none(0, nullptr, nullptr, nullptr, nullptr, GammaAxis({1.0, 2.0}), 5.0, 0.0, 1);
  CHECK(none.size() == 0);
}

TEST_CASE("columns: an event whose S/B is given has it in every direction, times R") {
  const GammaAxis axis(even_nodes(7));
  const std::vector<double> value{3.0, 0.0, 0.25};
  std::vector<float> rows(3 * 7);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = 0.1F * static_cast<float>(i % 5) - 0.2F;
  const EventColumns columns(3, value.data(), rows.data(), axis, 1);
  for (std::size_t row = 0; row < 3; ++row) {
    const std::size_t i = columns.event(row);
    const SpatialTerm& s = columns.spatial(i);
    CHECK(s.weight == static_cast<float>(value[row]));
    CHECK(s.rate == 0.0F);
    CHECK(s.cut >= 4.0F);
    for (std::size_t g = 0; g < 7; ++g) CHECK(columns.log_ratio(i)[g] == rows[7 * row + g]);
  }
  CHECK_THROWS_AS(EventColumns(3, std::vector<double>{1.0, -1.0, 1.0}.data(), rows.data(), axis, 1), std::invalid_argument);
}
