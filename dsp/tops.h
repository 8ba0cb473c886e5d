/* Integers of 32 bits with an exponent, as floating point has them: micromlgen/features/_tops.py. */
#include "avr16.h"
#include "log2.h"
#ifndef MICROMLGEN_TOPS_2
#define MICROMLGEN_TOPS_2
/* v / 2^exponent of 32 bits, the highest one set, but for the bits cut off; 0 of 0. */
static __attribute__((noinline, unused)) uint32_t mml2_top(uint64_t v, int8_t *exponent)
{
    const uint32_t high = (uint32_t)(v >> 32), low = (uint32_t)v;
    const uint8_t bits = mml2_bit_length(high ? high : low), up = (uint8_t)(32u - bits);
    *exponent = (int8_t)(high ? bits : (int8_t)(bits - 32));
    if (!high) return bits ? low << up : 0;
    return up ? high << up | low >> bits : high;
}

/* v * 2^by of what stays in 32 bits, rounded down. */
MML2_APART uint32_t mml2_moved(uint32_t v, int16_t by)
{
    return by >= 0 ? v << by : by > -32 ? v >> -by : 0;
}

/* a * b / 2^16 of 32 and 16 bits, rounded down. */
MML2_APART uint32_t mml2_upper(uint32_t a, uint16_t b)
{
#if defined(MML2_AVR_MUL_)
    return mml2_avr_high(a, b);
#else
    return (uint32_t)(uint16_t)(a >> 16) * b + ((uint32_t)(uint16_t)a * b >> 16);
#endif
}

/* 2^47 / top in 16 bits, within 2^-15 of itself, of a highest bit that is set; 65535 of 0. */
static inline uint16_t mml2_inverse(uint32_t top)
{
    const uint16_t half = (uint16_t)((top >> 16) + (top >> 15 & (top < 0xffff8000u)));
    const uint32_t inverse = half ? (0x80000000u + (half >> 1)) / half : 65535u;
    return (uint16_t)(inverse - (inverse >> 16));
}

/* a * b / 2^32 of 32 bits each, rounded down by halves of b. */
static __attribute__((noinline, unused)) uint32_t mml2_upper32(uint32_t a, uint32_t b)
{
    return mml2_upper(a, (uint16_t)(b >> 16)) + (mml2_upper(a, (uint16_t)b) >> 16);
}

/* 2^63 / top in 32 bits, within 2^-29 of itself, by a step of Newton from 2^47 / top as above. */
static inline uint32_t mml2_inverse32(uint32_t top, uint16_t inverse)
{
    const uint32_t off = 0x80000000u - mml2_upper(top, inverse);
    const uint32_t step = (off >> 31 ? 0u - off : off) * inverse >> 15;
    return ((uint32_t)inverse << 16) + (off >> 31 ? 0u - step : step);
}

/* v * 2^by, at most 2^30 - 1. */
static inline int32_t mml2_limited(uint32_t v, int16_t by)
{
    if (by >= 0 && (by >= 30 || v >> (30 - by))) return v ? 0x3fffffffL : 0;
    v = by >= 0 ? v << by : by > -32 ? v >> -by : 0;
    return v >> 30 ? 0x3fffffffL : (int32_t)v;
}
#endif
