#pragma once
#include <cmath>

#include "nusky/sphere/sphere.hpp"

namespace nusky {

/// Events are indexed by classes of similar cut: the search tests the area of the class's cut, not of the event's own.
constexpr int n_cut_classes = 15;

/// Largest cut of a class in rad: classes grow by 1.4 from 1°, the last holds every cut above 79°.
inline double cut_class_edge(int c) { return c == n_cut_classes - 1 ? pi : pi / 180.0 * std::pow(1.4, c); }

inline int cut_class(double cut) {
  int c = 0;
  while (c < n_cut_classes - 1 && cut > cut_class_edge(c)) ++c;
  return c;
}

}  // namespace nusky
