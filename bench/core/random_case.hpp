#pragma once
// What random_calls.cpp draws, and the slow reference that a fit is held against.
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "made_up_sky.hpp"
#include "nusky/random/philox.hpp"

namespace nusky::random_calls {

using namespace nusky::made_up;

constexpr double infinity = std::numeric_limits<double>::infinity(), not_a_number = std::numeric_limits<double>::quiet_NaN();

struct Random {
  std::mt19937_64 bits;
  double uniform() { return std::uniform_real_distribution<double>(0.0, 1.0)(bits); }
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(bits); }
};

/// One analysis with its core, and what is asked of it.
struct Case {
  reference::Model model;
  std::optional<double> gamma;
  int threads;
  std::size_t number;
};

inline Case draw(Random& random, int threads, std::size_t number) {
  Options o;
  const std::size_t nodes[] = {0, 1, 2, 5, 13, 49};
  o.gamma_nodes = even_nodes(nodes[random.below(6)], 0.5 + random.uniform(), 3.5 + random.uniform());
  o.sizes.clear();
  for (std::size_t k = 1 + random.below(3); k > 0; --k) o.sizes.push_back(1 + random.below(random.below(8) ? 40 : 300));
  o.sigma_low = degree * (0.2 + random.uniform());
  o.sigma_high = random.below(5) ? 4 * degree : 120 * degree;
  o.hardness = 1.5 * random.uniform();
  o.extended = random.below(3) == 0;
  o.seed = static_cast<unsigned>(random.below(1u << 30));
  Case c{sky(o), std::nullopt, 1 + static_cast<int>(random.below(static_cast<std::size_t>(threads))), number};
  if (random.below(2))
    inject(c.model, random.below(o.sizes.size()), 1 + random.below(12), 2 * pi * random.uniform(), std::asin(2 * random.uniform() - 1),
           4 * random.uniform(), random.uniform(), o.seed);
  const double cuts[] = {1.0, 3.0, 5.0, infinity};
  c.model.cut_n_sigma = cuts[random.below(4)];
  if (!o.gamma_nodes.empty() && random.below(3) == 0)
    c.gamma = o.gamma_nodes.front() + random.uniform() * (o.gamma_nodes.back() - o.gamma_nodes.front());
  return c;
}

inline std::vector<std::shared_ptr<const EventColumns>> columns_of(const reference::Model& m) {
  std::vector<std::shared_ptr<const EventColumns>> out;
  const GammaAxis axis(m.gamma_nodes);
  for (const reference::Season& s : m.seasons)
    out.push_back(std::make_shared<EventColumns>(s.ra.size(), s.dec.data(), s.sigma.data(), s.background.data(),
                                                 axis.size() > 0 ? s.log_ratio.data() : nullptr, axis, m.cut_n_sigma, 0.0, 1));
  return out;
}

struct Places {
  std::vector<double> ra, dec;
};

inline Places draw_places(Random& random, const reference::Model& m, std::size_t n) {
  Places p;
  for (std::size_t i = 0; i < n; ++i) {
    const reference::Season& s = m.seasons[random.below(m.seasons.size())];
    const std::size_t j = random.below(s.ra.size());
    const bool on = random.below(2);
    p.ra.push_back(on ? s.ra[j] : 2 * pi * random.uniform());
    p.dec.push_back(on ? s.dec[j] : random.below(20) == 0 ? pi / 2 : std::asin(2 * random.uniform() - 1));
  }
  return p;
}

[[noreturn]] inline void fail(const std::string& what) { throw std::runtime_error(what); }

/// The TS must be that of its own n_s and γ, and no lower than what the slow reference finds on a grid of γ. `look(γ)` gives the events as
/// they are at a γ.
template <class Look>
void compare_at(const Case& c, const Look& look, const ScanResult& r, std::size_t i) {
  const GammaAxis axis(c.model.gamma_nodes);
  const double gamma = c.gamma ? *c.gamma : axis.free() ? r.gamma[i] : axis.size() == 1 ? axis.front() : 0.0;
  const double tolerance = 1e-3;  // what is promised
  if (!(r.ts[i] >= 0.0) || !(r.ns[i] >= 0.0)) fail("ts or n_s is negative or no number");
  if (r.ts[i] > 0) {
    const double again = 2 * reference::log_likelihood(c.model, axis, look(gamma), r.ns[i], gamma);
    if (!(std::abs(again - r.ts[i]) <= 1e-5 * r.ts[i] + tolerance))
      fail("ts " + std::to_string(r.ts[i]) + " is not that of its n_s " + std::to_string(r.ns[i]) + " and gamma " + std::to_string(gamma) +
           ", " + std::to_string(again) + " (cut " + std::to_string(c.model.cut_n_sigma) + ")");
  }
  const bool free = axis.free() && !c.gamma;
  for (int k = 0; k < (free ? 3 : 1); ++k) {  // other ones in every call
    const double part = std::fmod(0.381966 * static_cast<double>(c.number + static_cast<std::size_t>(k) * 7), 1.0);
    const double g = free ? axis.front() + (axis.back() - axis.front()) * part : gamma;
    const double slow = reference::fit_ns(c.model, axis, look(g), g).ts;
    if (!(r.ts[i] >= slow * (1 - 1e-5) - tolerance))
      fail("ts " + std::to_string(r.ts[i]) + " is below " + std::to_string(slow) + " at gamma " + std::to_string(g));
  }
}

inline void compare(const Case& c, const reference::Sky& sky, const ScanResult& r, std::size_t i) {
  compare_at(c, [&](double) -> const reference::Sky& { return sky; }, r, i);
}

inline void compare(const Case& c, const Places& at, const ScanResult& r, std::size_t i) {
  compare(c, reference::look(c.model, at.ra[i], at.dec[i]), r, i);
}

inline ScanResult one(double ts, double ns, double gamma) {
  ScanResult r;
  r.ts = {ts};
  r.ns = {ns};
  r.gamma = {gamma};
  return r;
}

/// The same events with the right ascensions that a trial draws; all are its own.
inline Case scrambled(const Case& c, std::uint64_t key, std::int64_t number) {
  Case out = c;
  const auto j = static_cast<std::uint64_t>(number);
  for (std::size_t k = 0; k < out.model.seasons.size(); ++k) {
    reference::Season& s = out.model.seasons[k];
    s.n_events = static_cast<double>(s.ra.size());
    const RandomPlace place = random_place(key, j / trials_of_block, Purpose::right_ascension, static_cast<std::uint32_t>(k));
    for (std::size_t e = 0; e < s.ra.size(); ++e)
      s.ra[e] = right_ascension_of(random_block(place, static_cast<std::uint32_t>(e))[j % trials_of_block]);
  }
  return out;
}

inline std::vector<std::int64_t> draw_numbers(Random& random) {
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 1 + random.below(12); i > 0; --i) numbers.push_back(static_cast<std::int64_t>(random.below(1u << 20)));
  return numbers;
}

}  // namespace nusky::random_calls
