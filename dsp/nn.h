#include "addresses.h"
#ifndef MICROMLGEN_NN_2
#define MICROMLGEN_NN_2
/* Scaling of sums to int8, and what else layers of nets have in common. micromlgen/models/_graph_scale.py is the
   definition. */

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_ARCH) && __ARM_ARCH >= 7 && (defined(__GNUC__) || defined(__clang__))
#define MML2_NN_DSP 1
#else
#define MML2_NN_DSP 0
#endif

/* (a * b + half * 2^16) / 2^32, rounded down; b not negative. */
static inline int32_t mml2_nn_high(int32_t a, int32_t b, uint16_t half)
{
#if defined(__AVR__) || (defined(__ARM_ARCH) && __ARM_ARCH_ISA_THUMB == 1)
    /* By halves: these cores multiply 16 bits, or to 32. */
    const uint16_t al = (uint16_t)a, bl = (uint16_t)b, bh = (uint16_t)((uint32_t)b >> 16);
    const int16_t ah = (int16_t)(a >> 16);
    const uint32_t middle = (uint32_t)al * bh + ((uint32_t)al * bl >> 16) + half;
    const int32_t side = (int32_t)ah * bl;
    return (int32_t)ah * (int32_t)bh + (side >> 16) + (int32_t)((middle + ((uint32_t)side & 0xffffu)) >> 16);
#else
    return (int32_t)(((int64_t)a * b + ((int64_t)half << 16)) >> 32);
#endif
}

/* Twice x plus `add`, halved. */
static inline int8_t mml2_nn_clamped(int32_t twice, int16_t low, int16_t high)
{
    const int32_t x = twice >> 1;
    return (int8_t)(x < low ? low : x > high ? high : x);
}

/* 256 times a sum, times a factor: rounded once. `add` is twice the zero of the output, plus one. */
static inline int32_t mml2_nn_once(int32_t sum, int32_t multiplier, uint8_t bits, int16_t add)
{
    return (mml2_nn_high(sum, multiplier, 0) >> bits) + add;
}

/* Twice a sum, times a factor: rounded to 32 bits, then again, halves away from zero. */
static inline int32_t mml2_nn_twice(int32_t sum, int32_t multiplier, uint8_t bits, int16_t add)
{
    const int32_t x = mml2_nn_high(sum, multiplier, 0x8000u);
    return ((x - (x < 0)) >> bits) + add;
}

/* The same of any sum and factor, as int8 before the zero of the output is added. */
static inline int32_t mml2_nn_wide_once(int32_t sum, int32_t multiplier, int8_t shift)
{
    return (int32_t)(((int64_t)sum * multiplier + ((int64_t)1 << (30 - shift))) >> (31 - shift));
}

/* a * b / 2^31 to the nearest, halves up. */
static inline int32_t mml2_nn_doubling(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* x / 2^bits to the nearest, halves away from zero. */
static inline int32_t mml2_nn_divided(int32_t x, uint8_t bits)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << bits) - 1u);
    return bits > 30 ? 0 : (x >> bits) + ((x & mask) > (mask >> 1) + (x < 0));
}

static inline int32_t mml2_nn_wide_twice(int32_t sum, int32_t multiplier, int8_t shift)
{
    const int32_t x = shift > 0 ? (int32_t)((uint32_t)sum << shift) : sum;
    return mml2_nn_divided(mml2_nn_doubling(x, multiplier), shift < 0 ? (uint8_t)-shift : 0);
}

static inline int8_t mml2_nn_saturated(int32_t x, int16_t low, int16_t high)
{
    return (int8_t)(x < low ? low : x > high ? high : x);
}
#endif
