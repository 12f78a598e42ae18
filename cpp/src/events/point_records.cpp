#include "nusky/events/point_records.hpp"

#include <cmath>
#include <utility>

namespace nusky {

PointPlace point_place(double dec) {
  const auto near = static_cast<float>(dec);
  return {near, static_cast<float>(dec - static_cast<double>(near)), static_cast<float>(std::cos(dec))};
}

PointRecords::PointRecords(std::shared_ptr<const EventColumns> columns, std::optional<double> gamma)
    : columns_(std::move(columns)), gamma_(gamma), free_(columns_->axis().free() && !gamma) {
  const GammaAxis& axis = columns_->axis();
  const std::size_t n = columns_->size();
  records_.resize(n);
  const bool fixed = !free_ && axis.size() > 0;
  const Stencil at = fixed ? axis.stencil(gamma.value_or(axis.front())) : Stencil{};
  for (std::size_t i = 0; i < n; ++i) {
    const EventRecord& e = columns_->record(i);
    const PointPlace place = point_place(columns_->dec(i));
    PointRecord& r = records_[i];
    r = {place.dec,        place.dec_rest, place.cos_dec, e.spatial.gaussian > 0.0F ? e.spatial.rate : -e.spatial.rate,
         e.spatial.weight, 1.0F,           1.0F,          0};
    if (free_) {
      r.peak = e.peak;
      r.lift = e.lift;
      r.row = columns_->table_row(i);
    } else if (fixed) {
      r.weight *= at.ratio(e.log_ratio);
    }
  }
}

PointView PointRecords::view() const {
  const auto step = static_cast<std::size_t>(columns_->axis().padded_size());
  return {records_.data(), free_ ? columns_->ratio_table() : nullptr, columns_->log_ratio_table(), step};
}

}  // namespace nusky
