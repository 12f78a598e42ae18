#include "nusky/trials/drawn_words.hpp"

#include "nusky/kernels/table.hpp"

namespace nusky {

void DrawnWords::draw(std::size_t season, std::size_t n, const std::uint32_t* item, std::uint64_t key, std::uint64_t quad) {
  std::uint32_t* words[trials_of_block];
  for (std::size_t w = 0; w < trials_of_block; ++w) {
    std::vector<std::uint32_t>& word = word_[season][w];
    if (word.size() < n + random_room) word.resize(n + random_room);
    words[w] = word.data();
  }
  kernels().blocks(n, item, random_place(key, quad, Purpose::right_ascension, static_cast<std::uint32_t>(season)), words);
}

void DrawnWords::draw(const PointSource& source, std::uint64_t key, std::uint64_t quad) {
  all_ = false;
  word_.resize(source.n_seasons());
  for (std::size_t k = 0; k < source.n_seasons(); ++k) draw(k, source.season(k).size(), source.season(k).item.data(), key, quad);
}

void DrawnWords::draw_all(const PointSource& source, std::uint64_t key, std::uint64_t quad) {
  all_ = true;
  word_.resize(source.n_seasons());
  every_.resize(source.n_seasons());
  for (std::size_t k = 0; k < source.n_seasons(); ++k) {
    const EventColumns& columns = source.season(k).columns();
    std::vector<std::uint32_t>& items = every_[k].item;
    if (every_[k].columns != &columns) {
      every_[k].columns = &columns;
      items.clear();
      for (std::size_t i = 0; i < columns.size(); ++i) items.push_back(static_cast<std::uint32_t>(columns.row(i)));
      items.resize(items.size() + random_room, 0);
    }
    draw(k, columns.size(), items.data(), key, quad);
  }
}

}  // namespace nusky
