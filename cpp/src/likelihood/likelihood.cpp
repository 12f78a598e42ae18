#include "nusky/likelihood/likelihood.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace nusky {

Likelihood::Likelihood(GammaAxis axis, std::vector<double> sindec_nodes, const double* log_acceptance, int n_seasons, bool extended)
    : axis_(std::move(axis)), sindec_(std::move(sindec_nodes)), n_seasons_(n_seasons), extended_(extended) {
  if (n_seasons < 1) throw std::invalid_argument("log_acceptance: at least one season is needed");
  if (sindec_.empty()) throw std::invalid_argument("sindec_nodes: at least one node is needed");
  for (std::size_t i = 0; i < sindec_.size(); ++i)
    if (!std::isfinite(sindec_[i]) || (i > 0 && !(sindec_[i] > sindec_[i - 1])))
      throw std::invalid_argument("sindec_nodes: must be finite and increase strictly; node " + std::to_string(i) + " does not");
  const std::size_t given = std::max(1, axis_.size());
  width_ = static_cast<std::size_t>(axis_.padded_size());
  const std::size_t rows = static_cast<std::size_t>(n_seasons) * sindec_.size();
  log_acceptance_.assign(rows * width_, 0.0);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t g = 0; g < given; ++g) {
      const double v = log_acceptance[r * given + g];
      if (!std::isfinite(v))
        throw std::invalid_argument("log_acceptance: season " + std::to_string(r / sindec_.size()) + ", sin(dec) node " +
                                    std::to_string(r % sindec_.size()) + ", gamma node " + std::to_string(g) +
                                    " is not finite; give a small positive acceptance where there is none");
      log_acceptance_[r * width_ + g] = v;
    }
  if (n_seasons == 1 || !axis_.free()) return;
  const std::size_t K = static_cast<std::size_t>(n_seasons), D = sindec_.size(), cells = std::max<std::size_t>(1, D - 1);
  std::vector<float> upper(n_coarse_gamma), lower(D * K * n_coarse_gamma), row(width_);
  bounds_.resize(cells * K * n_coarse_gamma);
  // f_k = 1/(1 + Σ_s A_s/A_k). The interpolants are linear in ln A, so ln A_s − ln A_k is bounded as one function of γ: each of the two
  // alone changes by a factor of 20 over an interval. In sin δ it is linear within a cell, with its extremes at the cell's ends.
  for (std::size_t k = 0; k < K; ++k) {
    for (std::size_t s = 0; s < K; ++s)
      for (std::size_t d = 0; d < D; ++d) {
        for (std::size_t g = 0; g < width_; ++g)
          row[g] = static_cast<float>(log_acceptance_[(s * D + d) * width_ + g] - log_acceptance_[(k * D + d) * width_ + g]);
        axis_.coarse_bounds(row.data(), upper.data(), lower.data() + (d * K + s) * n_coarse_gamma);
      }
    for (std::size_t c = 0; c < cells; ++c)
      for (std::size_t j = 0; j < n_coarse_gamma; ++j) {
        double others = 0.0;
        for (std::size_t s = 0; s < K; ++s)
          if (s != k)
            others += std::exp(static_cast<double>(
                std::min(lower[(c * K + s) * n_coarse_gamma + j], lower[(std::min(c + 1, D - 1) * K + s) * n_coarse_gamma + j])));
        bounds_[(c * K + k) * n_coarse_gamma + j] = static_cast<float>((1.0 + 1e-4) / (1.0 + others));
      }
  }
}

std::size_t Likelihood::cell(double sindec, double& fraction) const {
  fraction = 0.0;
  if (sindec_.size() == 1) return 0;
  const auto above = std::upper_bound(sindec_.begin(), sindec_.end(), sindec);
  const auto i =
      static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(above - sindec_.begin() - 1, 0, static_cast<std::ptrdiff_t>(sindec_.size()) - 2));
  fraction = std::clamp((sindec - sindec_[i]) / (sindec_[i + 1] - sindec_[i]), 0.0, 1.0);
  return i;
}

