#include "nusky/hottest/hottest.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "nusky/bounds/knot_bound.hpp"
#include "nusky/bounds/survey.hpp"
#include "nusky/hottest/board.hpp"
#include "nusky/hottest/order.hpp"

namespace nusky {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
// A survey pays where a direction needs more ts than this to win.
constexpr double worth_a_survey = 4.0;
// With so many events their largest R over all γ add up to more than there is at any γ: bounds pay that know γ, where there are some tiles.
constexpr std::size_t many_events = 300000, some_groups = 16;
// Of so many clusters the likely best direction is fitted before all else.
constexpr std::size_t first_clusters = 16;

// Bounds on the ts in some cells; empty where there are none, or where they do not pay.
std::vector<float> bound_sky(const Likelihood& likelihood, const EventIndex& index, const PlanCells& cells, int n_threads) {
  std::vector<float> bound(cells.n_cells());
  std::size_t at = 0;
  for (const auto& sky : cells.sky()) {
    if (!sky->compute(likelihood, index, n_threads, bound.data() + at)) return {};
    at += sky->cells().size();
  }
  return bound;
}

// Whether far clusters need so much ts that coarse cells tell as much.
bool far_need_much(const SearchPlan& plan, const Board& board) {
  for (std::size_t j = 0; j < plan.n_priors(); ++j)
    if (board.known(j) - plan.far_top(j) < PlanCells::coarse_ts) return false;
  return true;
}

bool may_have(const std::vector<float>& bound, std::uint32_t cell, double ts) {
  return cell == PlanCells::no_cell || !(static_cast<double>(bound[cell]) < ts);
}

// Whether a wins against b: the larger value, of equal ones the lower direction.
bool wins(const Hottest& a, const Hottest& b) {
  if (a.direction < 0 || b.direction < 0) return b.direction < 0 && a.direction >= 0;
  return a.ts_prior > b.ts_prior || (a.ts_prior == b.ts_prior && a.direction < b.direction);
}

// The best of the directions that were not looked at because no event reaches them. Where the largest term is at one that was, that one is
// in the table already.
void enter_places_without_events(const SearchPlan& plan, std::vector<Hottest>& best) {
  for (std::size_t j = 0; j < best.size(); ++j) {
    Hottest far{plan.top_direction(j), plan.top(j), {}};
    far.fit.status = Status::no_events;
    if (wins(far, best[j])) best[j] = far;
  }
}

// The search of one trial: what its threads share, and the work space of each.
class HottestSearch {
 public:
  HottestSearch(const FitModel& model, const SearchPlan& plan, int n_threads, bool prune);

  /// Bounds on the ts in some cells of the plan that are to be used from now on.
  void use(const PlanCells& cells, std::vector<float> sky) {
    cells_ = &cells;
    sky_ = std::move(sky);
  }
  const PlanCells& cells() const { return *cells_; }
  const std::vector<float>& sky() const { return sky_; }
  /// Bounds on the ts by cluster.
  void use_local(std::vector<float> ts) { local_ = std::move(ts); }
  const Board& board() const { return board_; }
  /// Bounds that know γ take the place of those of a survey from now on; false: they do not pay.
  bool use_knots(const FitModel& model);
  /// Looks at the clusters first … last−1 of a queue. False: the checkpoint, which counts clusters of the queue, stopped it.
  bool look(const ClusterQueue& queue, std::size_t first, std::size_t last, const Checkpoint& checkpoint);
  /// Fits the likely best direction of the first clusters of a queue where nearly every direction would be fitted: however many threads
  /// there are, they start with a high bar.
  void raise_bar(const ClusterQueue& queue);
  /// The best of all threads.
  HottestResult gather() const;

 private:
  // One entry for each direction of a cluster, by group and lane.
  template <class T>
  using ByLane = std::array<T, Cluster::most_groups * group_size>;
  struct Thread {
    GroupFitter fitter;
    Survey survey;
    std::optional<KnotBound> knots;
    std::vector<Hottest> best;  // per prior
    std::size_t n_fitted = 0;
  };

  void work(Thread& thread, const ClusterQueue& queue, std::size_t q);
  void find_needed(const Cluster& cluster, ByLane<double>& needed, ByLane<bool>& alive) const;
  void fit_group(Thread& thread, std::size_t g, const double* needed, const bool* alive);
  void enter(Thread& thread, std::size_t slot, const DirectionFit& fit);

