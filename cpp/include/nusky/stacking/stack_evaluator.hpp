#pragma once
#include <utility>

#include "nusky/kernels/table.hpp"
#include "nusky/stacking/stack.hpp"

namespace nusky {

/// Sums S/B of events over the sources of a stack.
class StackEvaluator : public Evaluator {
 public:
  /// @param gamma see Hypothesis::evaluator
  StackEvaluator(const Stack& stack, std::optional<double> gamma);
  void add(std::size_t season, const EventColumns& columns, std::size_t n, const std::uint32_t* event, const double* ra,
           ValueEvents& out) override;
  void begin() override;
  void sum_left(std::size_t season, float* sums) override;

 private:
  void find(std::size_t season, const EventColumns& columns, std::size_t n, const std::uint32_t* event, const double* ra);
  std::size_t find_pairs(std::size_t season, const EventColumns& columns, const StackEvent& e, std::size_t event, double ra, double x,
                         double y);
  void add_fixed(std::size_t season, const EventColumns& columns, ValueEvents& out);
  void add_free(std::size_t season, const EventColumns& columns, ValueEvents& out);
  void leave_out(std::size_t season, const EventColumns& columns, ValueEvents& out);

  struct Left {  // events of a season that have been left out
    std::vector<StackedSum> event;
    std::vector<std::pair<const EventColumns*, std::size_t>> columns;  // and the end of the events that are theirs
  };
  const Stack* stack_;
  const Kernels* kernels_;
  bool free_;
  std::vector<std::vector<float>> shares_;  // (K)(J): p_j where γ is not free
  std::vector<double> cos_dec_, x_, y_;
  std::vector<SourceRange> ranges_;
  std::vector<StackedSum> found_;  // events within their cut of some sources
  std::vector<float> largest_w_;   // of these: S/B R is at most this
  std::size_t pairs_ = 0;          // of all events since `begin`
  std::vector<std::uint32_t> source_;
  AlignedVector<float> ratio_, mixture_;
  std::vector<Left> left_;  // (K)
};

}  // namespace nusky
