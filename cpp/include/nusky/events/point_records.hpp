#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "nusky/events/event_columns.hpp"
#include "nusky/kernels/views/points.hpp"

namespace nusky {

/// The events of some columns as fits of one position read them.
class PointRecords {
 public:
  /// @param gamma none: free within the nodes (of which one fixes it); else γ is fixed there
  PointRecords(std::shared_ptr<const EventColumns> columns, std::optional<double> gamma);

  const EventColumns& columns() const { return *columns_; }
  const std::shared_ptr<const EventColumns>& shared_columns() const { return columns_; }
  std::optional<double> gamma() const { return gamma_; }
  std::size_t size() const { return records_.size(); }
  PointView view() const;

 private:
  std::shared_ptr<const EventColumns> columns_;
  std::optional<double> gamma_;
  bool free_;
  AlignedVector<PointRecord> records_;
};

/// A declination as PointRecord has it.
PointPlace point_place(double dec);

}  // namespace nusky
