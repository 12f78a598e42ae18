#include "nusky/events/event_part.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace nusky {
namespace {

bool all_finite(const double* values, std::size_t n) {
  int bad = 0;  // a loop without a branch takes several at once
  for (std::size_t i = 0; i < n; ++i) bad |= !(std::abs(values[i]) <= std::numeric_limits<double>::max());
  return bad == 0;
}

}  // namespace

void check_parts(const std::vector<EventPart>& parts, const std::vector<double>& n_events) {
  if (n_events.empty()) throw std::invalid_argument("n_events: at least one season is needed");
  for (std::size_t k = 0; k < n_events.size(); ++k)
    if (!(n_events[k] > 0.0) || !std::isfinite(n_events[k]))
      throw std::invalid_argument("n_events: season " + std::to_string(k) + " has " + std::to_string(n_events[k]) +
                                  "; a positive number is needed");
  std::size_t total = 0;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const EventPart& part = parts[p];
    const std::string name = "part " + std::to_string(p) + ": ";
    if (part.season < 0 || part.season >= static_cast<int>(n_events.size()))
      throw std::invalid_argument(name + "season " + std::to_string(part.season) + " is outside 0 … " +
                                  std::to_string(n_events.size() - 1));
    if (part.columns->axis().nodes() != parts[0].columns->axis().nodes())
      throw std::invalid_argument(name + "its gamma_nodes differ from those of part 0");
    if (part.rows == nullptr && part.event == nullptr && part.n != part.columns->size())
      throw std::invalid_argument(name + "ra has " + std::to_string(part.n) + " entries, the columns " +
                                  std::to_string(part.columns->size()) + "; give rows, or an entry for each");
    if ((part.time == nullptr) != (parts[0].time == nullptr)) throw std::invalid_argument(name + "time: given for some parts only");
    if (part.time != nullptr && !all_finite(part.time, part.n)) throw std::invalid_argument(name + "time: must be finite");
    const bool finite = all_finite(part.ra, part.n);
    for (std::size_t i = 0; i < part.n && !(finite && part.rows == nullptr && part.factor == nullptr); ++i) {
      if (!std::isfinite(part.ra[i])) throw std::invalid_argument(name + "ra: row " + std::to_string(i) + " is not finite");
      if (part.rows && (part.rows[i] < 0 || part.rows[i] >= static_cast<std::int64_t>(part.columns->size())))
        throw std::invalid_argument(name + "rows: entry " + std::to_string(i) + " is " + std::to_string(part.rows[i]) + ", outside 0 … " +
                                    std::to_string(part.columns->size()) + " − 1");
      if (part.factor && !(part.factor[i] >= 0.0 && std::isfinite(part.factor[i])))
        throw std::invalid_argument(name + "factor: entry " + std::to_string(i) + " must be finite and at least 0");
    }
    total += part.n;
  }
  if (total >= std::numeric_limits<std::uint32_t>::max()) throw std::invalid_argument("too many events for one index");
}

PartOrder::PartOrder(const EventPart& part) : part_(&part) {
  if (part.rows == nullptr) return;
  for (std::size_t i = 0; i < part.n; ++i) some_.push_back({part.columns->event(static_cast<std::size_t>(part.rows[i])), i});
  std::sort(some_.begin(), some_.end());
}

double PartOrder::wrapped(double ra) {
  const double a = std::fmod(ra, 2 * pi);
  const double positive = a < 0.0 ? a + 2 * pi : a;
  return positive >= 2 * pi ? 0.0 : positive;
}

}  // namespace nusky
