#include "nusky/hottest/scrambles.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "nusky/kernels/table.hpp"

namespace nusky {

Scrambles::Scrambles(std::vector<std::shared_ptr<const EventColumns>> columns, NearGrid grid, const std::vector<NearSeason>& near)
    : grid_(std::move(grid)) {
  for (std::size_t k = 0; k < columns.size(); ++k) {
    Season season;
    season.columns = std::move(columns[k]);
    if (grid_.distance.empty()) {
      season.event.resize(season.columns->size());
      std::iota(season.event.begin(), season.event.end(), 0U);
    } else {
      // in the order of the columns, which is nearly that of an index: a trial is drawn, chosen and filled in without sorting
      std::vector<std::pair<std::uint32_t, std::size_t>> order;
      for (std::size_t i = 0; i < near[k].n; ++i)
        order.emplace_back(static_cast<std::uint32_t>(season.columns->event(static_cast<std::size_t>(near[k].row[i]))), i);
      std::sort(order.begin(), order.end());
      for (const auto& [event, i] : order) {
        season.event.push_back(event);
        season.first_cell.push_back(near[k].first_cell[i]);
        season.reach.push_back(near[k].reach[i]);
      }
    }
    for (const std::uint32_t event : season.event) season.item.push_back(static_cast<std::uint32_t>(season.columns->row(event)));
    season.item.resize(season.item.size() + random_room, 0);
    seasons_.push_back(std::move(season));
  }
}

DrawnScrambles::DrawnScrambles(const Scrambles& scrambles) : scrambles_(&scrambles) {
  for (const Scrambles::Season& season : scrambles.seasons()) {
    Season mine;
    for (auto& word : mine.word) word.resize(season.event.size() + random_room);
    if (!scrambles.grid().distance.empty()) mine.event.resize(season.event.size());
    mine.ra.resize(season.event.size());
    seasons_.push_back(std::move(mine));
  }
}

void DrawnScrambles::draw(std::uint64_t key, std::uint64_t quad) {
  for (std::size_t k = 0; k < seasons_.size(); ++k) {
    const Scrambles::Season& season = scrambles_->seasons()[k];
    std::uint32_t* words[trials_of_block];
    for (std::size_t w = 0; w < trials_of_block; ++w) words[w] = seasons_[k].word[w].data();
    const RandomPlace place = random_place(key, quad, Purpose::right_ascension, static_cast<std::uint32_t>(k));
    kernels().blocks(season.event.size(), season.item.data(), place, words);
  }
}

void DrawnScrambles::append(std::size_t w, std::vector<EventPart>& parts) {
  for (std::size_t k = 0; k < seasons_.size(); ++k) {
    const Scrambles::Season& season = scrambles_->seasons()[k];
    EventPart part;
    part.columns = season.columns;
    part.n = choose(season, w, seasons_[k]);
    part.ra = seasons_[k].ra.data();
    part.season = static_cast<int>(k);
    part.event = scrambles_->grid().distance.empty() ? season.event.data() : seasons_[k].event.data();
    parts.push_back(std::move(part));
  }
}

// The events that can matter where they are, and their right ascensions; gives how many.
std::size_t DrawnScrambles::choose(const Scrambles::Season& season, std::size_t w, Season& out) const {
  const std::size_t size = season.event.size();
  const std::uint32_t* word = out.word[w].data();
  double* ra = out.ra.data();
  const NearGrid& grid = scrambles_->grid();
  if (grid.distance.empty()) {
    for (std::size_t i = 0; i < size; ++i) ra[i] = right_ascension_of(word[i]);
    return size;
  }
  const double cells_per_rad = static_cast<double>(grid.n_ra) / (2.0 * pi);
  std::size_t n = 0;
  for (std::size_t i = 0; i < size; ++i) {  // without a branch, which could not be foretold
    const double at = right_ascension_of(word[i]);
    const auto cell = season.first_cell[i] + static_cast<std::int32_t>(at * cells_per_rad);
    out.event[n] = season.event[i];
    ra[n] = at;
    n += grid.distance[static_cast<std::size_t>(cell)] <= season.reach[i] ? 1 : 0;
  }
  return n;
}

}  // namespace nusky
