#pragma once
// Kernels at every level of this machine, and made-up events of one direction for them.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/kernels/table.hpp"

namespace nusky::made_up {

inline std::vector<std::string> levels() {
  std::istringstream names(simd_levels());
  std::vector<std::string> out;
  for (std::string name; names >> name;) out.push_back(name);
  return out;
}

// Runs `body` at every level of this machine. What it writes into its Output is compared between levels: from AVX2 on, where
// all have fused multiply-add and the same order of sums, to the bit.
using Output = std::vector<float>;
inline void at_every_level(const std::function<void(const Kernels&, Output&)>& body) {
  const std::string before = kernels().name;
  Output fused;
  bool first = true;
  for (const std::string& level : levels()) {
    CAPTURE(level);
    set_simd_level(level);
    REQUIRE(kernels().name == level);
    Output out;
    body(kernels(), out);
    if (level != "sse2" && level != "generic") {
      if (!first) {
        REQUIRE(out.size() == fused.size());
        CHECK((out.empty() || std::memcmp(out.data(), fused.data(), out.size() * sizeof(float)) == 0));
      }
      fused = out;
      first = false;
    }
  }
  set_simd_level(before);
}

// Events of one direction: S/B, candidates in a scrambled order with gaps, rows of R (16) and of ln R (49) per candidate.
struct Events {
  AlignedVector<float> value, rows, nodes;
  std::vector<std::uint32_t> candidate;
  std::vector<const float*> row, node;
  EventView view(std::size_t n) const { return {n, value.data(), candidate.data()}; }
};

constexpr std::size_t n_nodes = 49;

inline Events make_events(std::size_t n, double largest, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  const std::size_t m = 2 * n + 3;
  Events e;
  e.rows.resize(16 * m);
  e.nodes.resize(n_nodes * m);
  for (std::size_t c = 0; c < m; ++c) {
    const double a = 3 * uniform(random) - 1.5, b = uniform(random);
    for (std::size_t g = 0; g < n_nodes; ++g) {
      const double x = static_cast<double>(g) / 16.0 - 1.5;
      e.nodes[c * n_nodes + g] = static_cast<float>(a * x - b * x * x);
    }
    for (std::size_t g = 0; g < 16; ++g) e.rows[c * 16 + g] = static_cast<float>(std::exp(a * (static_cast<double>(g) / 5.0 - 1.5)));
    e.row.push_back(e.rows.data() + c * 16);
    e.node.push_back(e.nodes.data() + c * n_nodes);
  }
  for (std::size_t i = 0; i < n; ++i) {
    e.value.push_back(static_cast<float>(largest * std::pow(10.0, -6.0 * uniform(random))));
    e.candidate.push_back(static_cast<std::uint32_t>(2 * i + (uniform(random) > 0.5)));
  }
  e.value.resize(n + 16, 0.0F);
  e.candidate.resize(n + 16, 0);
  return e;
}

// Sums of floats: this much of the sum of the moduli may be lost to rounding.
inline void check_sum(double found, double expected, double moduli, double epsilon = 2e-6) {
  CHECK(std::abs(found - expected) <= epsilon * (moduli + 1e-30));
}

}  // namespace nusky::made_up
