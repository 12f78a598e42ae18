#define NUSKY_LEVEL avx2
#define NUSKY_LEVEL_NAME "avx2"
#define NUSKY_FLOAT_WIDTH 8  // floats in a register
#define NUSKY_TAILS_WIDTH 4  // accumulators of 16 floats that fit the registers
#include "kernels/sky_compute.inl"

#include "kernels/level.inl"
