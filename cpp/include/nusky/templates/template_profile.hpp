#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "nusky/kernels/table.hpp"
#include "nusky/templates/sky_template.hpp"

namespace nusky {

/// Where a maximum of ln Λ may be.
struct TemplateStart {
  double n, gamma, value;
};

/// ln Λ of a template maximised over n at the 16 coarse γ, good enough to start exact fits from: terms up to some size enter as sums of
/// their powers, the others one by one.
class TemplateProfile {
 public:
  explicit TemplateProfile(const SkyTemplate& sky);

  /// Begins a trial. @param n_events (K,)
  void start(const double* n_events);
  /// Takes all events out, to be added for n up to `n_ref`.
  void clear(double n_ref);
  /// Adds events of a season. @param value (maps, stride) of the smeared maps
  void add(std::size_t season, const TemplateEvents& events, std::size_t first, std::size_t last, const float* value, std::size_t stride);
  /// Events that are nowhere near: W = 0, without signal subtraction.
  void add_left_out(std::size_t season, double count);
  /// False: somewhere ln Λ still rises where the powers do not hold any more; the events are to be added for a larger n.
  bool solve();
  double n_ref() const { return n_ref_; }
  /// Maxima that may turn out the highest, the likeliest first; none where ln Λ falls everywhere.
  const std::vector<TemplateStart>& maxima() const { return maxima_; }

 private:
  using Row = std::array<double, n_coarse_gamma>;
  struct Season {
    double n_events = 0.0;
    Row phi{};  // f/N
    std::array<double, template_powers * n_coarse_gamma> sums{};
    std::size_t n_large = 0;
    AlignedVector<float> z;
  };
  void sums_at(const Season& season, const Row& n, Row& slope, Row& bend);
  void begin(Row& slope, Row& bend);
  void values(Row& value);
  void list_maxima(const Row& slope);
  EventView large(const Season& season);

  const SkyTemplate* sky_;
  const Kernels* kernels_;
  std::vector<Season> seasons_;
  std::vector<Share> shares_;
  double n_ref_ = 1.0;
  Row limit_{}, n_{}, value_{};
  std::vector<TemplateStart> maxima_;
  AlignedVector<float> one_;
  std::vector<std::uint32_t> count_;
  std::vector<const float*> row_;
};

}  // namespace nusky
