// The kernel of SkyBound; included by kernels.inl.

typedef std::uint16_t upper_halves __attribute__((vector_size(width * 2)));

// Floats of which the upper halves are kept.
NUSKY_INLINE vf load_upper(const std::uint16_t* p) {
  vf v;
  NUSKY_EACH {
    upper_halves u;
    __builtin_memcpy(&u, p + k * width, sizeof u);
    const ni bits = __builtin_convertvector(u, ni) << 16;
    __builtin_memcpy(&v.part[k], &bits, sizeof bits);
  }
  return v;
}

template <std::size_t fixed>
NUSKY_INLINE void sky_row_of(std::size_t n, const SkyEntry* entries, const float* turn, float bins, const std::uint16_t* templates,
                             std::size_t vectors, float* p, float* top) {
  const std::size_t many = fixed == 0 ? vectors : fixed;
  for (std::size_t i = 0; i < n; ++i) {
    const float x = turn[entries[i].event] * bins;
    const auto quarters = static_cast<std::uint32_t>(x * 4.0F);
    const std::size_t bin = quarters >> 2, quarter = quarters & 3;
    const std::uint16_t* t = templates + entries[i].place + quarter * 2 * many * lanes;
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(bin) - static_cast<std::ptrdiff_t>(many * (lanes / 2));
    float *to_p = p + first, *to_top = top + first;
    for (std::size_t v = 0; v < many; ++v) store(to_p + v * lanes, load(to_p + v * lanes) + load_upper(t + v * lanes));
    for (std::size_t v = 0; v < many; ++v) store(to_top + v * lanes, load(to_top + v * lanes) + load_upper(t + (many + v) * lanes));
  }
}

void sky_row(std::size_t n, const SkyEntry* entries, const float* turn, float bins, const std::uint16_t* templates, std::size_t vectors,
             float* p, float* top) {
  switch (vectors) {
    case 1:
      return sky_row_of<1>(n, entries, turn, bins, templates, vectors, p, top);
    case 2:
      return sky_row_of<2>(n, entries, turn, bins, templates, vectors, p, top);
    default:
      return sky_row_of<0>(n, entries, turn, bins, templates, vectors, p, top);
  }
}
