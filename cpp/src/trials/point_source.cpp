#include "nusky/trials/point_source.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "nusky/kernels/table.hpp"

namespace nusky {
namespace {

constexpr std::size_t most_positions = 1000;
constexpr double half_a_circle = 2147483648.0;  // in words

// Half the arc of right ascension, in rad, within which an event is within `cut` of the source; π where it always is, below 0 where it
// never is. @param difference of the declinations;  @param cosines their product
double half_arc(double cut, double difference, double cosines) {
  if (std::abs(difference) > cut) return -1.0;
  const double s = std::sin(0.5 * std::min(cut, pi)), d = std::sin(0.5 * difference), hav = s * s - d * d;
  if (cut >= pi || cosines < 1e-12 || hav >= cosines) return pi;
  return 2.0 * std::asin(std::sqrt(std::max(0.0, hav) / cosines));
}

// As ArcView has it.
std::uint32_t half_in_words(double half) {
  if (half < 0.0) return 0;
  return static_cast<std::uint32_t>(std::min(half_a_circle, std::floor(half / right_ascension_step))) + 1U;
}

}  // namespace

std::uint32_t nearest_word(double ra) {
  const double turn = ra / right_ascension_step;
  return static_cast<std::uint32_t>(static_cast<std::int64_t>(std::floor(turn + 0.5)));
}

double above_word(double ra, std::uint32_t word) { return std::remainder(ra - right_ascension_of(word), 2 * pi); }

PointSource::PointSource(std::vector<std::shared_ptr<const PointRecords>> records, const std::vector<double>& ra, double dec,
                         const std::vector<const double*>& times)
    : directions_(1, ra.data(), &dec), dec_(dec), sindec_(directions_.vector(0).z()), place_(point_place(dec)), timed_(!times.empty()) {
  if (ra.size() > most_positions) throw std::invalid_argument("ra: at most 1000 positions have a declination in common");
  for (std::size_t m = 0; m < ra.size(); ++m) {
    const double expected = ra[0] + static_cast<double>(m) * 2 * pi / static_cast<double>(ra.size());
    if (std::abs(std::remainder(ra[m] - expected, 2 * pi)) > 1e-9)
      throw std::invalid_argument("ra: positions at one declination must be evenly spaced");
    const std::uint32_t word = nearest_word(ra[m]);
    positions_.push_back({ra[m], word, -above_word(ra[m], word)});
    words_.push_back(word);
  }
  for (std::shared_ptr<const PointRecords>& season : records) {
    PointBackground b = in_reach(std::move(season));
    if (timed_) {
      const double* time = times[seasons_.size()];
      for (std::size_t i = 0; i < b.columns().size(); ++i) b.time.push_back(time[b.columns().row(i)]);
    }
    seasons_.push_back(std::move(b));
  }
}

// A range for each cut class: within it, events ascend in declination.
PointBackground PointSource::in_reach(std::shared_ptr<const PointRecords> records) const {
  PointBackground b;
  const EventColumns& columns = records->columns();
  const double cos_dec = std::cos(dec_);
  for (std::size_t first = 0; first < columns.size();) {
    std::size_t end = first;
    while (end < columns.size() && columns.cut_class(end) == columns.cut_class(first)) ++end;
    std::size_t in = end, out = first;
    const std::size_t at = b.half.size();
    for (std::size_t i = first; i < end; ++i) {
      const std::uint32_t half =
          half_in_words(half_arc(static_cast<double>(columns.cut(i)), columns.dec(i) - dec_, columns.cos_dec(i) * cos_dec));
      if (half == 0 && in == end) continue;
      in = std::min(in, i);
      b.half.push_back(half);
      b.item.push_back(static_cast<std::uint32_t>(columns.row(i)));
      if (half > 0) out = i + 1;
    }
    first = end;
    if (in >= out) continue;
    b.half.resize(at + out - in);
    b.item.resize(at + out - in);
    b.ranges.push_back({in, out - in, at});
  }
  for (auto* words : {&b.item, &b.half}) words->resize(words->size() + random_room, 0);
  b.records = std::move(records);
  return b;
}

std::size_t PointSource::n_in_reach() const {
  std::size_t n = 0;
  for (const PointBackground& season : seasons_) n += season.size();
  return n;
}

}  // namespace nusky
