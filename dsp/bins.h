/* One number of a complex one whose parts, and magnitude, are within 2^30: micromlgen/features/fft.py. */
#include "avr16.h"
#include "log2.h"
#include "root.h"
#ifndef MICROMLGEN_BINS_2
#define MICROMLGEN_BINS_2
static inline uint32_t mml2_magnitude32(int32_t a)
{
    return a < 0 ? 0u - (uint32_t)a : (uint32_t)a;
}

/* a^2 / 2^30, rounded down twice. */
static inline uint32_t mml2_square30(uint32_t a)
{
#if defined(__AVR__) /* which has products of 16 bits, and moves bytes */
    const uint16_t high = (uint16_t)(a << 1 >> 16), low = (uint16_t)a & 0x7fffu;
    return (uint32_t)high * high + ((uint32_t)high * low << 2 >> 16);
#else
    const uint32_t high = a >> 15, low = a & 0x7fffu;
    return high * high + (high * low >> 14);
#endif
}

/* Q-30 of (re^2 + im^2). */
static inline int32_t mml2_bin_power(int32_t re, int32_t im)
{
    return (int32_t)(mml2_square30(mml2_magnitude32(re)) + mml2_square30(mml2_magnitude32(im)));
}

/* The power of both shifted down by as much as leaves 15 bits; the shift. */
static inline uint32_t mml2_bin_normal(int32_t re, int32_t im, uint8_t *shift)
{
    uint32_t r = mml2_magnitude32(re), i = mml2_magnitude32(im);
#if defined(MML2_AVR_MUL_)
    uint8_t by = 0;
    /* By a byte, and then bit by bit. */
    __asm__("mov r0,%D0\n\t or r0,%D1\n\t breq 1f\n\t ldi %2,8\n\t"
        "mov %A0,%B0\n\t mov %B0,%C0\n\t mov %C0,%D0\n\t mov %A1,%B1\n\t mov %B1,%C1\n\t mov %C1,%D1\n"
        "1:\n\t mov r0,%C0\n\t or r0,%C1\n\t brne 2f\n\t mov r0,%B0\n\t or r0,%B1\n\t brpl 3f\n"
        "2:\n\t lsr %C0\n\t ror %B0\n\t ror %A0\n\t lsr %C1\n\t ror %B1\n\t ror %A1\n\t inc %2\n\t rjmp 1b\n"
        "3:"
        : "+r"(r), "+r"(i), "+d"(by) : : "r0");
    *shift = by;
    return mml2_avr_square((int16_t)r, (int16_t)i);
#else
    const uint8_t bits = mml2_bit_length(r | i);
    *shift = (uint8_t)(bits > 15u ? bits - 15u : 0u);
    r >>= *shift;
    i >>= *shift;
    return r * r + i * i;
#endif
}

/* sqrt(re^2 + im^2). */
static inline int32_t mml2_bin_magnitude(int32_t re, int32_t im)
{
    uint8_t shift;
    const uint32_t power = mml2_bin_normal(re, im, &shift);
    return (int32_t)((uint32_t)mml2_root(power) << shift);
}

/* log2(re^2 + im^2) in Q9, rounded; 0 of 0. */
static inline int16_t mml2_bin_log(int32_t re, int32_t im, MML2_FLASH_AT(uint16_t) log2)
{
    uint8_t shift;
    const uint32_t power = mml2_bin_normal(re, im, &shift);
    return (int16_t)((((uint32_t)shift << 12) + mml2_log2(power, log2) + 2u) >> 2);
}
#endif
