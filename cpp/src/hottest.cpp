#include "nusky/hottest.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

#include "nusky/survey.hpp"
#include "nusky/threads.hpp"

namespace nusky {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
constexpr double checkpoint_interval = 0.15;
// Bounds are computed in float; this much of ts is added to them before anything is dropped.
constexpr double bound_slack = 1e-3;

// A survey pays where a direction needs more ts than this to win.
constexpr double worth_a_survey = 4.0;

struct Candidate {
  std::size_t group;
  double promise;  // how far above the known best the terms of the group start, at most 0
};

// The best so far, shared between threads. It only rises, and a direction that could tie is never dropped, so the result
// does not depend on the order in which threads arrive.
class Board {
 public:
  Board(std::size_t n_priors, std::size_t n_directions, const double* terms) : n_(n_directions), terms_(terms), known_(n_priors) {
    for (auto& k : known_) k.store(minus_infinity, std::memory_order_relaxed);
  }
  double term(std::size_t prior, std::size_t direction) const { return terms_[prior * n_ + direction]; }
  double known(std::size_t prior) const { return known_[prior].load(std::memory_order_relaxed); }
  std::size_t n_priors() const { return known_.size(); }

  void raise(std::size_t prior, double value) {
    double old = known_[prior].load(std::memory_order_relaxed);
    while (value > old && !known_[prior].compare_exchange_weak(old, value, std::memory_order_relaxed)) {
    }
  }
  /// The ts that a direction needs to win for one prior at least; +∞: it cannot.
  double needed(std::size_t direction) const {
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < known_.size(); ++j) {
      const double t = term(j, direction);
      if (t > minus_infinity) least = std::min(least, known(j) - t);
    }
    return least;
  }

 private:
  std::size_t n_;
  const double* terms_;
  std::vector<std::atomic<double>> known_;
};

// With few events, as in a short time window, the groups an event lies in come first: one of them holds the hottest pixel, more often
// than not, and once it is known hardly any other has to be fitted.
void raise_early(std::vector<Candidate>& queue, const std::vector<DirectionGroup>& groups, const EventIndex& index) {
  constexpr std::size_t few_events = 64;
  if (queue.empty() || index.size() > few_events) return;
  std::vector<char> holds(groups.size(), 0);
  for (std::uint32_t i = 0; i < index.size(); ++i) {
    const IndexedEvent& e = index.event(i);
    const Vec3 v(e.x, e.y, e.z);
    const Candidate* nearest = &queue.front();
    for (const Candidate& c : queue)
      if (groups[c.group].centre.dot(v) > groups[nearest->group].centre.dot(v)) nearest = &c;
    holds[nearest->group] = 1;
  }
  std::stable_partition(queue.begin(), queue.end(), [&](const Candidate& c) { return holds[c.group] != 0; });
}

void take(std::vector<Hottest>& best, const Board& board, std::size_t direction, const DirectionFit& fit) {
  for (std::size_t j = 0; j < best.size(); ++j) {
    const double t = board.term(j, direction);
    if (!(t > minus_infinity)) continue;
    const double value = fit.ts + t;
    Hottest& b = best[j];
    const auto d = static_cast<std::int64_t>(direction);
    if (b.direction < 0 || value > b.ts_prior || (value == b.ts_prior && d < b.direction)) b = {d, value, fit};
  }
}

}  // namespace

