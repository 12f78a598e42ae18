#if defined(__x86_64__)
#define NUSKY_BASELINE_NAME "sse2"
#else
#define NUSKY_BASELINE_NAME "generic"
#endif
#define NUSKY_KERNEL_NAMESPACE baseline
#define NUSKY_KERNEL_NAME NUSKY_BASELINE_NAME
#define NUSKY_FLOAT_WIDTH 4  // floats in a register
#define NUSKY_TAILS_WIDTH 2  // accumulators of 16 floats that fit the registers
#include "kernels/kernels.inl"
