#pragma once
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

 private:
  struct Found {  // an event within its cut of some sources: pairs first … last − 1
    std::uint32_t event;
    std::size_t first, last;
  };
  void find(std::size_t season, const EventColumns& columns, std::size_t n, const std::uint32_t* event, const double* ra);
  std::size_t find_pairs(std::size_t season, const EventColumns& columns, std::size_t event, double ra, double x, double y,
                         std::size_t pairs);
  void add_fixed(std::size_t season, const EventColumns& columns, ValueEvents& out);
  void add_free(std::size_t season, const EventColumns& columns, ValueEvents& out);

  const Stack* stack_;
  const Kernels* kernels_;
  bool free_;
  std::vector<std::vector<float>> shares_;  // (K)(J): p_j where γ is not free
  std::vector<double> cos_dec_, x_, y_;
  std::vector<SourceRange> ranges_;
  std::vector<Found> found_;
  std::vector<std::size_t> near_;      // of found_: those that need rows at the nodes
  std::vector<std::uint32_t> source_;  // of all pairs
  AlignedVector<float> ratio_, mixture_;
};

}  // namespace nusky
