#include "sweep.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "generator.hpp"
#include "measure.hpp"
#include "nusky/kernels/table.hpp"
#include "nusky/threads.hpp"
#include "peak.hpp"
#include "trials.hpp"

namespace nusky::bench {
namespace {

// Seconds that the repetitions of one figure may take; a single scan may take longer.
constexpr double budget = 1.5;

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + '"';
}

// One flat JSON object.
class Object {
 public:
  Object& add(const std::string& name, const std::string& value) { return put(name, quoted(value)); }
  Object& add(const std::string& name, const char* value) { return put(name, quoted(value)); }
  Object& add(const std::string& name, double value) {
    std::ostringstream text;
    text.precision(6);
    text << value;
    return put(name, text.str());
  }
  Object& add(const std::string& name, std::size_t value) { return put(name, std::to_string(value)); }
  Object& add(const std::string& name, int value) { return put(name, std::to_string(value)); }
  std::string text() const { return "{" + body_ + "}"; }

 private:
  Object& put(const std::string& name, const std::string& value) {
    body_ += (body_.empty() ? "" : ", ") + quoted(name) + ": " + value;
    return *this;
  }
  std::string body_;
};

std::string list(const std::vector<Object>& objects) {
  std::string out = "[";
  for (std::size_t i = 0; i < objects.size(); ++i) out += (i == 0 ? "\n    " : ",\n    ") + objects[i].text();
  return out + "\n  ]";
}

#ifdef __clang__
constexpr const char* compiler = "clang " __clang_version__;
#else
constexpr const char* compiler = "gcc " __VERSION__;
#endif

std::string processor() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

double load_average() {
  double load[1] = {0.0};
  return getloadavg(load, 1) == 1 ? load[0] : -1.0;
}

// `share` of the events in all, in `n_seasons` seasons. Events are dealt out one by one; more than there are come again at
// other right ascensions. With several seasons the acceptance of the first is that of all.
reference::Model resized(const reference::Model& m, double share, std::size_t n_seasons) {
  const std::size_t G = m.gamma_nodes.size(), n = m.seasons[0].ra.size();
  const auto wanted = static_cast<std::size_t>(share * static_cast<double>(n));
  reference::Model out = m;
  out.seasons.assign(n_seasons, {});
  const std::size_t table = m.log_acceptance.size() / m.seasons.size();
  out.log_acceptance.clear();
  for (std::size_t k = 0; k < n_seasons; ++k)
    out.log_acceptance.insert(out.log_acceptance.end(), m.log_acceptance.begin(),
                              m.log_acceptance.begin() + static_cast<std::ptrdiff_t>(table));
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> anywhere(0.0, 2 * pi);
  for (std::size_t j = 0; j < wanted; ++j) {
    // fewer: every so-manyth, so that all declinations and energies stay as they are
    const std::size_t i = share < 1.0 ? static_cast<std::size_t>(static_cast<double>(j) / share) % n : j % n;
    const reference::Season& from = m.seasons[0];
    reference::Season& to = out.seasons[j % n_seasons];
    to.ra.push_back(j < n ? from.ra[i] : anywhere(random));
    to.dec.push_back(from.dec[i]);
    to.sigma.push_back(from.sigma[i]);
    to.background.push_back(from.background[i]);
    const auto row = from.log_ratio.begin() + static_cast<std::ptrdiff_t>(i * G);
    to.log_ratio.insert(to.log_ratio.end(), row, row + static_cast<std::ptrdiff_t>(G));
  }
  for (reference::Season& s : out.seasons) s.n_events = static_cast<double>(s.ra.size());
  return out;
}

std::string machine(const std::string& data) {
  const Caches size = caches();
  Object m;
  m.add("processor", processor()).add("cores", max_threads()).add("load", load_average());
  m.add("l1", size.l1).add("l2", size.l2).add("l3", size.l3);
  m.add("memory", static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGE_SIZE)));
  m.add("compiler", compiler).add("flags", NUSKY_FLAGS).add("level", kernels().name).add("levels", simd_levels());
  m.add("eigen",
        std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) + "." + std::to_string(EIGEN_MINOR_VERSION));
  m.add("data", data);
  return m.text();
}

class Sweep {
 public:
  explicit Sweep(const Options& o) : options_(o) {
    const int most = resolve_threads(o.threads);
    for (int t = 1; t < most; t *= 2) counts_.push_back(t);
    counts_.push_back(most);
    for (std::istringstream names(simd_levels()); names >> name_;) levels_.push_back(name_);
  }

  void rates() {
    for (const std::string& level : levels_)
      for (const int threads : ends()) {
        std::printf("rates of %s, %d threads\n", level.c_str(), threads);
        std::fflush(stdout);
        const Peak p = measure_peak(level, threads);
        Object row;
        row.add("level", level).add("threads", threads);
        row.add("float_flops", p.float_flops).add("double_flops", p.double_flops);
        row.add("float_exp", p.float_exp).add("double_exp", p.double_exp);
        row.add("l1", p.l1).add("l2", p.l2).add("l3", p.l3).add("memory", p.memory).add("triad", p.triad);
        rates_.push_back(row);
      }
  }

