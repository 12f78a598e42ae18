#include "nusky/trials/hypothesis_fitter.hpp"

#include <algorithm>

#include "nusky/kernels/table.hpp"

namespace nusky {
namespace {

// A margin for rounding.
constexpr double below = 1.0 - 1e-4;
// Events are left out for n_s up to so many times the number of those injected: a fit needs them to twice its n_s.
constexpr double of_injected = 2.5;
constexpr double nowhere = 0.0;  // the one direction: values are the same in all of them

}  // namespace

HypothesisFitter::HypothesisFitter(const Likelihood& likelihood, const Hypothesis& hypothesis, std::optional<double> gamma)
    : hypothesis_(&hypothesis),
      evaluator_(hypothesis.evaluator(gamma)),
      values_(likelihood.axis()),
      index_(likelihood.axis(), static_cast<int>(hypothesis.n_seasons())),
      model_(likelihood, index_, gamma, 1, 1),
      fitter_(model_, false),
      direction_(1, &nowhere, &nowhere),
      item_(hypothesis.n_seasons()),
      number_(hypothesis.n_seasons()),
      word_(hypothesis.n_seasons()),
      left_out_(hypothesis.n_seasons()),
      n_events_(hypothesis.n_seasons()) {
  for (std::size_t k = 0; k < hypothesis.n_seasons(); ++k) {
    const EventColumns& own = *hypothesis.season(k);
    const std::vector<std::uint64_t>& bins = hypothesis.bins(k);
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (!bins.empty() && bins[i] == 0) continue;
      number_[k].push_back(static_cast<std::uint32_t>(i));
      item_[k].push_back(static_cast<std::uint32_t>(own.row(i)));
    }
    item_[k].resize(item_[k].size() + random_room, 0);
    for (std::vector<std::uint32_t>& word : word_[k]) word.resize(item_[k].size());
  }
}

void HypothesisFitter::draw(std::uint64_t key, std::uint64_t quad) {
  for (std::size_t k = 0; k < item_.size(); ++k) {
    std::uint32_t* words[trials_of_block];
    for (std::size_t w = 0; w < trials_of_block; ++w) words[w] = word_[k][w].data();
    kernels().blocks(number_[k].size(), item_[k].data(), random_place(key, quad, Purpose::right_ascension, static_cast<std::uint32_t>(k)),
                     words);
  }
}

// Adds the events in event_, at ra_.
void HypothesisFitter::add(std::size_t season, const EventColumns& columns) {
  evaluator_->add(season, columns, event_.size(), event_.data(), ra_.data(), values_);
}

// Those of a season's own events that can matter where they are. @param word (n,) in the order of number_
void HypothesisFitter::add_own(std::size_t k, const std::uint32_t* word) {
  const std::vector<std::uint64_t>& bins = hypothesis_->bins(k);
  const std::vector<std::uint32_t>& number = number_[k];
  event_.clear();
  ra_.clear();
  for (std::size_t i = 0; i < number.size(); ++i) {
    if (!bins.empty() && ((bins[number[i]] >> (word[i] >> (32 - Hypothesis::bin_bits))) & 1U) == 0) continue;
    event_.push_back(number[i]);
    ra_.push_back(right_ascension_of(word[i]));
  }
  add(k, *hypothesis_->season(k));
}

void HypothesisFitter::add_row(const EventColumns& columns, std::size_t row, double ra) {
  event_.push_back(static_cast<std::uint32_t>(columns.event(row)));
  ra_.push_back(ra);
}

void HypothesisFitter::add_season(std::size_t k, std::size_t w, const std::vector<InjectedSeason>& injected, std::size_t trial) {
  add_own(k, word_[k][w].data());
  if (injected.empty()) return;
  const InjectedSeason& some = injected[k];
  event_.clear();
  ra_.clear();
  for (std::int64_t row = some.first[trial]; row < some.first[trial + 1]; ++row)
    add_row(*some.columns, static_cast<std::size_t>(row), some.ra[row]);
  add(k, *some.columns);
}

void HypothesisFitter::add_parts(std::size_t k, const std::vector<EventPart>& parts) {
  for (const EventPart& part : parts) {
    if (part.season != static_cast<int>(k)) continue;
    event_.clear();
    ra_.clear();
    const EventColumns& columns = *part.columns;
    if (part.rows == nullptr && part.columns == hypothesis_->season(k)) {
      for (const std::uint32_t i : number_[k]) {  // as they are drawn
        event_.push_back(i);
        ra_.push_back(part.ra[columns.row(i)]);
      }
    } else {
      for (std::size_t i = 0; i < part.n; ++i)
        add_row(columns, part.rows == nullptr ? i : static_cast<std::size_t>(part.rows[i]), part.ra[i]);
    }
    add(k, columns);
  }
}

// How many events of the trial come on top of those of the seasons: n_s will be about as large, or small.
double HypothesisFitter::expected_ns(const double* n_events) const {
  double n = 0.0;
  for (std::size_t k = 0; k < number_.size(); ++k) n += n_events[k] - static_cast<double>(hypothesis_->season(k)->size());
  return n;
}

// Evaluates and fits; once more where the fit went to larger n_s than events have been left out for. What is left out is a function of the
// trial alone, so that its fit is.
template <class AddEvents>
DirectionFit HypothesisFitter::fit_all(const double* n_events, const AddEvents& add_events) {
  for (double n_left = std::max(Tile::first_n_ref, of_injected * expected_ns(n_events));; n_left = 2.0 * fitter_.n_ref()) {
    values_.clear();
    evaluator_->begin();
    end_.clear();
    for (std::size_t k = 0; k < number_.size(); ++k) {
      values_.need_above(static_cast<float>(Tile::tail_u / n_left * n_events[k] * below));
      add_events(k);
      end_.push_back(values_.size());
      left_out_[k] = values_.take_left_out();
    }
    const DirectionFit found = fit_values(n_events);
    if (fitter_.n_ref() <= n_left) return found;
  }
}

DirectionFit HypothesisFitter::fit(std::size_t w, const std::vector<InjectedSeason>& injected, std::size_t trial) {
  for (std::size_t k = 0; k < number_.size(); ++k) {
    n_events_[k] = static_cast<double>(hypothesis_->season(k)->size());
    if (!injected.empty()) n_events_[k] += static_cast<double>(injected[k].first[trial + 1] - injected[k].first[trial]);
  }
  return fit_all(n_events_.data(), [&](std::size_t k) { add_season(k, w, injected, trial); });
}

DirectionFit HypothesisFitter::fit(const std::vector<EventPart>& parts, const double* n_events) {
  return fit_all(n_events, [&](std::size_t k) { add_parts(k, parts); });
}

DirectionFit HypothesisFitter::fit_values(const double* n_events) {
  values_.close();
  index_.start_trial();
  std::size_t first = 0;
  for (std::size_t k = 0; k < end_.size(); ++k) {
    values_.hand_on(index_, static_cast<int>(k), first, end_[k]);
    first = end_[k];
  }
  index_.end_trial(n_events);
  fitter_.forget();
  for (std::size_t k = 0; k < end_.size(); ++k) fitter_.leave_out(k, left_out_[k].largest_w, left_out_[k].squares);
  fitter_.load(direction_, 0);
  if (!fitter_.proven_zero(0))
    for (std::size_t k = 0; k < end_.size(); ++k) {
      alignas(64) float sums[n_coarse_gamma];
      evaluator_->sum_left(k, sums);
      fitter_.set_left_sums(k, sums);
    }
  return fitter_.fit(0);
}

}  // namespace nusky