  const SearchPlan* plan_;
  const std::vector<DirectionGroup>* groups_;
  bool prune_;
  Board board_;
  const PlanCells* cells_ = nullptr;
  std::vector<float> sky_, local_;
  std::optional<KnotEvents> knots_;
  std::vector<Thread> threads_;
};

HottestSearch::HottestSearch(const FitModel& model, const SearchPlan& plan, int n_threads, bool prune)
    : plan_(&plan), groups_(&plan.directions().groups()), prune_(prune), board_(plan) {
  for (int t = 0; t < n_threads; ++t)
    threads_.push_back({GroupFitter(model, groups_->size() > 8), Survey(model), std::nullopt, std::vector<Hottest>(plan.n_priors())});
}

bool HottestSearch::use_knots(const FitModel& model) {
  if (!model.gamma_free() || model.index().size() < many_events || groups_->size() < some_groups) return false;
  const auto seasons = plan_->knot_rows().of(model.likelihood(), model.index(), static_cast<int>(threads_.size()));
  if (seasons == nullptr) return false;
  const BoundConstants constants;
  knots_.emplace(model, plan_->knot_rows(), seasons, constants, static_cast<int>(threads_.size()));
  if (!knots_->any()) return false;
  for (Thread& thread : threads_) thread.knots.emplace(*knots_, constants);
  return true;
}

bool HottestSearch::look(const ClusterQueue& queue, std::size_t first, std::size_t last, const Checkpoint& checkpoint) {
  return run_in_batches(
      last - first, static_cast<int>(threads_.size()), 8, 1,
      [&](std::size_t thread, std::size_t i) { work(threads_[thread], queue, first + i); },
      [&](std::size_t done) { return !checkpoint || checkpoint(first + done, queue.size()); });
}

void HottestSearch::work(Thread& thread, const ClusterQueue& queue, std::size_t q) {
  const std::uint32_t c = queue[q];
  if (!local_.empty() && static_cast<double>(local_[c]) < board_.needed_in(c) - bound_slack) return;
  const Cluster& cluster = plan_->clusters()[c];
  // close to the peak of the prior nearly every direction would pass
  const bool worth = prune_ && board_.needed_in(c) - bound_slack > worth_a_survey;
  ByLane<double> needed{};
  ByLane<bool> alive{};
  find_needed(cluster, needed, alive);
  if (thread.knots) {
    for (std::uint32_t g = 0; g < cluster.n_groups; ++g)
      thread.knots->drop_hopeless(plan_->directions(), (*groups_)[cluster.group[g]], needed.data() + g * group_size,
                                  alive.data() + g * group_size);
  } else if (worth) {
    thread.survey.enter(plan_->directions(), plan_->clusters(), queue.data() + q, queue.size() - q);
    if (!thread.survey.drop_hopeless(plan_->directions(), cluster, needed.data(), alive.data())) return;
  }
  for (std::uint32_t g = 0; g < cluster.n_groups; ++g) {
    const bool* first = alive.data() + g * group_size;
    if (std::any_of(first, first + (*groups_)[cluster.group[g]].count, [](bool a) { return a; }))
      fit_group(thread, cluster.group[g], needed.data() + g * group_size, first);
  }
}

void HottestSearch::raise_bar(const ClusterQueue& queue) {
  parallel_for(std::min(queue.size(), first_clusters), static_cast<int>(threads_.size()), 1, [&](std::size_t q) {
    const std::uint32_t c = queue[q];
    if (board_.needed_in(c) - bound_slack > worth_a_survey) return;
    const Cluster& cluster = plan_->clusters()[c];
    ByLane<double> needed{};
    ByLane<bool> alive{};
    find_needed(cluster, needed, alive);
    Thread& thread = threads_[static_cast<std::size_t>(threads_.size() > 1 ? thread_number() : 0)];
    const std::size_t i = thread.survey.likely_best(plan_->directions(), cluster, needed.data(), alive.data());
    if (i == Survey::none) return;
    const std::size_t g = cluster.group[i / group_size];
    const auto lane = static_cast<std::uint32_t>(i % group_size);
    thread.fitter.load(plan_->directions(), g, &lane, 1);
    enter(thread, (*groups_)[g].first + lane, thread.fitter.fit(0));
  });
}

// The ts that each direction needs, and whether it may have that much as far as terms and sky bounds say.
void HottestSearch::find_needed(const Cluster& cluster, ByLane<double>& needed, ByLane<bool>& alive) const {
  for (std::uint32_t g = 0; g < cluster.n_groups; ++g) {
    const DirectionGroup& group = (*groups_)[cluster.group[g]];
    for (std::uint32_t lane = 0; lane < group.count; ++lane) {
      const std::size_t i = g * group_size + lane, slot = group.first + lane;
      needed[i] = board_.needed(slot) - bound_slack;
      alive[i] = std::isfinite(needed[i]) && (sky_.empty() || may_have(sky_, cells_->cell(slot), needed[i]));
    }
  }
}

void HottestSearch::fit_group(Thread& thread, std::size_t g, const double* needed, const bool* alive) {
  const DirectionGroup& group = (*groups_)[g];
  std::array<std::uint32_t, group_size> lanes{};
  std::size_t count = 0;
  for (std::uint32_t lane = 0; lane < group.count; ++lane)
    if (alive[lane]) lanes[count++] = lane;
  // directions of largest term first: they raise the bar for the others
  std::sort(lanes.begin(), lanes.begin() + static_cast<std::ptrdiff_t>(count),
            [&](std::uint32_t a, std::uint32_t b) { return needed[a] < needed[b]; });
  GroupFitter& fitter = thread.fitter;
  fitter.load(plan_->directions(), g, lanes.data(), count);
  fitter.prepare();
  for (std::size_t p = 0; p < count; ++p) {
    const std::size_t slot = group.first + lanes[p];
    if (prune_ && fitter.proven_zero(p) && board_.needed(slot) > 0.0) continue;
    enter(thread, slot, fitter.fit(p));
  }
}

void HottestSearch::enter(Thread& thread, std::size_t slot, const DirectionFit& fit) {
  ++thread.n_fitted;
  const auto direction = static_cast<std::int64_t>(plan_->directions().order()[slot]);
  for (std::size_t j = 0; j < thread.best.size(); ++j) {
    const double term = plan_->term(j, slot);
    if (!(term > minus_infinity)) continue;
    const Hottest here{direction, fit.ts + term, fit};
    if (wins(here, thread.best[j])) thread.best[j] = here;
    board_.raise(j, here.ts_prior);
  }
}

HottestResult HottestSearch::gather() const {
  HottestResult out;
  out.best.resize(plan_->n_priors());
  for (const Thread& thread : threads_) {
    out.n_fitted += thread.n_fitted;
    for (std::size_t j = 0; j < out.best.size(); ++j)
      if (wins(thread.best[j], out.best[j])) out.best[j] = thread.best[j];
  }
  return out;
}

}  // namespace

