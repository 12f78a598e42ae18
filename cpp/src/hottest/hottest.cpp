#include "nusky/hottest/hottest.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

#include "nusky/bounds/survey.hpp"
#include "nusky/threads.hpp"

namespace nusky {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
constexpr double checkpoint_interval = 0.15;
// Bounds are computed in float; this much of ts is added to them before anything is dropped.
constexpr double bound_slack = 1e-3;

// A survey pays where a direction needs more ts than this to win.
constexpr double worth_a_survey = 4.0;

// The best so far, shared between threads. It only rises, and a direction that could tie is never dropped, so the result
// does not depend on the order in which threads arrive.
class Board {
 public:
  explicit Board(const Search& search) : search_(&search), known_(search.n_priors()) {
    // ts ≥ 0, so the largest term is a first lower limit
    for (std::size_t j = 0; j < known_.size(); ++j) known_[j].store(search.top(j), std::memory_order_relaxed);
  }

  void raise(std::size_t prior, double value) {
    double old = known_[prior].load(std::memory_order_relaxed);
    while (value > old && !known_[prior].compare_exchange_weak(old, value, std::memory_order_relaxed)) {
    }
  }
  double known(std::size_t prior) const { return known_[prior].load(std::memory_order_relaxed); }
  /// The ts that a direction, given by its place, needs to win for one prior at least; +∞: it cannot.
  double needed(std::size_t place) const {
    return least([&](std::size_t j) { return search_->term(j, place); });
  }
  /// No direction of the cluster needs less.
  double needed_in(std::size_t cluster) const {
    return least([&](std::size_t j) { return search_->cluster_top(cluster, j); });
  }

 private:
  template <class Term>
  double least(const Term& term) const {
    double needed = std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < known_.size(); ++j) {
      const double t = term(j);
      if (t > minus_infinity) needed = std::min(needed, known(j) - t);
    }
    return needed;
  }

  const Search* search_;
  std::vector<std::atomic<double>> known_;
};

constexpr std::size_t few_events = 64;

// With few events, as in a short time window, the clusters an event lies in come first: one of them holds the hottest pixel, more often
// than not, and once it is known hardly any other has to be fitted.
void raise_early(std::vector<std::uint32_t>& queue, const Search& search, const EventIndex& index) {
  if (queue.empty() || index.size() > few_events) return;
  const std::vector<Cluster>& clusters = search.clusters();
  const std::vector<DirectionGroup>& groups = search.directions().groups();
  std::vector<char> holds(clusters.size(), 0);
  for (std::uint32_t i = 0; i < index.size(); ++i) {
    const IndexedEvent e = index.event(i);
    const Vec3 v(e.x, e.y, e.z);
    std::size_t nearest = 0;
    double closest = -2.0;
    for (std::size_t c = 0; c < clusters.size(); ++c)
      for (std::uint32_t g = 0; g < clusters[c].n_groups; ++g) {
        const double cosine = groups[clusters[c].group[g]].centre.dot(v);
        if (cosine > closest) {
          closest = cosine;
          nearest = c;
        }
      }
    holds[nearest] = 1;
  }
  std::stable_partition(queue.begin(), queue.end(), [&](std::uint32_t c) { return holds[c] != 0; });
}

// Bounds on the ts in the cells of a search; empty where there are none.
std::vector<float> bound_sky(const Likelihood& likelihood, const EventIndex& index, const Search& search, int n_threads) {
  std::vector<float> bound(search.n_cells());
  std::size_t at = 0;
  for (const auto& sky : search.sky()) {
    if (!sky->compute(likelihood, index, n_threads, bound.data() + at)) return {};
    at += sky->cells().size();
  }
  return bound;
}

bool may_have(const std::vector<float>& bound, std::uint32_t cell, double ts) {
  return cell == Search::no_cell || !(static_cast<double>(bound[cell]) < ts);
}

// How many clusters come first because much may be found there.
constexpr std::size_t most_promising = 6;

