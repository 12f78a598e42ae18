#pragma once
#include "arrays.hpp"
#include "nusky/events/event_index.hpp"

namespace nusky::bindings {

/// Parts of a trial as Python gives them; arrays stay alive as long as this does.
struct PartList {
  std::vector<EventPart> parts;
  std::vector<py::object> keep;
};

/// @param parts sequence of (columns, ra, season, rows, factor[, time])
PartList read_parts(const py::sequence& parts);

}  // namespace nusky::bindings