HottestResult find_hottest(const Likelihood& likelihood, const EventIndex& index, const SearchPlan& plan, std::optional<double> gamma,
                           int n_threads, bool prune, const Checkpoint& checkpoint) {
  const std::size_t n_groups = plan.directions().groups().size();
  const int threads = std::min(resolve_threads(n_threads), n_groups < 2 ? 1 : max_threads());
  const FitModel model(likelihood, index, gamma, n_groups, threads);
  HottestSearch search(model, plan, threads, prune);
  ClusterQueue queue;
  bool local = prune && index.size() <= local_events;
  if (local) {
    NearClusters near = clusters_near(plan, model);
    local = 2 * near.queue.size() <= plan.clusters().size();
    if (local) {
      queue = std::move(near.queue);
      search.use_local(std::move(near.ts));
    }
  }
  if (!local) {
    queue.resize(plan.clusters().size());
    std::iota(queue.begin(), queue.end(), 0U);
  }
  if (prune) raise_early(queue, plan, index);
  const bool sky = prune && !local && !search.use_knots(model) && plan.wide() && index.size() > few_events;
  bool whole = true;
  std::size_t done = 0, first_far = plan.first_far();
  if (sky) {
    const ClusterQueue first = loose_first(queue, plan, index);
    whole = search.look(first, 0, first.size(), checkpoint);
    first_far -= first.size();
    const PlanCells& cells = far_need_much(plan, search.board()) ? plan.coarse_cells() : plan.cells();
    if (whole) search.use(cells, bound_sky(likelihood, index, cells, threads));
  }
  if (!search.sky().empty()) promising_first(queue, plan, search.cells(), search.sky());
  if (whole && prune && threads > 1 && !local && index.size() > few_events) search.raise_bar(queue);
  if (!search.sky().empty()) {  // the near clusters first: their ts leaves little hope to the others
    done = first_far;
    whole = search.look(queue, 0, done, checkpoint);
    queue.resize(done);
    if (whole) keep_hopeful(queue, plan, search.cells(), search.sky(), search.board());
  }
  whole = whole && search.look(queue, done, queue.size(), checkpoint);
  HottestResult out = search.gather();
  if (local) enter_places_without_events(plan, out.best);
  out.interrupted = !whole;
  return out;
}

}  // namespace nusky
