#include "nusky/bounds/gamma_parts.hpp"

#include <algorithm>

namespace nusky {
namespace {

// Events on their way from memory.
constexpr std::size_t ahead = 16;

}  // namespace

const float* GammaParts::part(std::size_t i) {
  if (!read_) read();
  return left_.data() + i * events_->size();
}

// Between two coarse γ, R is at most the larger of its values there times the event's lift; a part ends at coarse γ.
void GammaParts::read() {
  read_ = true;
  const std::size_t n = events_->size();
  left_.resize(n_parts * n);
  const auto record = [&](std::size_t i) -> const EventRecord& { return model_->index().record(events_->number(std::min(i, n - 1))); };
  for (std::size_t i = 0; i < n; ++i) {
    __builtin_prefetch(&record(i + 2 * ahead));
    __builtin_prefetch(record(i + ahead).ratio);
    const EventRecord& e = record(i);
    for (std::size_t part = 0; part < n_parts; ++part) {
      const std::size_t first = part * (n_coarse_gamma - 1) / n_parts, last = (part + 1) * (n_coarse_gamma - 1) / n_parts;
      const float most = *std::max_element(e.ratio + first, e.ratio + last + 1) * e.lift;  // B10
      left_[part * n + i] = std::min(1.0F, most / e.peak * 1.000001F);
    }
  }
}

}  // namespace nusky
