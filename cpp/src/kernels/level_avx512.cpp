#define NUSKY_LEVEL avx512
#define NUSKY_LEVEL_NAME "avx512"
#define NUSKY_FLOAT_WIDTH 16  // floats in a register
#define NUSKY_COMPRESS        // vcompressps: moves bits, changes none
#define NUSKY_TAILS_WIDTH 8   // accumulators of 16 floats that fit the registers
#include "kernels/sky_lookup.inl"

#include "kernels/level.inl"
