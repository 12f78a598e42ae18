#include "nusky/templates/template_profile.hpp"

#include <algorithm>
#include <cmath>

namespace nusky {
namespace {

constexpr std::size_t L = n_coarse_gamma;
// x |z| up to which terms enter by their powers at n_ref; the profile is looked at for n up to twice that.
constexpr double weak = 0.25, furthest = 2.0;
constexpr int most_steps = 60;
// n is known to this where an exact fit starts.
constexpr double precision = 1e-3;
// What the profile may be wrong by, in ln Λ: maxima within this of the highest are fitted, too.
constexpr double in_doubt = 0.02, in_doubt_of_value = 0.01;

// Of a parabola through a value and its neighbours: the place of the vertex, in steps from `i`, and how much higher it is.
struct Vertex {
  double shift, gain;
};
Vertex vertex_at(const std::array<double, L>& f, std::size_t i) {
  const std::size_t j = std::clamp<std::size_t>(i, 1, L - 2);
  const double slope = 0.5 * (f[j + 1] - f[j - 1]), bend = f[j + 1] - 2.0 * f[j] + f[j - 1];
  const double here = slope + bend * (static_cast<double>(i) - static_cast<double>(j));
  double shift = bend < 0.0 ? std::clamp(-here / bend, -0.5, 0.5) : (here > 0.0 ? 0.5 : -0.5);
  if ((i == 0 && shift < 0.0) || (i + 1 == L && shift > 0.0)) shift = 0.0;
  return {shift, std::max(0.0, here * shift + 0.5 * bend * shift * shift)};
}

}  // namespace

TemplateProfile::TemplateProfile(const SkyTemplate& sky)
    : sky_(&sky), kernels_(&kernels()), seasons_(sky.n_seasons()), shares_(sky.n_seasons()) {}

void TemplateProfile::start(const double* n_events) {
  limit_.fill(1e300);
  for (std::size_t k = 0; k < seasons_.size(); ++k) seasons_[k].n_events = n_events[k];
  for (std::size_t g = 0; g < L; ++g) {
    sky_->likelihood().shares(0.0, sky_->axis().coarse_stencil(static_cast<int>(g)), shares_.data());
    for (std::size_t k = 0; k < seasons_.size(); ++k) {
      seasons_[k].phi[g] = shares_[k].f / n_events[k];
      limit_[g] = std::min(limit_[g], Likelihood::closest_to_limit / (seasons_[k].phi[g] * sky_->most_taken(k)[g]));
    }
  }
}

void TemplateProfile::clear(double n_ref) {
  n_ref_ = n_ref;
  for (Season& season : seasons_) {
    season.sums.fill(0.0);
    season.n_large = 0;
  }
}

void TemplateProfile::add(std::size_t k, const TemplateEvents& events, std::size_t first, std::size_t last, const float* value,
                          std::size_t stride) {
  Season& season = seasons_[k];
  const std::size_t n = last - first, room = season.n_large + n;
  if (season.z.size() < room * L) {
    AlignedVector<float> more(room * L);
    std::copy_n(season.z.begin(), season.n_large * L, more.begin());
    season.z.swap(more);
  }
  const double most = *std::max_element(season.phi.begin(), season.phi.end());
  LargeTerms large{season.n_large, season.z.data()};
  kernels_->template_powers_of({n, stride, value, events.ratio(first), events.cell(first)},
                               {sky_->table().maps, sky_->coarse_columns(k), sky_->coarse_taken(k)},
                               static_cast<float>(weak / (n_ref_ * most)), season.sums.data(), &large);
  season.n_large = large.n;
}

void TemplateProfile::add_left_out(std::size_t k, double count) {
  for (std::size_t j = 0; j < template_powers; ++j)
    for (std::size_t g = 0; g < L; ++g) seasons_[k].sums[j * L + g] += j % 2 == 0 ? -count : count;
}

// The large terms of a season as the kernels of a profile read them.
EventView TemplateProfile::large(const Season& season) {
  const std::size_t n = season.n_large;
  for (std::size_t i = count_.size(); i < n; ++i) {
    count_.push_back(static_cast<std::uint32_t>(i));
    one_.push_back(1.0F);
  }
  row_.resize(n);
  for (std::size_t i = 0; i < n; ++i) row_[i] = season.z.data() + i * L;
  return {n, one_.data(), count_.data()};
}

// What a season adds to d ln Λ/dn and to minus the second derivative.
void TemplateProfile::sums_at(const Season& season, const Row& n, Row& slope, Row& bend) {
  alignas(64) std::array<float, L> x{}, s1{}, s2{};
  for (std::size_t g = 0; g < L; ++g) x[g] = static_cast<float>(n[g] * season.phi[g]);
  const EventView events = large(season);
  kernels_->profile(events, row_.data(), x.data(), s1.data(), s2.data());
  const double* m = season.sums.data();
  for (std::size_t g = 0; g < L; ++g) {
    const double phi = season.phi[g], u = n[g] * phi;
    const double m1 = m[g], m2 = m[L + g], m3 = m[2 * L + g], m4 = m[3 * L + g];
    slope[g] += phi * (static_cast<double>(s1[g]) + m1 - u * (m2 - u * (m3 - u * m4)));
    bend[g] += phi * phi * (static_cast<double>(s2[g]) + m2 - u * (2.0 * m3 - 3.0 * u * m4));
  }
}

void TemplateProfile::values(Row& value) {
  value.fill(0.0);
  for (const Season& season : seasons_) {
    alignas(64) std::array<float, L> x{}, logs{};
    for (std::size_t g = 0; g < L; ++g) x[g] = static_cast<float>(n_[g] * season.phi[g]);
    const EventView events = large(season);
    kernels_->profile_log(events, row_.data(), x.data(), logs.data());
    const double* m = season.sums.data();
    for (std::size_t g = 0; g < L; ++g) {
      const double u = n_[g] * season.phi[g];
      value[g] += static_cast<double>(logs[g]) + u * (m[g] - u * (m[L + g] / 2.0 - u * (m[2 * L + g] / 3.0 - u * m[3 * L + g] / 4.0)));
    }
  }
}

bool TemplateProfile::solve() {
  Row slope{}, bend{}, low{}, high{}, at_zero{};
  n_.fill(0.0);
  for (const Season& season : seasons_) sums_at(season, n_, at_zero, bend);
  std::array<bool, L> moves{};
  for (std::size_t g = 0; g < L; ++g) {
    high[g] = std::min(limit_[g], furthest * n_ref_);
    moves[g] = at_zero[g] > 0.0;
    // ln Λ is concave in n; the parabola at 0 lies left of the maximum mostly
    if (moves[g]) n_[g] = std::min(std::max(at_zero[g] / std::max(bend[g], 1e-300), 1e-3), 0.5 * high[g]);
  }
  for (int step = 0; step < most_steps && std::find(moves.begin(), moves.end(), true) != moves.end(); ++step) {
    slope.fill(0.0);
    bend.fill(0.0);
    for (const Season& season : seasons_) sums_at(season, n_, slope, bend);
    for (std::size_t g = 0; g < L; ++g) {
      if (!moves[g]) continue;
      (slope[g] > 0.0 ? low : high)[g] = n_[g];
      double next = bend[g] > 0.0 ? n_[g] + slope[g] / bend[g] : -1.0;
      if (!(next > low[g] && next < high[g])) next = 0.5 * (low[g] + high[g]);
      moves[g] = std::abs(next - n_[g]) > precision * next;
      n_[g] = next;
    }
  }
  values(value_);
  for (std::size_t g = 0; g < L; ++g)
    if (n_[g] > 0.75 * furthest * n_ref_ && furthest * n_ref_ < limit_[g]) return false;
  list_maxima(at_zero);
  return true;
}

void TemplateProfile::list_maxima(const Row& slope) {
  const GammaAxis& axis = sky_->axis();
  maxima_.clear();
  const auto add = [&](std::size_t i, const Vertex& v, double n, double value) {
    const double to = std::clamp(axis.front() + (static_cast<double>(i) + v.shift) * axis.coarse_width(), axis.front(), axis.back());
    maxima_.push_back({n, to, value});
  };
  const std::size_t top = static_cast<std::size_t>(std::max_element(value_.begin(), value_.end()) - value_.begin());
  if (!(n_[top] > 0.0)) {
    // No coarse γ has an excess: there is one between them only where the slopes at n = 0 leave room for it
    const std::size_t i = static_cast<std::size_t>(std::max_element(slope.begin(), slope.end()) - slope.begin());
    const Vertex v = vertex_at(slope, i);
    if (slope[i] + 2.0 * v.gain > 0.0) add(i, v, 0.01, 0.0);
    return;
  }
  for (std::size_t i = 0; i < L; ++i) {
    if ((i > 0 && value_[i] < value_[i - 1]) || (i + 1 < L && value_[i] <= value_[i + 1]) || !(n_[i] > 0.0)) continue;
    const Vertex v = vertex_at(value_, i);
    double n = n_[i];
    if (v.shift > 0.0 && n_[i + 1] > 0.0) n += v.shift * (n_[i + 1] - n);
    if (v.shift < 0.0 && n_[i - 1] > 0.0) n -= v.shift * (n_[i - 1] - n);
    add(i, v, n, value_[i] + v.gain);
  }
  std::sort(maxima_.begin(), maxima_.end(), [](const TemplateStart& a, const TemplateStart& b) { return a.value > b.value; });
  const double best = maxima_.front().value;
  while (maxima_.back().value + in_doubt + in_doubt_of_value * best < best) maxima_.pop_back();
}

}  // namespace nusky
