#pragma once
#include <cstdio>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>

namespace nusky::bench {

struct Options {
  std::size_t events = 138000, seasons = 1;
  int nside = 64, repeat = 5, checks = 5, threads = 0, trials = 0;
  double max_dec = 85.0, prior = 10.0;
  std::string dump, level, sweep;
  bool ten_seasons = true;
};

inline Options parse(int argc, char** argv) {
  Options o;
  const std::map<std::string, std::string> help{{"--events", "synthetic events in all (138000)"},
                                                {"--seasons", "synthetic seasons (1)"},
                                                {"--dump", "file of nusky.dump.write_dump instead of synthetic events"},
                                                {"--nside", "of the scanned map (64)"},
                                                {"--max-dec", "degrees (85)"},
                                                {"--repeat", "scans per figure, the best counts (5)"},
                                                {"--threads", "most threads (0: all)"},
                                                {"--checks", "directions compared with the slow reference (5)"},
                                                {"--trials", "scrambles whose hottest pixel with a prior is searched (0)"},
                                                {"--prior", "FWHM of that prior in degrees (10)"},
                                                {"--level", "instruction set: sse2, avx2, avx512 (best)"},
                                                {"--sweep", "write the scaling over threads, nside, events, seasons to this file (JSON)"},
                                                {"--ten-seasons", "0: leave 1.1 million events at nside 128 out of the sweep (1)"}};
  for (int i = 1; i < argc; ++i) {
    const std::string key = argv[i];
    if (key == "--help" || key == "-h") {
      for (const auto& [name, text] : help) std::printf("  %-14s %s\n", name.c_str(), text.c_str());
      std::exit(0);
    }
    if (help.count(key) == 0 || i + 1 >= argc) throw std::invalid_argument("unknown or incomplete option " + key + "; see --help");
    const std::string value = argv[++i];
    std::size_t used = value.size();
    try {
      if (key == "--events") o.events = std::stoul(value, &used);
      if (key == "--seasons") o.seasons = std::stoul(value, &used);
      if (key == "--nside") o.nside = std::stoi(value, &used);
      if (key == "--max-dec") o.max_dec = std::stod(value, &used);
      if (key == "--repeat") o.repeat = std::stoi(value, &used);
      if (key == "--threads") o.threads = std::stoi(value, &used);
      if (key == "--checks") o.checks = std::stoi(value, &used);
      if (key == "--trials") o.trials = std::stoi(value, &used);
      if (key == "--prior") o.prior = std::stod(value, &used);
      if (key == "--ten-seasons") o.ten_seasons = std::stoi(value, &used) != 0;
    } catch (const std::logic_error&) {
      used = 0;
    }
    if (used != value.size() || value.empty()) throw std::invalid_argument(key + " needs a number, not '" + value + "'");
    if (key == "--dump") o.dump = value;
    if (key == "--level") o.level = value;
    if (key == "--sweep") o.sweep = value;
  }
  if (o.nside < 4 || (o.nside & (o.nside - 1)) != 0) throw std::invalid_argument("--nside must be a power of two, at least 4");
  if (o.events == 0 || o.seasons == 0) throw std::invalid_argument("--events and --seasons must be positive");
  if (o.repeat < 1) throw std::invalid_argument("--repeat must be at least 1");
  return o;
}

}  // namespace nusky::bench