void Likelihood::shares(double sindec, const Stencil& at, Share* out) const {
  if (n_seasons_ == 1) {
    out[0] = Share{};
    return;
  }
  double t = 0.0;
  const std::size_t c = cell(sindec, t), D = sindec_.size(), up = std::min(c + 1, D - 1);
  const auto K = static_cast<std::size_t>(n_seasons_);
  double most = -1e300;
  for (std::size_t k = 0; k < K; ++k) {
    const double* a = log_acceptance_.data() + (k * D + c) * width_;
    const double* b = log_acceptance_.data() + (k * D + up) * width_;
    double v = 0.0, s = 0.0, q = 0.0;
    if (axis_.size() == 0) {
      v = (1 - t) * a[0] + t * b[0];
    } else {
      for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t g = static_cast<std::size_t>(at.first) + i;
        const double x = (1 - t) * a[g] + t * b[g];
        v += at.value_d[i] * x;
        s += at.slope_d[i] * x;
        q += at.curvature_d[i] * x;
      }
    }
    out[k] = {v, s, q};
    most = std::max(most, v);
  }
  double sum = 0.0, mean_slope = 0.0, mean_second = 0.0;
  for (std::size_t k = 0; k < K; ++k) {
    out[k].f = std::exp(out[k].f - most);
    sum += out[k].f;
  }
  for (std::size_t k = 0; k < K; ++k) {
    out[k].f /= sum;
    mean_slope += out[k].f * out[k].slope;
    mean_second += out[k].f * (out[k].curvature + out[k].slope * out[k].slope);
  }
  for (std::size_t k = 0; k < K; ++k) {
    out[k].slope -= mean_slope;
    out[k].curvature -= mean_second - mean_slope * mean_slope;
  }
}

void Likelihood::share_bounds(double sindec, float* out) const {
  const auto K = static_cast<std::size_t>(n_seasons_);
  if (n_seasons_ == 1) {
    std::fill(out, out + n_coarse_gamma, 1.0F);
    return;
  }
  double t = 0.0;
  const std::size_t c = cell(sindec, t);
  if (!axis_.free()) {
    std::vector<Share> s(K);
    shares(sindec, axis_.size() == 1 ? axis_.stencil(axis_.front()) : Stencil{}, s.data());
    for (std::size_t k = 0; k < K; ++k)
      std::fill(out + k * n_coarse_gamma, out + (k + 1) * n_coarse_gamma, static_cast<float>(s[k].f * (1.0 + 1e-6)));
    return;
  }
  std::copy_n(bounds_.data() + c * K * n_coarse_gamma, K * n_coarse_gamma, out);
}

void Likelihood::highest_shares(double low, double high, float* out) const {
  const auto K = static_cast<std::size_t>(n_seasons_);
  if (n_seasons_ == 1) {
    out[0] = 1.0F;
    return;
  }
  double t = 0.0;
  std::fill(out, out + K, 0.0F);
  for (std::size_t c = cell(low, t), last = cell(high, t); c <= last; ++c)
    for (std::size_t k = 0; k < K; ++k) {
      const float* bounds = bounds_.data() + (c * K + k) * n_coarse_gamma;
      out[k] = std::max(out[k], *std::max_element(bounds, bounds + n_coarse_gamma));
    }
}

void Likelihood::highest_shares_of(int season, double low, double high, float* out) const {
  const auto K = static_cast<std::size_t>(n_seasons_), k = static_cast<std::size_t>(season);
  std::fill(out, out + n_coarse_gamma, n_seasons_ == 1 ? 1.0F : 0.0F);
  if (n_seasons_ == 1) return;
  double t = 0.0;
  for (std::size_t c = cell(low, t), last = cell(high, t); c <= last; ++c)
    for (std::size_t j = 0; j < n_coarse_gamma; ++j) out[j] = std::max(out[j], bounds_[(c * K + k) * n_coarse_gamma + j]);
}

bool Likelihood::has_shares_of(const Likelihood& other) const {
  return axis_.nodes() == other.axis_.nodes() && sindec_ == other.sindec_ && log_acceptance_ == other.log_acceptance_;
}

}  // namespace nusky