HottestResult find_hottest(const Likelihood& likelihood, const EventIndex& index, const Directions& directions, const double* terms,
                           std::size_t n_priors, double gamma, int n_threads, bool prune, const Checkpoint& checkpoint) {
  const std::size_t n = directions.size();
  for (std::size_t i = 0; i < n_priors * n; ++i)
    if (std::isnan(terms[i]) || terms[i] == std::numeric_limits<double>::infinity())
      throw std::invalid_argument("prior_terms: prior " + std::to_string(i / n) + ", direction " + std::to_string(i % n) +
                                  " must be a number or -inf (cannot win)");
  const std::vector<DirectionGroup>& groups = directions.groups();
  const std::vector<std::uint32_t>& order = directions.order();
  const int threads = std::min(resolve_threads(n_threads), groups.size() < 2 ? 1 : max_threads());
  const FitModel model(likelihood, index, gamma, groups.size(), threads);
  Board board(n_priors, n, terms);
  HottestResult out;
  out.best.resize(n_priors);

  // ts ≥ 0, so the largest term is a first lower limit
  std::vector<double> top(n_priors, minus_infinity);
  for (std::size_t j = 0; j < n_priors; ++j) {
    for (std::size_t i = 0; i < n; ++i) top[j] = std::max(top[j], terms[j * n + i]);
    board.raise(j, top[j]);
  }
  std::vector<Candidate> queue;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    double promise = minus_infinity;
    for (std::uint32_t p = 0; p < groups[g].count; ++p)
      for (std::size_t j = 0; j < n_priors; ++j) promise = std::max(promise, board.term(j, order[groups[g].first + p]) - top[j]);
    if (promise > minus_infinity) queue.push_back({g, promise});
  }
  if (prune)  // steps of two in ts, so that neighbours still follow each other and share their candidates
    std::stable_sort(queue.begin(), queue.end(),
                     [](const Candidate& a, const Candidate& b) { return std::floor(a.promise / 2) > std::floor(b.promise / 2); });

  if (prune) raise_early(queue, groups, index);

  // neighbours that follow each other are surveyed together
  std::vector<Cluster> clusters;
  for (const Candidate& candidate : queue) {
    const DirectionGroup& group = groups[candidate.group];
    const auto fits = [&](const Cluster& c) {
      return c.groups.size() < Cluster::most_groups && worth_joining(groups[c.groups.front()], group, 3.0);
    };
    if (clusters.empty() || !fits(clusters.back())) clusters.push_back({{group.centre, group.radius}, {}});
    clusters.back().groups.push_back(static_cast<std::uint32_t>(candidate.group));
  }
  for (Cluster& c : clusters) c.cap = enclosing_cap(groups, c.groups.data(), c.groups.size());

  std::vector<GroupFitter> fitters;
  std::vector<Survey> surveys;
  std::vector<std::vector<Hottest>> best(static_cast<std::size_t>(threads), std::vector<Hottest>(n_priors));
  std::vector<std::size_t> fitted(static_cast<std::size_t>(threads), 0);
  for (int t = 0; t < threads; ++t) {
    fitters.emplace_back(model, groups.size() > 8);
    surveys.emplace_back(model);
  }

  const auto fit_group = [&](std::size_t thread, std::size_t g, const double* needed, const bool* alive) {
    const DirectionGroup& group = groups[g];
    GroupFitter& fitter = fitters[thread];
    fitter.load(directions, g);
    // directions of largest term first: they raise the bar for the others
    std::array<std::uint32_t, n_lanes> lanes{};
    std::iota(lanes.begin(), lanes.begin() + group.count, 0U);
    std::sort(lanes.begin(), lanes.begin() + group.count, [&](std::uint32_t a, std::uint32_t b) { return needed[a] < needed[b]; });
    for (std::uint32_t k = 0; k < group.count; ++k) {
      const std::uint32_t p = lanes[k];
      const std::size_t direction = order[group.first + p];
      if (!alive[p] || (prune && fitter.proven_zero(static_cast<int>(p)) && board.needed(direction) > 0.0)) continue;
      const DirectionFit fit = fitter.fit(static_cast<int>(p));
      ++fitted[thread];
      take(best[thread], board, direction, fit);
      for (std::size_t j = 0; j < n_priors; ++j) {
        const double t = board.term(j, direction);
        if (t > minus_infinity) board.raise(j, fit.ts + t);
      }
    }
  };
  const auto work = [&](std::size_t thread, const Cluster& cluster) {
    std::array<double, Cluster::most_groups * n_lanes> needed{};
    std::array<bool, Cluster::most_groups * n_lanes> alive{};
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t g = 0; g < cluster.groups.size(); ++g)
      for (std::uint32_t p = 0; p < groups[cluster.groups[g]].count; ++p) {
        const std::size_t i = g * n_lanes + p;
        needed[i] = board.needed(order[groups[cluster.groups[g]].first + p]) - bound_slack;
        alive[i] = std::isfinite(needed[i]);
        least = std::min(least, needed[i]);
      }
    if (!std::isfinite(least)) return;
    // close to the peak of the prior nearly every direction would pass
    if (prune && least > worth_a_survey && !surveys[thread].drop_hopeless(directions, cluster, needed.data(), alive.data())) return;
    for (std::size_t g = 0; g < cluster.groups.size(); ++g) {
      const bool* first = alive.data() + g * n_lanes;
      if (std::any_of(first, first + groups[cluster.groups[g]].count, [](bool a) { return a; }))
        fit_group(thread, cluster.groups[g], needed.data() + g * n_lanes, first);
    }
  };

  using Clock = std::chrono::steady_clock;
  std::size_t done = 0, batch = std::max<std::size_t>(16, static_cast<std::size_t>(threads) * 8);
  while (done < clusters.size()) {
    const std::size_t end = std::min(clusters.size(), done + batch);
    const auto begin = Clock::now();
    if (threads == 1) {
      for (std::size_t q = done; q < end; ++q) work(0, clusters[q]);
    } else {
      const auto first = static_cast<std::ptrdiff_t>(done), last = static_cast<std::ptrdiff_t>(end);
#pragma omp parallel num_threads(threads)
      {
        const auto thread = static_cast<std::size_t>(thread_number());
#pragma omp for schedule(dynamic, 1)
        for (std::ptrdiff_t q = first; q < last; ++q) work(thread, clusters[static_cast<std::size_t>(q)]);
      }
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const double wanted = static_cast<double>(end - done) * checkpoint_interval / std::max(seconds, 1e-6);
    done = end;
    batch = std::max<std::size_t>(16, static_cast<std::size_t>(std::min(wanted, 8.0 * static_cast<double>(batch))));
    if (checkpoint && !checkpoint(done, clusters.size())) {
      out.interrupted = true;
      break;
    }
  }
  for (std::size_t t = 0; t < best.size(); ++t) {
    out.n_fitted += fitted[t];
    for (std::size_t j = 0; j < n_priors; ++j) {
      const Hottest& b = best[t][j];
      Hottest& o = out.best[j];
      if (b.direction >= 0 && (o.direction < 0 || b.ts_prior > o.ts_prior || (b.ts_prior == o.ts_prior && b.direction < o.direction)))
        o = b;
    }
  }
  return out;
}

}  // namespace nusky
