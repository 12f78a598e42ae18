#pragma once
// Registers: only this header and its parts in simd/ know how wide they are and what instructions there are. The kernels are
// written over what stands there, and compiled once for each instruction set by level_<set>.cpp, which defines
//
//   NUSKY_LEVEL, NUSKY_LEVEL_NAME  namespace, and name for the user
//   NUSKY_FLOAT_WIDTH              floats in a register
//   NUSKY_TAILS_WIDTH              accumulators of 16 floats that fit the registers
//   NUSKY_COMPRESS                 AVX-512: selected lanes are moved together in one instruction
//
// A kernel works on 16 lanes at a time at every level, so that the order of every sum is the same on all of them; which
// bits agree is in docs/adr/0002. `Lanes` is an array of 1, 2 or 4 registers: a single vector type wider than the
// registers would be split through memory by the compiler (measured: three times slower on AVX2).
#include "kernels/simd/copies.inl"
#include "kernels/simd/registers.inl"
#include "kernels/simd/words.inl"
