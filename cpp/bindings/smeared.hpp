#pragma once
#include <vector>

#include "arrays.hpp"
#include "nusky/sphere/smeared_table.hpp"

namespace nusky::bindings {

/// The table of smeared maps, one array a width, without its basis.
inline SmearedTable smeared_widths(const std::vector<I16>& table) {
  const auto length = [](const I16& array, int axis) { return static_cast<std::size_t>(array.shape(axis)); };
  SmearedTable found{};
  if (table.size() < 2) throw std::invalid_argument("table: needs two widths");
  for (const I16& one : table) {
    if (require_ndim(one, 4, "table") < 1 || length(one, 1) < 2 || length(one, 2) != 2 || length(one, 3) < 1)
      throw std::invalid_argument("table: needs declinations, two right ascensions and parts");
    if (one.shape(0) != table[0].shape(0) || one.shape(1) != table[0].shape(1))
      throw std::invalid_argument("table: all widths need the same declinations and right ascensions");
    found.widths.push_back({one.data(), length(one, 3)});
    found.most_parts = std::max(found.most_parts, length(one, 3));
  }
  found.n_pairs = length(table[0], 0);
  found.n_ra = length(table[0], 1);
  return found;
}

inline SmearedTable smeared_table(const std::vector<I16>& table, const F32& basis) {
  SmearedTable found = smeared_widths(table);
  if (require_ndim(basis, 4, "basis") != table.size() || static_cast<std::size_t>(basis.shape(1)) != found.n_pairs ||
      static_cast<std::size_t>(basis.shape(2)) != found.most_parts || basis.shape(3) < 1)
    throw std::invalid_argument("basis: expected shape (S, D - 1, B, R)");
  found.basis = basis.data();
  found.maps = static_cast<std::size_t>(basis.shape(3));
  return found;
}

}  // namespace nusky::bindings