// Of the clusters near the peaks, those in which the bounds and the terms leave room for most come first: the sooner a large value is
// known, the fewer directions have to be fitted.
void promising_first(std::vector<std::uint32_t>& queue, const Search& search, const std::vector<float>& sky) {
  const std::vector<DirectionGroup>& groups = search.directions().groups();
  std::vector<std::pair<double, std::uint32_t>> most(search.first_far());
  for (std::uint32_t c = 0; c < most.size(); ++c) {
    const Cluster& cluster = search.clusters()[c];
    most[c] = {minus_infinity, c};
    for (std::uint32_t g = 0; g < cluster.n_groups; ++g)
      for (std::uint32_t p = 0; p < groups[cluster.group[g]].count; ++p) {
        const std::size_t place = groups[cluster.group[g]].first + p;
        const std::uint32_t cell = search.cell(place);
        if (cell != Search::no_cell) most[c].first = std::max(most[c].first, search.promise(place) + static_cast<double>(sky[cell]));
      }
  }
  const auto n = static_cast<std::ptrdiff_t>(std::min(most_promising, most.size()));
  std::partial_sort(most.begin(), most.begin() + n, most.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<char> chosen(queue.size(), 0);
  for (std::ptrdiff_t i = 0; i < n; ++i) chosen[most[static_cast<std::size_t>(i)].second] = 1;
  std::stable_partition(queue.begin(), queue.end(), [&](std::uint32_t c) { return chosen[c] != 0; });
}

// Adds the far clusters with a cell in which bound and terms leave room.
void keep_hopeful(std::vector<std::uint32_t>& queue, const Search& search, const std::vector<float>& sky, const Board& board) {
  std::vector<char> hopeful(search.clusters().size(), 0);
  for (std::size_t j = 0; j < search.n_priors(); ++j) {
    const double least = board.known(j) - bound_slack;
    const double* top = search.cell_top(j);
    constexpr std::size_t block = 64;  // without a branch: hardly any has a cell that matters
    for (std::size_t begin = 0; begin < sky.size(); begin += block) {
      const std::size_t end = std::min(begin + block, sky.size());
      int any = 0;
      for (std::size_t cell = begin; cell < end; ++cell) any |= static_cast<double>(sky[cell]) + top[cell] >= least;
      for (std::size_t cell = begin; any != 0 && cell < end; ++cell) {
        if (!(static_cast<double>(sky[cell]) + top[cell] >= least)) continue;
        for (const std::uint32_t* c = search.far_begin(cell); c != search.far_end(cell); ++c)
          if (static_cast<double>(sky[cell]) + search.cluster_top(*c, j) >= least) hopeful[*c] = 1;
      }
    }
  }
  for (std::size_t c = search.first_far(); c < hopeful.size(); ++c)
    if (hopeful[c] != 0) queue.push_back(static_cast<std::uint32_t>(c));
}

void take(std::vector<Hottest>& best, const Search& search, std::size_t place, const DirectionFit& fit) {
  const auto direction = static_cast<std::int64_t>(search.directions().order()[place]);
  for (std::size_t j = 0; j < best.size(); ++j) {
    const double t = search.term(j, place);
    if (!(t > minus_infinity)) continue;
    const double value = fit.ts + t;
    Hottest& b = best[j];
    if (b.direction < 0 || value > b.ts_prior || (value == b.ts_prior && direction < b.direction)) b = {direction, value, fit};
  }
}

}  // namespace

