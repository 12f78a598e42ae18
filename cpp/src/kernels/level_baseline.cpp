#if defined(__x86_64__)
#define NUSKY_LEVEL_NAME "sse2"
#else
#define NUSKY_LEVEL_NAME "generic"
#endif
#define NUSKY_LEVEL baseline
#define NUSKY_FLOAT_WIDTH 4  // floats in a register
#define NUSKY_TAILS_WIDTH 2  // accumulators of 16 floats that fit the registers
#include "kernels/sky_compute.inl"

#include "kernels/level.inl"
