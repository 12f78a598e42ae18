#pragma once
#include <cstddef>
#include <vector>

namespace nusky {

/// Runs of one season: disjoint and ascending, MJD.
struct Runs {
  std::vector<double> start, stop;
};

/// A Gaussian in time ends so many σ from its middle.
constexpr double gaussian_reach = 6.0;

/// How much uptime has passed: of each season, and of all of them together, where a moment counts once.
class Clock {
 public:
  /// @param seasons at least one, each with uptime
  explicit Clock(const std::vector<Runs>& seasons);

  std::size_t n_seasons() const { return n_seasons_; }
  /// Uptime of a season, of all together, in days.
  double days(std::size_t season) const { return total_[season]; }
  double days() const { return total_[n_seasons_]; }
  /// First and last moment of any run.
  double start() const { return knot_.front(); }
  double stop() const { return knot_.back(); }
  /// Numbers of a row of `at`: the seasons, then all together.
  std::size_t width() const { return n_seasons_ + 1; }
  /// Days of uptime up to a time. @param elapsed (width(),)
  void at(double time, double* elapsed) const;
  /// ∫ exp(−(t − t0)²/2σ²) dt over the uptime within 6σ of t0, and its derivatives with t0 and ln σ. @param days, by_t0, by_log_sigma
  /// (width(),)
  void gaussian(double t0, double sigma, double* days, double* by_t0, double* by_log_sigma) const;
  /// The first moment when so many days of uptime, of all together, have passed.
  double moment(double elapsed) const;

 private:
  std::size_t n_seasons_;
  std::vector<double> knot_;     // where a season goes on or off
  std::vector<double> elapsed_;  // (knots, width)
  std::vector<double> on_;       // (knots, width) 1 where it runs from this knot to the next
  std::vector<double> together_, total_;
};

}  // namespace nusky
