#pragma once
// Pixel centres of the HEALPix tessellation (Górski et al. 2005), for the benchmark alone: the core knows directions only.
#include <cstdint>
#include <vector>

#include "nusky/sphere/sphere.hpp"

namespace nusky::bench {

struct PixelTiles {
  std::vector<double> ra, dec;     // of pixels within the declination limit
  std::vector<std::int64_t> tile;  // parents of 16 pixels
  std::vector<double> tile_ra, tile_dec, radius;
};

/// Centre of pixel (face, x, y) with x, y in units of the face's side.
inline void centre(int face, double x, double y, double& ra, double& dec) {
  const double jr = (face < 4 ? 2.0 : face < 8 ? 3.0 : 4.0) - x - y;
  const int column[12] = {1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7};
  double nr = 1.0, z = (2.0 - jr) * 2.0 / 3.0;
  if (jr < 1.0) {
    nr = jr;
    z = 1.0 - nr * nr / 3.0;
  } else if (jr > 3.0) {
    nr = 4.0 - jr;
    z = nr * nr / 3.0 - 1.0;
  }
  ra = pi / 4.0 * (column[face] * nr + x - y) / nr;
  if (ra < 0) ra += 2 * pi;
  if (ra >= 2 * pi) ra -= 2 * pi;
  dec = std::asin(z);
}

inline PixelTiles pixel_tiles(int nside, double max_dec) {
  PixelTiles out;
  const int side = nside / 4;
  for (int face = 0; face < 12; ++face)
    for (int px = 0; px < side; ++px)
      for (int py = 0; py < side; ++py) {
        double tra = 0, tdec = 0;
        centre(face, (px + 0.5) / side, (py + 0.5) / side, tra, tdec);
        const Vec3 middle = unit_vector(tra, tdec);
        bool used = false;
        double radius = 0.0;
        for (int k = 0; k < 16; ++k) {
          double ra = 0, dec = 0;
          centre(face, (4 * px + k % 4 + 0.5) / nside, (4 * py + k / 4 + 0.5) / nside, ra, dec);
          radius = std::max(radius, 2.0 * std::asin(0.5 * (unit_vector(ra, dec) - middle).norm()));
          if (std::abs(dec) > max_dec) continue;
          used = true;
          out.ra.push_back(ra);
          out.dec.push_back(dec);
          out.tile.push_back(static_cast<std::int64_t>(out.tile_ra.size()));
        }
        if (used) {
          out.tile_ra.push_back(tra);
          out.tile_dec.push_back(tdec);
          out.radius.push_back(radius + 1e-9);
        }
      }
  return out;
}

}  // namespace nusky::bench
