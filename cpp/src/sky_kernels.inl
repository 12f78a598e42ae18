// The kernel of SkyBound; included by kernels.inl.

template <std::size_t fixed>
NUSKY_INLINE void sky_row_of(std::size_t n, const SkyEntry* entries, const float* turn, float bins, const float* templates,
                             std::size_t vectors, float* p, float* top) {
  const std::size_t many = fixed == 0 ? vectors : fixed;
  for (std::size_t i = 0; i < n; ++i) {
    const float x = turn[entries[i].event] * bins;
    const auto quarters = static_cast<std::uint32_t>(x * 4.0F);
    const std::size_t bin = quarters >> 2, quarter = quarters & 3;
    const float* t = templates + entries[i].place + quarter * 2 * many * lanes;
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(bin) - static_cast<std::ptrdiff_t>(many * (lanes / 2));
    float *to_p = p + first, *to_top = top + first;
    for (std::size_t v = 0; v < many; ++v) store(to_p + v * lanes, load(to_p + v * lanes) + load(t + v * lanes));
    for (std::size_t v = 0; v < many; ++v) store(to_top + v * lanes, load(to_top + v * lanes) + load(t + (many + v) * lanes));
  }
}

void sky_row(std::size_t n, const SkyEntry* entries, const float* turn, float bins, const float* templates, std::size_t vectors, float* p,
             float* top) {
  switch (vectors) {
    case 1:
      return sky_row_of<1>(n, entries, turn, bins, templates, vectors, p, top);
    case 2:
      return sky_row_of<2>(n, entries, turn, bins, templates, vectors, p, top);
    default:
      return sky_row_of<0>(n, entries, turn, bins, templates, vectors, p, top);
  }
}
