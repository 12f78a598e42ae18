#include <algorithm>
#include <array>

#include "arrays.hpp"
#include "nusky/kernels/table.hpp"
#include "nusky/random/philox.hpp"
#include "nusky/random/poisson.hpp"

namespace nusky::bindings {
namespace {

// Calls take(first, count, words) for items 0 … n−1, some at a time: words[w][i] is word w of item first + i.
template <class Take>
void each_run(const RandomPlace& place, std::size_t n, const Take& take) {
  constexpr std::size_t chunk = 1024;
  std::array<std::uint32_t, chunk + random_room> item{};
  std::array<std::array<std::uint32_t, chunk + random_room>, 4> word;
  std::uint32_t* const to[4] = {word[0].data(), word[1].data(), word[2].data(), word[3].data()};
  for (std::size_t first = 0; first < n; first += chunk) {
    const std::size_t count = std::min(chunk, n - first);
    for (std::size_t i = 0; i < count; ++i) item[i] = static_cast<std::uint32_t>(first + i);
    kernels().blocks(count, item.data(), place, to);
    take(first, count, to);
  }
}

RandomPlace place_for(std::uint64_t key, std::uint64_t trial, std::uint32_t purpose, std::uint32_t season) {
  if (purpose > 255) throw std::invalid_argument("purpose: " + std::to_string(purpose) + " is above 255");
  if (season >= 1U << 24) throw std::invalid_argument("season: " + std::to_string(season) + " is above 2^24 - 1");
  return random_place(key, trial, static_cast<Purpose>(purpose), season);
}

void require_count(std::size_t n) {
  if (n > 0xffffffffULL) throw std::invalid_argument("n: more than 2^32 - 1 items");
}

F64 right_ascensions(std::uint64_t key, std::uint64_t trial, std::uint32_t season, std::size_t n) {
  require_count(n);
  F64 out(static_cast<py::ssize_t>(n));
  double* ra = out.mutable_data();
  const RandomPlace place = place_for(key, trial / trials_of_block, static_cast<std::uint32_t>(Purpose::right_ascension), season);
  py::gil_scoped_release release;
  const std::size_t mine = trial % trials_of_block;
  each_run(place, n, [&](std::size_t first, std::size_t count, std::uint32_t* const* word) {
    for (std::size_t i = 0; i < count; ++i) ra[first + i] = right_ascension_of(word[mine][i]);
  });
  return out;
}

F64 uniforms(std::uint64_t key, std::uint64_t trial, std::uint32_t purpose, std::uint32_t season, std::size_t n) {
  require_count(n);
  F64 out({static_cast<py::ssize_t>(n), py::ssize_t{2}});
  double* to = out.mutable_data();
  const RandomPlace place = place_for(key, trial, purpose, season);
  py::gil_scoped_release release;
  each_run(place, n, [&](std::size_t first, std::size_t count, std::uint32_t* const* word) {
    for (std::size_t i = 0; i < count; ++i) {
      const RandomBlock block{word[0][i], word[1][i], word[2][i], word[3][i]};
      to[2 * (first + i)] = uniform_of(block, 0);
      to[2 * (first + i) + 1] = uniform_of(block, 1);
    }
  });
  return out;
}

std::int64_t poisson_count(double mean, double uniform) {
  if (!(uniform >= 0.0 && uniform < 1.0)) throw std::invalid_argument("uniform: must be within 0 and 1, 1 excluded");
  return Poisson(mean).count(uniform);
}

}  // namespace

void bind_random(py::module_& m) {
  m.attr("purposes") =
      py::dict(py::arg("right_ascension") = static_cast<int>(Purpose::right_ascension),
               py::arg("off_time_count") = static_cast<int>(Purpose::off_time_count),
               py::arg("off_time") = static_cast<int>(Purpose::off_time), py::arg("signal_count") = static_cast<int>(Purpose::signal_count),
               py::arg("signal") = static_cast<int>(Purpose::signal), py::arg("signal_time") = static_cast<int>(Purpose::signal_time),
               py::arg("extension") = static_cast<int>(Purpose::extension), py::arg("source") = static_cast<int>(Purpose::source),
               py::arg("declination") = static_cast<int>(Purpose::declination));
  m.def("random_right_ascensions", &right_ascensions, py::arg("key"), py::arg("trial"), py::arg("season"), py::arg("n"), R"(
Right ascensions (n,) of the background of a trial, rad, 0 ... 2 pi, in steps of 2 pi / 2^32.

Word trial % 4 of the Philox4x32-10 block of counter (i, season, trial // 4) under the key, for event i.
)");
  m.def("random_uniforms", &uniforms, py::arg("key"), py::arg("trial"), py::arg("purpose"), py::arg("season"), py::arg("n"), R"(
Numbers (n, 2) uniform in [0, 1) with 53 bits: those of item i are the two halves of the Philox4x32-10 block of counter
(i, purpose * 2^24 + season, trial) under the key.
)");
  m.def("poisson_count", &poisson_count, py::arg("mean"), py::arg("uniform"),
        "The Poisson-distributed count of this mean that belongs to a number uniform in [0, 1), by inversion.");
}

}  // namespace nusky::bindings
