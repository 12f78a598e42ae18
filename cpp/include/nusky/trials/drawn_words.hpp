#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "nusky/trials/point_source.hpp"

namespace nusky {

/// Words of the seasons' own events for four neighbouring trials.
class DrawnWords {
 public:
  /// Of the events in reach of a source alone, for trials 4 · quad … 4 · quad + 3.
  void draw(const PointSource& source, std::uint64_t key, std::uint64_t quad);
  /// Of all events, for sources whose columns are those of this one.
  void draw_all(const PointSource& source, std::uint64_t key, std::uint64_t quad);

  /// Those of trial 4 · quad + w, from the first event of a range of the source on.
  const std::uint32_t* of(std::size_t season, std::size_t w, const ArcRange& range) const {
    return word_[season][w].data() + (all_ ? range.first : range.at);
  }

 private:
  void draw(std::size_t season, std::size_t n, const std::uint32_t* item, std::uint64_t key, std::uint64_t quad);

  bool all_ = false;
  std::vector<std::array<std::vector<std::uint32_t>, trials_of_block>> word_;  // (K)
  struct Every {
    const EventColumns* columns = nullptr;
    std::vector<std::uint32_t> item;  // of all its events, in their order
  };
  std::vector<Every> every_;  // (K)
};

}  // namespace nusky
