#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "nusky/sphere/sphere.hpp"

namespace nusky {

/// Cells all over the sky: bands of declination, each cut into rows and those into bins of right ascension. Of the cells of a layer, each
/// holds four of the next finer one; layer 0 is the finest.
class SkyGrid {
 public:
  /// @param n_layers 1 … 5, so that a band has 16 rows at most; std::invalid_argument otherwise
  /// @param aspect height of a cell over its width
  SkyGrid(std::size_t n_bands, std::size_t n_layers, double aspect);

  std::size_t n_bands() const { return coarsest_bins_.size(); }
  std::size_t n_layers() const { return n_layers_; }
  /// Rows of each band.
  std::size_t rows(std::size_t layer) const { return std::size_t{1} << (n_layers_ - 1 - layer); }
  /// Bins of each row of a band.
  std::size_t bins(std::size_t band, std::size_t layer) const { return coarsest_bins_[band] << (n_layers_ - 1 - layer); }
  double band_height() const { return pi / static_cast<double>(n_bands()); }
  /// Lower edge of a row, counted from the south pole, in rad.
  double row_edge(std::size_t layer, std::size_t row) const {
    return -0.5 * pi + band_height() / static_cast<double>(rows(layer)) * static_cast<double>(row);
  }
  /// Width that the bins of a layer have in the middle of a band at least, in rad; towards the equator they are wider.
  double width(std::size_t layer) const { return band_height() / static_cast<double>(rows(layer)) / aspect_; }
  /// The row of layer 0 that holds a declination.
  std::size_t row(double dec) const;
  /// Number of a cell of layer 0: those of a row follow each other, and rows do from the south pole on.
  std::uint32_t cell(const Vec3& v) const;
  std::uint32_t first_cell(std::size_t row) const { return first_[row]; }
  std::size_t size() const { return first_.back(); }

 private:
  std::size_t n_layers_;
  double aspect_;
  std::vector<std::size_t> coarsest_bins_;
  std::vector<std::uint32_t> first_;  // of each row of layer 0, and the end
};

}  // namespace nusky
