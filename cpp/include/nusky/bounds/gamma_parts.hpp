#pragma once
#include <cstddef>

#include "nusky/bounds/cap_events.hpp"
#include "nusky/likelihood/fit_model.hpp"

namespace nusky {

/// The range of γ in parts (B10): how much of an event's largest R is left, at most, where γ is in one of them. Rows of R are read when
/// a part is asked for first, which most clusters never do.
class GammaParts {
 public:
  static constexpr std::size_t n_parts = 5;

  /// @param events must outlive this
  /// @param room memory to be used
  GammaParts(const FitModel& model, const CapEvents& events, AlignedVector<float>&& room)
      : model_(&model), events_(&events), left_(std::move(room)) {}

  /// γ is fitted; else there are no parts.
  bool free() const { return model_->gamma_free(); }
  /// (events,) of one part, at most 1.
  const float* part(std::size_t i);
  AlignedVector<float> release() && { return std::move(left_); }

 private:
  void read();

  const FitModel* model_;
  const CapEvents* events_;
  AlignedVector<float> left_;  // part by part
  bool read_ = false;
};

}  // namespace nusky
