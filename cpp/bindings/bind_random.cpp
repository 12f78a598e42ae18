#include <algorithm>
#include <array>
#include <optional>

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

// Calls draw(trial, n, to) for the trials one after the other; `width` numbers for each of the n items of each go to `to`.
template <class Draw>
F64 of_trials(const I64& trials, const I64& counts, py::ssize_t width, const Draw& draw) {
  const std::size_t n = require_ndim(trials, 1, "trials");
  require_length(counts, n, "counts");
  std::int64_t total = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (trials.data()[i] < 0) throw std::invalid_argument("trials: entry " + std::to_string(i) + " is negative");
    if (counts.data()[i] < 0 || counts.data()[i] > 0xffffffffLL)
      throw std::invalid_argument("counts: entry " + std::to_string(i) + " must be within 0 and 2^32 - 1");
    total += counts.data()[i];
  }
  F64 out = width == 1 ? F64(static_cast<py::ssize_t>(total)) : F64({static_cast<py::ssize_t>(total), width});
  double* to = out.mutable_data();
  for (std::size_t i = 0; i < n; ++i) {
    const auto count = static_cast<std::uint32_t>(counts.data()[i]);
    draw(static_cast<std::uint64_t>(trials.data()[i]), count, to);
    to += count * static_cast<std::size_t>(width);
  }
  return out;
}

F64 right_ascensions_of_trials(std::uint64_t key, const I64& trials, const I64& counts, std::uint32_t season) {
  return of_trials(trials, counts, 1, [&](std::uint64_t trial, std::uint32_t n, double* to) {
    const RandomPlace place = place_for(key, trial / trials_of_block, static_cast<std::uint32_t>(Purpose::right_ascension), season);
    for (std::uint32_t i = 0; i < n; ++i) to[i] = right_ascension_of(random_block(place, i)[trial % trials_of_block]);
  });
}

F64 uniforms_of_trials(std::uint64_t key, const I64& trials, const I64& counts, std::uint32_t purpose, std::uint32_t season) {
  return of_trials(trials, counts, 2, [&](std::uint64_t trial, std::uint32_t n, double* to) {
    const RandomPlace place = place_for(key, trial, purpose, season);
    for (std::uint32_t i = 0; i < n; ++i) {
      const RandomBlock block = random_block(place, i);
      to[2 * i] = uniform_of(block, 0);
      to[2 * i + 1] = uniform_of(block, 1);
    }
  });
}

I64 poisson_counts(const F64& means, const F64& uniform) {
  const std::size_t n = require_ndim(means, 1, "means");
  require_length(uniform, n, "uniform");
  I64 out(static_cast<py::ssize_t>(n));
  std::optional<Poisson> counts;
  for (std::size_t i = 0; i < n; ++i) {
    const double u = uniform.data()[i];
    if (!(u >= 0.0 && u < 1.0)) throw std::invalid_argument("uniform: must be within 0 and 1, 1 excluded");
    if (i == 0 || means.data()[i] != means.data()[i - 1]) counts.emplace(means.data()[i]);
    out.mutable_data()[i] = counts->count(u);
  }
  return out;
}

}  // namespace

void bind_random(py::module_& m) {
  m.attr("purposes") = py::dict(
      py::arg("right_ascension") = static_cast<int>(Purpose::right_ascension),
      py::arg("off_time_count") = static_cast<int>(Purpose::off_time_count), py::arg("off_time") = static_cast<int>(Purpose::off_time),
      py::arg("signal_count") = static_cast<int>(Purpose::signal_count), py::arg("signal") = static_cast<int>(Purpose::signal),
      py::arg("signal_time") = static_cast<int>(Purpose::signal_time), py::arg("extension") = static_cast<int>(Purpose::extension),
      py::arg("source") = static_cast<int>(Purpose::source), py::arg("declination") = static_cast<int>(Purpose::declination));
  m.def("random_right_ascensions", &right_ascensions, py::arg("key"), py::arg("trial"), py::arg("season"), py::arg("n"), R"(
Right ascensions (n,) of the background of a trial, rad, 0 ... 2 pi, in steps of 2 pi / 2^32.

Word trial % 4 of the Philox4x32-10 block of counter (i, season, trial // 4) under the key, for event i.
)");
  m.def("random_uniforms", &uniforms, py::arg("key"), py::arg("trial"), py::arg("purpose"), py::arg("season"), py::arg("n"), R"(
Numbers (n, 2) uniform in [0, 1) with 53 bits: those of item i are the two halves of the Philox4x32-10 block of counter
(i, purpose * 2^24 + season, trial) under the key.
)");
  m.def("random_right_ascensions_of_trials", &right_ascensions_of_trials, py::arg("key"), py::arg("trials").noconvert(),
        py::arg("counts").noconvert(), py::arg("season"),
        "The first counts[i] of random_right_ascensions of trials[i], one trial after the other.");
  m.def("random_uniforms_of_trials", &uniforms_of_trials, py::arg("key"), py::arg("trials").noconvert(), py::arg("counts").noconvert(),
        py::arg("purpose"), py::arg("season"), "The first counts[i] of random_uniforms of trials[i], one trial after the other.");
  m.def("poisson_counts", &poisson_counts, py::arg("means").noconvert(), py::arg("uniform").noconvert(),
        "Poisson-distributed counts (n,) of these means that belong to numbers uniform in [0, 1), by inversion.");
}

}  // namespace nusky::bindings
