#include "nusky/templates/template_trials.hpp"

#include <array>

#include "nusky/random/philox.hpp"

namespace nusky {
namespace {

// Trials of a template are long: few at a time.
constexpr std::size_t first_batch = 1, grain = 1;

// Draws and fits; the work space of one thread.
class DrawnTemplate {
 public:
  DrawnTemplate(const SkyTemplate& sky, const std::vector<InjectedTemplate>& injected)
      : sky_(&sky), injected_(&injected), kernels_(&kernels()), fitter_(sky), word_(sky.n_seasons()), n_events_(sky.n_seasons()) {
    for (std::size_t k = 0; k < sky.n_seasons(); ++k)
      for (std::vector<std::uint32_t>& word : word_[k]) word.resize(sky.own(k).size() + template_room, 0);
  }

  void draw(std::uint64_t key, std::uint64_t quad) {
    for (std::size_t k = 0; k < word_.size(); ++k) {
      std::uint32_t* to[trials_of_block];
      for (std::size_t w = 0; w < trials_of_block; ++w) to[w] = word_[k][w].data();
      kernels_->blocks(sky_->own(k).size(), sky_->own(k).order(),
                       random_place(key, quad, Purpose::right_ascension, static_cast<std::uint32_t>(k)), to);
    }
  }

  DirectionFit fit(std::size_t w, std::size_t trial) {
    parts_.clear();
    for (std::size_t k = 0; k < word_.size(); ++k) {
      const TemplateEvents& own = sky_->own(k);
      parts_.push_back({k, &own, 0, own.size(), word_[k][w].data()});
      n_events_[k] = static_cast<double>(own.size());
      if (injected_->empty()) continue;
      const InjectedTemplate& some = (*injected_)[k];
      const auto first = static_cast<std::size_t>(some.first[trial]), last = static_cast<std::size_t>(some.first[trial + 1]);
      n_events_[k] += static_cast<double>(last - first);
      if (last > first) parts_.push_back({k, some.events.get(), first, last, some.word.data() + first});
    }
    return fitter_.fit(parts_, n_events_.data());
  }

 private:
  const SkyTemplate* sky_;
  const std::vector<InjectedTemplate>* injected_;
  const Kernels* kernels_;
  TemplateFitter fitter_;
  std::vector<std::array<std::vector<std::uint32_t>, trials_of_block>> word_;  // (K)(4)
  std::vector<double> n_events_;
  std::vector<TemplatePart> parts_;
};

}  // namespace

std::size_t fit_template_trials(const SkyTemplate& sky, const std::vector<InjectedTemplate>& injected, const TrialRequest& request,
                                int columns, double* rows, int n_threads, const Checkpoint& checkpoint) {
  const int threads = resolve_threads(n_threads);
  std::vector<std::unique_ptr<DrawnTemplate>> drawn;
  for (int t = 0; t < threads; ++t) drawn.push_back(std::make_unique<DrawnTemplate>(sky, injected));
  const std::vector<TrialQuad> quads = quads_of(request);
  const auto fit_quad = [&](std::size_t thread, std::size_t q) {
    const TrialQuad& quad = quads[q];
    drawn[thread]->draw(request.key, static_cast<std::uint64_t>(request.number[quad.first]) / trials_of_block);
    for (std::size_t i = quad.first; i < quad.last; ++i) {
      const DirectionFit fit = drawn[thread]->fit(static_cast<std::size_t>(request.number[i]) % trials_of_block, i);
      double* row = rows + i * static_cast<std::size_t>(columns);
      row[0] = fit.ts;
      row[1] = fit.ns;
      if (columns > 2) row[2] = fit.gamma;
    }
  };
  std::size_t done = 0;
  run_in_batches(quads.size(), threads, first_batch, grain, fit_quad, [&](std::size_t n) {
    done = quads[n - 1].last;
    return !checkpoint || checkpoint(done, request.n);
  });
  return done;
}

}  // namespace nusky
