#pragma once
#include <cstddef>
#include <cstdint>

#include "nusky/aligned.hpp"
#include "nusky/kernels/table.hpp"

namespace nusky {

/// Events around a cap in columns, as SurveyView has them: positions relative to a centre that the owner knows. Its memory can be moved on
/// to the next cap.
class CapEvents {
 public:
  std::size_t size() const { return n_; }
  /// Number of event i in the index.
  std::uint32_t number(std::size_t i) const { return number_[i]; }
  SurveyView view() const { return {n_, x_.data(), y_.data(), z_.data(), rate_.data(), weight_.data(), number_.data()}; }
  /// Room for `size` entries; those that are there stay.
  SurveyColumns room(std::size_t size) {
    if (x_.size() < size) {
      for (auto* column : {&x_, &y_, &z_, &rate_, &weight_}) column->resize(size);
      number_.resize(size);
    }
    return {x_.data(), y_.data(), z_.data(), rate_.data(), weight_.data(), number_.data()};
  }
  /// From now on there are n entries, a multiple of 16.
  void set_size(std::size_t n) { n_ = n; }

 private:
  AlignedVector<float> x_, y_, z_, rate_, weight_;
  AlignedVector<std::uint32_t> number_;
  std::size_t n_ = 0;
};

/// Events that are not looked at one by one: Σ u and Σ u² at n = 1, each u where it is largest in the cap.
struct TailSums {
  double u = 0.0, u2 = 0.0;
};

}  // namespace nusky
