/* Powers and magnitudes of bins of 32 bits, as large as these allow: micromlgen/features/_frames.py. */
#include "bins.h"
#include "powers32_avr.h"
#include "thumb32.h"
#ifndef MICROMLGEN_POWERS32_2
#define MICROMLGEN_POWERS32_2
/* sum + a^2 / 2^32, rounded down. */
static inline uint32_t mml2_power_add(uint32_t sum, int32_t a)
{
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
    uint32_t out;
    __asm__("smmla %0, %1, %1, %2" : "=r"(out) : "r"(a), "r"(sum));
    return out;
#elif defined(MML2_THUMB_) /* as in C below */
    uint32_t low, square;
    __asm__(".syntax unified\n\t"
        "uxth %[low], %[a]\n\t"
        "asrs %[a], %[a], #16\n\t"
        "mov %[square], %[low]\n\t"
        "muls %[square], %[low]\n\t"
        "lsrs %[square], %[square], #17\n\t"
        "muls %[low], %[a]\n\t"
        "adds %[low], %[low], %[square]\n\t"
        "asrs %[low], %[low], #15\n\t"
        "muls %[a], %[a]\n\t"
        "adds %[a], %[a], %[low]"
        : [a] "+l"(a), [low] "=&l"(low), [square] "=&l"(square)
        :
        : "cc");
    return sum + (uint32_t)a;
#elif defined(__AVR__) || (defined(__thumb__) && !defined(__thumb2__))
    const int32_t high = a >> 16;
    const uint32_t low = (uint16_t)a;
    const int32_t rest = high * (int32_t)low + (int32_t)(low * low >> 17); /* half of the middle: 2^15 * 65535 and 2^15 are below 2^31 */
    return sum + (uint32_t)(high * high + (rest >> 15));
#else
    return sum + (uint32_t)(((int64_t)a * a) >> 32);
#endif
}

/* a^2 / 2^32, rounded down. */
static inline uint32_t mml2_power_square(int32_t a)
{
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
    uint32_t out;
    __asm__("smmul %0, %1, %1" : "=r"(out) : "r"(a));
    return out;
#else
    return mml2_power_add(0, a);
#endif
}

/* The parts of a bin. */
typedef struct {
    int32_t re, im;
} mml2_parts_t;

/* Those at *z, which is moved behind them. */
static inline mml2_parts_t mml2_next_parts(const int32_t **z)
{
    mml2_parts_t out;
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
    __asm__ volatile("ldrd %0, %1, [%2], #8" : "=&r"(out.re), "=&r"(out.im), "+r"(*z) : : "memory");
#else
    out.re = (*z)[0];
    out.im = (*z)[1];
    *z += 2;
#endif
    return out;
}

/* Power in Q-32 of parts that are shifted up. */
static inline uint32_t mml2_power_of_parts(mml2_parts_t z, uint8_t up)
{
    return mml2_power_add(mml2_power_square(z.re * ((int32_t)1 << up)), z.im * ((int32_t)1 << up));
}

/* That of the bin at z. */
static inline int32_t mml2_power32(const int32_t *z, uint8_t up)
{
    mml2_parts_t parts;
    parts.re = z[0];
    parts.im = z[1];
    return (int32_t)mml2_power_of_parts(parts, up);
}

/* Powers of n bins in the place of their parts, whose bits are `every` and which are shifted up to 31: returned is by
   how much. */
static inline uint8_t mml2_powers32(int32_t *z, uint16_t n, uint32_t every)
{
    const uint8_t up = (uint8_t)(every ? 31u - mml2_bit_length(every) : 0u);
#if defined(MML2_AVR_MUL_)
    mml2_avr_powers(z, (uint32_t *)z, n, up);
#else
    const int32_t *at = z;
    for (; n > 1u; n = (uint16_t)(n - 2u), z += 2, at += 4) {
        z[0] = mml2_power32(at, up);
        z[1] = mml2_power32(at + 2, up);
    }
    if (n) *z = mml2_power32(at, up);
#endif
    return up;
}

/* The bits of a without its sign. */
static inline uint32_t mml2_part_bits(int32_t a)
{
    return (uint32_t)(a ^ a >> 31);
}

static inline uint32_t mml2_parts_bits(mml2_parts_t z)
{
    return mml2_part_bits(z.re) | mml2_part_bits(z.im);
}

/* Magnitudes of n bins, whose bits are `every` and which are shifted up to 29 if they have less, at y, which may be where
   the bins are. */
static inline uint8_t mml2_magnitudes(const int32_t *z, int32_t *y, uint16_t n, uint32_t every)
{
    const uint8_t bits = mml2_bit_length(every), up = (uint8_t)(every && bits < 29u ? 29u - bits : 0u);
    for (; n; --n, z += 2) *y++ = mml2_bin_magnitude(z[0] * ((int32_t)1 << up), z[1] * ((int32_t)1 << up));
    return up;
}
#endif