  // One figure for every number of threads.
  void scan_of(const std::string& name, const reference::Model& model, int nside, const std::vector<int>& threads, int repeat) {
    const PixelTiles pixels = pixel_tiles(nside, options_.max_dec * pi / 180.0);
    const Directions directions = directions_of(pixels);
    const Setup setup = set_up(model);
    const int most = counts_.back();
    const EventIndex index(setup.parts, setup.n_events, most);
    const Work work = count_work(setup, index, directions, most);
    const Demand demand = demand_of(work);
    for (const int t : threads) {
      const Times times = time_scan(setup, directions, t, repeat, budget);
      const double worst = check(model, pixels, times.result, options_.checks).largest;
      if (worst > 1e-3) throw std::runtime_error("FAILED: " + name + ": |dTS| = " + std::to_string(worst) + " against the slow reference");
      std::printf("%-8s nside %4d  %8zu events  %2zu seasons  %-6s  %2d threads  %9.4f s  %7.2f ns/pair/core\n", name.c_str(), nside,
                  setup.events, model.seasons.size(), kernels().name, t, times.scan,
                  1e9 * times.scan * t / static_cast<double>(work.pairs));
      std::fflush(stdout);
      Object row;
      row.add("sweep", name).add("threads", t).add("nside", nside).add("level", kernels().name);
      row.add("events", setup.events).add("seasons", model.seasons.size()).add("directions", directions.size());
      row.add("evaluated", work.evaluated).add("pairs", work.pairs).add("fitted", work.fitted).add("fits", work.fits);
      row.add("flops_of_pair", flops_of_pair).add("bytes_of_pair", bytes_of_pair);
      row.add("flops_of_fitted", flops_of_fitted).add("bytes_of_fitted", bytes_of_fitted);
      row.add("flops", demand.flops).add("exps", demand.exps).add("bytes", demand.bytes);
      row.add("index_s", times.index).add("scan_s", times.scan).add("worst_dts", worst);
      rows_.push_back(row);
    }
  }

  void search(const reference::Model& model, int nside, int n) {
    const PixelTiles pixels = pixel_tiles(nside, options_.max_dec * pi / 180.0);
    const Directions directions = directions_of(pixels);
    const Setup setup = set_up(model);
    const std::vector<double> term = prior_term(pixels, options_.prior);
    for (const int threads : counts_) {
      const Trials t = run_trials(model, setup, directions, term, threads, n, std::min(n, 2));
      std::printf("search   nside %4d  %2d threads  %.1f trials/s\n", nside, threads, 1.0 / (t.index + t.search));
      std::fflush(stdout);
      Object row;
      row.add("threads", threads).add("nside", nside).add("prior_fwhm", options_.prior).add("trials", n);
      row.add("index_s", t.index).add("search_s", t.search).add("fits", t.fits);
      searches_.push_back(row);
    }
  }

  const std::vector<int>& counts() const { return counts_; }
  const std::vector<std::string>& levels() const { return levels_; }
  std::vector<int> ends() const { return counts_.size() > 1 ? std::vector<int>{1, counts_.back()} : counts_; }

  void write(const std::string& about, double seconds) const {
    std::ofstream out(options_.sweep);
    Object took;
    took.add("seconds", seconds).add("repeat", options_.repeat).add("load_after", load_average());
    out << "{\n  \"machine\": " << about << ",\n  \"run\": " << took.text() << ",\n  \"rates\": " << list(rates_)
        << ",\n  \"scans\": " << list(rows_) << ",\n  \"searches\": " << list(searches_) << "\n}\n";
    if (!out.flush()) throw std::runtime_error("cannot write " + options_.sweep);
  }

 private:
  Options options_;
  std::vector<int> counts_;
  std::string name_;
  std::vector<std::string> levels_;
  std::vector<Object> rates_, rows_, searches_;
};

}  // namespace

void sweep(const Options& o, const reference::Model& model, const std::string& data) {
  const auto begin = Clock::now();
  // Before minutes of work, not after them
  if (!std::ofstream(o.sweep, std::ios::app)) throw std::runtime_error("cannot write " + o.sweep);
  const std::string about = machine(data), level = kernels().name;
  Sweep s(o);
  s.rates();
  const reference::Model one = resized(model, 1.0, 1);
  s.scan_of("threads", one, o.nside, s.counts(), o.repeat);
  for (int nside = std::max(4, o.nside / 4); nside <= 4 * o.nside; nside *= 2) s.scan_of("nside", one, nside, s.ends(), o.repeat);
  for (const double share : {0.125, 0.25, 0.5, 1.0, 2.0, 4.0}) s.scan_of("events", resized(one, share, 1), o.nside, s.ends(), o.repeat);
  for (const std::size_t k : {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{10}})
    s.scan_of("seasons", resized(one, 1.0, k), o.nside, s.ends(), o.repeat);
  for (const std::string& name : s.levels()) {
    set_simd_level(name);
    s.scan_of("level", one, o.nside, s.ends(), o.repeat);
  }
  set_simd_level(level);
  s.search(one, o.nside, std::max(o.trials, 10));
  if (o.ten_seasons) s.scan_of("ten", generate(1100000, 10, 1), 2 * o.nside, {s.counts().back()}, 1);
  const double seconds = seconds_since(begin);
  s.write(about, seconds);
  std::printf("wrote %s after %.0f s\n", o.sweep.c_str(), seconds);
}

}  // namespace nusky::bench
