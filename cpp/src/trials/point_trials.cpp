#include "nusky/trials/point_trials.hpp"

#include <algorithm>
#include <limits>
#include <memory>

#include "nusky/trials/point_fitter.hpp"

namespace nusky {
namespace {

constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
// Positions whose fits are worth a thread's time; so many pieces for each thread share the work well.
constexpr std::size_t positions_of_piece = 16, pieces_of_thread = 4;

bool same_columns(const PointSource& a, const PointSource& b) {
  for (std::size_t k = 0; k < a.n_seasons(); ++k)
    if (a.season(k).records->shared_columns() != b.season(k).records->shared_columns()) return false;
  return true;
}

// Sources of one piece of work: neighbours in the list that read the same columns.
struct Piece {
  std::size_t first, last;
  std::size_t position;  // of the first one in a row
  bool shared;           // all events are drawn, once for all sources
};

std::vector<Piece> pieces_of(const std::vector<std::shared_ptr<const PointSource>>& source, std::size_t fewest) {
  std::vector<Piece> pieces;
  std::size_t position = 0, in_reach = 0, positions = 0;
  const std::size_t most = std::max(positions_of_piece, (source.size() + fewest - 1) / fewest);
  for (std::size_t s = 0; s < source.size(); ++s) {
    if (s == 0 || positions >= most || !same_columns(*source[pieces.back().first], *source[s])) {
      pieces.push_back({s, s, position, false});
      in_reach = positions = 0;
    }
    pieces.back().last = s + 1;
    in_reach += source[s]->n_in_reach();
    positions += source[s]->n_positions();
    position += source[s]->n_positions();
    std::size_t events = 0;
    for (std::size_t k = 0; k < source[s]->n_seasons(); ++k) events += source[s]->n_events(k);
    pieces.back().shared = in_reach > events;
  }
  return pieces;
}

// The work space of a thread.
struct Worker {
  Worker(const Likelihood& likelihood, std::optional<double> gamma) : fitter(likelihood, gamma) {}
  PointFitter fitter;
  DrawnWords all, own;
  std::size_t quad = none;  // whose words are in `all`, for these columns
  const PointSource* columns = nullptr;
  std::vector<InjectedEvent> injected;
};

class Loop {
 public:
  Loop(const Likelihood& likelihood, const PointSources& sources, const TrialRequest& request, int columns, double* rows, int threads)
      : sources_(&sources),
        request_(&request),
        columns_(static_cast<std::size_t>(columns)),
        positions_(sources.n_positions()),
        rows_(rows),
        quads_(quads_of(request)) {
    const std::size_t wanted = pieces_of_thread * static_cast<std::size_t>(threads);
    pieces_ =
        pieces_of(sources.source, quads_.size() >= wanted ? 1 : (wanted + quads_.size() - 1) / std::max<std::size_t>(1, quads_.size()));
    if (request.poisson && sources.signal != nullptr) counts_.emplace(request.n_sig);
    for (int t = 0; t < threads; ++t) workers_.push_back(std::make_unique<Worker>(likelihood, sources.source[0]->gamma()));
  }

  std::size_t run(const Checkpoint& checkpoint) {
    const bool few = positions_ < positions_of_piece;
    std::size_t done = 0;
    run_in_batches(
        quads_.size() * pieces_.size(), static_cast<int>(workers_.size()), few ? first_quads : 1, few ? quads_at_once : 1,
        [&](std::size_t thread, std::size_t i) { work(*workers_[thread], i / pieces_.size(), pieces_[i % pieces_.size()]); },
        [&](std::size_t n) {
          const std::size_t whole = n / pieces_.size();
          done = whole == 0 ? 0 : quads_[whole - 1].last;
          return !checkpoint || checkpoint(done, request_->n);
        });
    return done;
  }

 private:
  void work(Worker& worker, std::size_t quad, const Piece& piece) {
    const std::uint64_t number = static_cast<std::uint64_t>(request_->number[quads_[quad].first]) / trials_of_block;
    std::size_t position = piece.position;
    for (std::size_t s = piece.first; s < piece.last; ++s) {
      const PointSource& source = *sources_->source[s];
      if (piece.shared && (worker.quad != quad || !same_columns(*worker.columns, source))) {
        worker.all.draw_all(source, request_->key, number);
        worker.quad = quad;
        worker.columns = &source;
      }
      if (!piece.shared) worker.own.draw(source, request_->key, number);
      for (std::size_t i = quads_[quad].first; i < quads_[quad].last; ++i) {
        make(worker, source, s, piece.shared ? worker.all : worker.own, i);
        for (std::size_t m = 0; m < source.n_positions(); ++m) write(i, position + m, worker.fitter.fit(m));
      }
      position += source.n_positions();
    }
  }

  void make(Worker& worker, const PointSource& source, std::size_t s, const DrawnWords& words, std::size_t i) {
    const auto number = static_cast<std::uint64_t>(request_->number[i]);
    PointFitter& fitter = worker.fitter;
    fitter.begin(source);
    fitter.take(words, number % trials_of_block);
    if (sources_->signal != nullptr) {
      sources_->signal->draw(request_->key, number, request_->n_sig, counts_ ? &*counts_ : nullptr, worker.injected);
      for (const InjectedEvent& e : worker.injected) {
        const PointSignalSeason& pool = sources_->signal->season(e.season);
        fitter.add(e.season, *pool.records, pool.event[e.row], pool.ra[e.row]);
      }
    }
    if (sources_->injected.empty()) return;
    for (std::size_t k = 0; k < source.n_seasons(); ++k) {
      const InjectedRecords& some = sources_->injected[s][k];
      for (auto row = static_cast<std::size_t>(some.first[i]); row < static_cast<std::size_t>(some.first[i + 1]); ++row)
        fitter.add(k, *some.records, some.records->columns().event(row), some.ra[row]);
    }
  }

  void write(std::size_t trial, std::size_t position, const DirectionFit& fit) {
    double* row = rows_ + (trial * positions_ + position) * columns_;
    row[0] = fit.ts;
    if (columns_ > 1) row[1] = fit.ns;
    if (columns_ > 2) row[2] = fit.gamma;
  }

  const PointSources* sources_;
  const TrialRequest* request_;
  std::size_t columns_, positions_;
  double* rows_;
  std::vector<TrialQuad> quads_;
  std::vector<Piece> pieces_;
  std::optional<Poisson> counts_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace

std::size_t PointSources::n_positions() const {
  std::size_t n = 0;
  for (const auto& one : source) n += one->n_positions();
  return n;
}

std::size_t fit_point_trials(const Likelihood& likelihood, const PointSources& sources, const TrialRequest& request, int columns,
                             double* rows, int n_threads, const Checkpoint& checkpoint) {
  return Loop(likelihood, sources, request, columns, rows, resolve_threads(n_threads)).run(checkpoint);
}

}  // namespace nusky