HottestResult find_hottest(const Likelihood& likelihood, const EventIndex& index, const Search& search, double gamma, int n_threads,
                           bool prune, const Checkpoint& checkpoint) {
  const Directions& directions = search.directions();
  const std::vector<DirectionGroup>& groups = directions.groups();
  const std::vector<Cluster>& clusters = search.clusters();
  const std::size_t n_priors = search.n_priors();
  const int threads = std::min(resolve_threads(n_threads), groups.size() < 2 ? 1 : max_threads());
  const FitModel model(likelihood, index, gamma, groups.size(), threads);
  Board board(search);
  HottestResult out;
  out.best.resize(n_priors);
  std::vector<std::uint32_t> queue(clusters.size());
  std::iota(queue.begin(), queue.end(), 0U);
  if (prune) raise_early(queue, search, index);

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
    std::array<std::uint32_t, n_lanes> lanes{};
    std::size_t count = 0;
    for (std::uint32_t lane = 0; lane < group.count; ++lane)
      if (alive[lane]) lanes[count++] = lane;
    // directions of largest term first: they raise the bar for the others
    std::sort(lanes.begin(), lanes.begin() + static_cast<std::ptrdiff_t>(count),
              [&](std::uint32_t a, std::uint32_t b) { return needed[a] < needed[b]; });
    fitter.load(directions, g, lanes.data(), count);
    fitter.prepare();
    for (std::size_t p = 0; p < count; ++p) {
      const std::size_t place = group.first + lanes[p];
      if (prune && fitter.proven_zero(p) && board.needed(place) > 0.0) continue;
      const DirectionFit fit = fitter.fit(p);
      ++fitted[thread];
      take(best[thread], search, place, fit);
      for (std::size_t j = 0; j < n_priors; ++j) {
        const double t = search.term(j, place);
        if (t > minus_infinity) board.raise(j, fit.ts + t);
      }
    }
  };
  std::vector<float> sky;  // bounds on the ts in the cells of the sky, where they are worth it
  const auto work = [&](std::size_t thread, std::size_t q) {
    const std::uint32_t c = queue[q];
    const Cluster& cluster = clusters[c];
    const double least = board.needed_in(c) - bound_slack;
    // close to the peak of the prior nearly every direction would pass
    const bool worth = prune && least > worth_a_survey;
    std::array<double, Cluster::most_groups * n_lanes> needed{};
    std::array<bool, Cluster::most_groups * n_lanes> alive{};
    for (std::uint32_t g = 0; g < cluster.n_groups; ++g) {
      const DirectionGroup& group = groups[cluster.group[g]];
      for (std::uint32_t p = 0; p < group.count; ++p) {
        const std::size_t i = g * n_lanes + p;
        needed[i] = board.needed(group.first + p) - bound_slack;
        alive[i] = std::isfinite(needed[i]) && (sky.empty() || may_have(sky, search.cell(group.first + p), needed[i]));
      }
    }
    if (worth) {
      surveys[thread].enter(directions, clusters, queue.data() + q, queue.size() - q);
      if (!surveys[thread].drop_hopeless(directions, cluster, needed.data(), alive.data())) return;
    }
    for (std::uint32_t g = 0; g < cluster.n_groups; ++g) {
      const bool* first = alive.data() + g * n_lanes;
      if (std::any_of(first, first + groups[cluster.group[g]].count, [](bool a) { return a; }))
        fit_group(thread, cluster.group[g], needed.data() + g * n_lanes, first);
    }
  };

  using Clock = std::chrono::steady_clock;
  std::size_t done = 0, batch = std::max<std::size_t>(16, static_cast<std::size_t>(threads) * 8);
  bool wide = prune && search.wide() && index.size() > few_events;
  if (wide) {
    sky = bound_sky(likelihood, index, search, threads);
    wide = !sky.empty();
  }
  if (wide) promising_first(queue, search, sky);
  while (done < queue.size()) {
    if (wide && done == search.first_far()) {
      wide = false;
      queue.resize(done);
      keep_hopeful(queue, search, sky, board);
      continue;
    }
    const std::size_t end = std::min(wide ? search.first_far() : queue.size(), done + batch);
    const auto begin = Clock::now();
    if (threads == 1) {
      for (std::size_t q = done; q < end; ++q) work(0, q);
    } else {
      const auto first = static_cast<std::ptrdiff_t>(done), last = static_cast<std::ptrdiff_t>(end);
#pragma omp parallel num_threads(threads)
      {
        const auto thread = static_cast<std::size_t>(thread_number());
#pragma omp for schedule(dynamic, 1)
        for (std::ptrdiff_t q = first; q < last; ++q) work(thread, static_cast<std::size_t>(q));
      }
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const double wanted = static_cast<double>(end - done) * checkpoint_interval / std::max(seconds, 1e-6);
    done = end;
    batch = std::max<std::size_t>(16, static_cast<std::size_t>(std::min(wanted, 8.0 * static_cast<double>(batch))));
    if (checkpoint && !checkpoint(done, queue.size())) {
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
