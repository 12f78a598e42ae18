#include "nusky/stacking/stack.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

#include "nusky/kernels/table.hpp"
#include "nusky/stacking/stack_evaluator.hpp"
#include "nusky/threads.hpp"

namespace nusky {
namespace {

// Sources with extensions up to this are in the first class, up to twice as much in the next, and so on.
constexpr double first_extension = 0.25 * pi / 180.0;
// With more sources nearly every right ascension of every event is near one.
constexpr std::size_t most_marked = 2000;
constexpr double margin = 1e-5;
// Points between two neighbouring coarse γ at which p is looked at for its lift, and what may lie between those.
constexpr int points_between = 6;
constexpr double between_points = 1.01;

std::size_t class_of(double extension) {
  std::size_t c = 0;
  for (double edge = first_extension; extension > edge; edge *= 2.0) ++c;
  return c;
}

double log_sum(const std::vector<double>& logs) {
  const double most = *std::max_element(logs.begin(), logs.end());
  double sum = 0.0;
  for (const double l : logs) sum += std::exp(l - most);
  return most + std::log(sum);
}

double interpolated(const Stencil& at, const double* row, std::size_t n) {
  double v = 0.0;
  for (std::size_t i = 0; i < 4 && static_cast<std::size_t>(at.first) + i < n; ++i)
    v += at.value_d[i] * row[static_cast<std::size_t>(at.first) + i];
  return v;
}

}  // namespace

Stack::Stack(std::vector<std::shared_ptr<const EventColumns>> columns, const std::vector<double>& ra, const std::vector<double>& dec,
             const std::vector<double>& extension, const double* log_weight, double cut_n_sigma, int n_threads)
    : Hypothesis(std::move(columns)), n_sources_(ra.size()), cut_n_sigma_(cut_n_sigma) {
  if (ra.empty()) throw std::invalid_argument("ra: at least one source is needed");
  if (!(cut_n_sigma > 0.0)) throw std::invalid_argument("cut_n_sigma: must be positive (infinity: no cut)");
  for (std::size_t j = 0; j < n_sources_; ++j) {
    const std::string source = ": source " + std::to_string(j);
    if (!(ra[j] >= 0.0 && ra[j] <= 2 * pi)) throw std::invalid_argument("ra" + source + " must be within 0 and 2 pi rad");
    if (!(std::abs(dec[j]) <= pi / 2)) throw std::invalid_argument("dec" + source + " must be within -pi/2 and pi/2 rad");
    if (!(extension[j] >= 0.0 && extension[j] <= pi)) throw std::invalid_argument("extension" + source + " must be within 0 and pi rad");
  }
  n_nodes_ = static_cast<std::size_t>(std::max(1, axis().size()));
  const std::size_t padded = static_cast<std::size_t>(axis().padded_size());
  row_length_ = n_coarse_gamma + (padded + block_size - 1) / block_size * block_size;
  for (std::size_t i = 0; i < n_seasons() * n_sources_ * n_nodes_; ++i)
    if (!std::isfinite(log_weight[i])) throw std::invalid_argument("log_weight: entry " + std::to_string(i) + " is not finite");
  classify(ra, dec, extension);
  log_share_.resize(n_seasons());
  rows_.resize(n_seasons());
  lifts_.assign(n_seasons(), 1.0F);
  largest_share_.assign(n_seasons(), std::vector<float>(n_sources_, 0.0F));
  bins_.resize(n_seasons());
  reaches_.resize(n_seasons());
  own_.resize(n_seasons());
  for (std::size_t k = 0; k < n_seasons(); ++k) {
    fill_rows(k, log_weight + k * n_sources_ * n_nodes_, n_threads);
    const EventColumns& own = *season(k);
    reaches_[k].resize(own.size() * classes_.size());
    own_[k].resize(own.size());
    parallel_for(own.size(), n_threads, 1024, [&](std::size_t i) {
      own_[k][i] = stack_event(own.record(i));
      for (std::size_t c = 0; c < classes_.size(); ++c) reaches_[k][i * classes_.size() + c] = reach(classes_[c], own, i);
    });
    if (n_sources_ <= most_marked) mark_bins(k, ra, dec, extension, n_threads);
  }
}

void Stack::classify(const std::vector<double>& ra, const std::vector<double>& dec, const std::vector<double>& extension) {
  std::vector<std::vector<std::uint32_t>> members;
  for (std::size_t j = 0; j < n_sources_; ++j) {
    const std::size_t c = class_of(extension[j]);
    if (members.size() <= c) members.resize(c + 1);
    members[c].push_back(static_cast<std::uint32_t>(j));
  }
  for (const std::vector<std::uint32_t>& some : members) {
    if (some.empty()) continue;
    std::vector<double> of_ra, of_dec;
    double largest = 0.0;
    for (const std::uint32_t j : some) {
      of_ra.push_back(ra[j]);
      of_dec.push_back(dec[j]);
      largest = std::max(largest, extension[j]);
    }
    StackClass& sources = classes_.emplace_back(StackClass{SourceGrid(of_ra, of_dec), largest, {}, {}, {}, {}, {}});
    for (const std::uint32_t i : sources.grid.order()) {
      const std::uint32_t j = some[i];
      const Vec3 v = unit_vector(ra[j], dec[j]);
      sources.source.push_back(j);
      sources.x.push_back(fixed_point(v.x()));
      sources.y.push_back(fixed_point(v.y()));
      sources.z.push_back(fixed_point(v.z()));
      sources.extension2.push_back(static_cast<float>(extension[j] * extension[j]));
    }
    for (auto* column : {&sources.x, &sources.y, &sources.z}) column->resize(some.size() + block_size, 0);
    sources.extension2.resize(some.size() + block_size, 1.0F);
  }
}

void Stack::fill_rows(std::size_t k, const double* log_weight, int n_threads) {
  std::vector<double>& log_share = log_share_[k];
  log_share.assign(log_weight, log_weight + n_sources_ * n_nodes_);
  // what is common to all sources at a γ is taken out, so that p_j at the nodes is exp of this
  std::vector<double> column(n_sources_);
  for (std::size_t g = 0; g < n_nodes_; ++g) {
    for (std::size_t j = 0; j < n_sources_; ++j) column[j] = log_share[j * n_nodes_ + g];
    const double all = log_sum(column);
    for (std::size_t j = 0; j < n_sources_; ++j) log_share[j * n_nodes_ + g] -= all;
  }
  AlignedVector<float>& rows = rows_[k];
  rows.resize(n_sources_ * row_length_);
  std::fill(rows.begin(), rows.end(), 0.0F);
  if (!axis().free()) return;
  double coarse_sum[n_coarse_gamma] = {};
  for (std::size_t j = 0; j < n_sources_; ++j) {
    const double* logs = log_share.data() + j * n_nodes_;
    for (int l = 0; l < n_coarse_gamma; ++l) coarse_sum[l] += std::exp(interpolated(axis().coarse_stencil(l), logs, n_nodes_));
  }
  std::vector<float> lift(n_sources_);
  parallel_for(n_sources_, n_threads, 64, [&](std::size_t j) {
    const double* logs = log_share.data() + j * n_nodes_;
    float* row = rows.data() + j * row_length_;
    for (std::size_t g = 0; g < n_nodes_; ++g) row[n_coarse_gamma + g] = static_cast<float>(std::exp(logs[g]));
    double before = 0.0, most = 0.0, between = 0.0;
    for (int l = 0; l < n_coarse_gamma; ++l) {
      const double here = interpolated(axis().coarse_stencil(l), logs, n_nodes_);
      row[l] = static_cast<float>(std::exp(here) / coarse_sum[l]);
      for (int p = 1; l > 0 && p < points_between; ++p) {
        const double gamma = axis().coarse_gamma(l - 1) + p * axis().coarse_width() / points_between;
        between = std::max(between, interpolated(axis().stencil(gamma), logs, n_nodes_) - std::max(before, here));
      }
      // the largest R may be at the one end, the largest p at the other
      if (l > 0) most = std::max(most, std::abs(here - before));
      before = here;
    }
    lift[j] = static_cast<float>(std::exp(std::max(most, between)) * between_points);
    largest_share_[k][j] = *std::max_element(row, row + n_coarse_gamma) * static_cast<float>(std::exp(between) * between_points);
  });
  lifts_[k] = *std::max_element(lift.begin(), lift.end());
}

std::vector<float> Stack::shares(std::size_t k, std::optional<double> gamma) const {
  std::vector<float> out(n_sources_);
  const Stencil at = gamma && axis().size() > 1 ? axis().stencil(*gamma) : Stencil{};
  double sum = 0.0;
  const auto log_of = [&](std::size_t j) {
    const double* logs = log_share_[k].data() + j * n_nodes_;
    return n_nodes_ > 1 ? interpolated(at, logs, n_nodes_) : logs[0];
  };
  for (std::size_t j = 0; j < n_sources_; ++j) sum += std::exp(log_of(j));
  for (std::size_t j = 0; j < n_sources_; ++j) out[j] = static_cast<float>(std::exp(log_of(j)) / sum);
  return out;
}

// σ and B are read off the record, which holds no extension.
StackEvent Stack::stack_event(const EventRecord& record) {
  const double sigma2 = 0.5 / static_cast<double>(record.spatial.rate);
  double per_density = static_cast<double>(record.spatial.weight) * sigma2;
  if (record.spatial.gaussian == 0.0F) per_density *= -std::expm1(-2.0 / sigma2);
  return {fixed_point(record.sin_dec), static_cast<float>(sigma2), static_cast<float>(per_density), record.peak};
}

GridReach Stack::reach(const StackClass& sources, const EventColumns& columns, std::size_t event) const {
  const double sigma2 = 0.5 / static_cast<double>(columns.spatial(event).rate);
  const double arc = std::min(pi, cut_n_sigma_ * std::sqrt(sigma2 + sources.largest_extension * sources.largest_extension));
  return sources.grid.reach(columns.dec(event), arc);
}

// Marks, for every event of a season, the bins of right ascension in which a source can be within its cut.
void Stack::mark_bins(std::size_t k, const std::vector<double>& ra, const std::vector<double>& dec, const std::vector<double>& extension,
                      int n_threads) {
  const EventColumns& own = *season(k);
  bins_[k].assign(own.size(), 0);
  constexpr unsigned shift = 32 - bin_bits;
  std::vector<std::size_t> by_dec(n_sources_);
  std::iota(by_dec.begin(), by_dec.end(), std::size_t{0});
  std::sort(by_dec.begin(), by_dec.end(), [&](std::size_t a, std::size_t b) { return dec[a] < dec[b]; });
  const double widest = *std::max_element(extension.begin(), extension.end());
  parallel_for(own.size(), n_threads, 256, [&](std::size_t i) {
    const double sigma2 = 0.5 / static_cast<double>(own.spatial(i).rate);
    std::uint64_t marked = 0;
    const double highest = own.dec(i) + cut_n_sigma_ * std::sqrt(sigma2 + widest * widest) * (1.0 + margin) + margin;
    const auto lowest = std::lower_bound(by_dec.begin(), by_dec.end(), 2.0 * own.dec(i) - highest,
                                         [&](std::size_t j, double edge) { return dec[j] < edge; });
    for (auto it = lowest; it != by_dec.end() && dec[*it] <= highest && marked != ~std::uint64_t{0}; ++it) {
      const std::size_t j = *it;
      const double arc = std::min(pi, cut_n_sigma_ * std::sqrt(sigma2 + extension[j] * extension[j])) * (1.0 + margin) + margin;
      if (std::abs(own.dec(i) - dec[j]) > arc) continue;
      if (!(arc < pi / 2 - std::abs(own.dec(i)))) {
        marked = ~std::uint64_t{0};
        break;
      }
      const double half = std::asin(std::min(1.0, std::sin(arc) / own.cos_dec(i))) * (1.0 + margin) + margin;
      if (half > 0.99 * pi) {
        marked = ~std::uint64_t{0};
        break;
      }
      const std::uint32_t first = turn_word(ra[j] - half) >> shift, last = turn_word(ra[j] + half) >> shift;
      for (std::uint32_t b = first;; b = (b + 1) % 64) {
        marked |= std::uint64_t{1} << b;
        if (b == last) break;
      }
    }
    bins_[k][i] = marked;
  });
}

std::unique_ptr<Evaluator> Stack::evaluator(std::optional<double> gamma) const { return std::make_unique<StackEvaluator>(*this, gamma); }

}  // namespace nusky
