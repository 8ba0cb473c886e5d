/* One number of each bin, from mantissas of magnitudes below 23200 that share an exponent: micromlgen/features/fft16.py. */
#include "avr16.h"
#include "complex16.h"
#include "log2.h"
#include "root.h"
#ifndef MICROMLGEN_BINS16_2
#define MICROMLGEN_BINS16_2
/* re^2 + im^2, below 2^30. */
static inline uint32_t mml2_bins16_square(const mml2_int16_t *z)
{
#if defined(MML2_AVR_MUL_)
    return mml2_avr_square(z[0], z[1]);
#else
    return (uint32_t)((int32_t)z[0] * z[0] + (int32_t)z[1] * z[1]);
#endif
}

/* n mantissas times 2^exponent, rounded to nearest: up to 2^30. y may begin where z does. */
static inline void mml2_bins16_parts(const mml2_int16_t *z, int32_t *y, uint16_t n, int8_t exponent)
{
    const uint8_t up = (uint8_t)(exponent < 0 ? 0 : exponent);
#if defined(MML2_AVR_MUL_)
    const uint8_t bytes = up / 8u, factor = (uint8_t)(1u << up % 8u);
#else
    const int32_t factor = (int32_t)1 << up;
#endif
    if (exponent < 0) {
        while (n--) y[n] = (int32_t)mml2_rounded16(z[n], (uint8_t)-exponent);
        return;
    }
    while (n--) {
#if defined(MML2_AVR_MUL_)
        const int32_t value = mml2_avr_times8(z[n], factor);
        y[n] = bytes == 0 ? value : bytes == 1 ? value * 256L : value * 65536L;
#else
        y[n] = (int32_t)z[n] * factor;
#endif
    }
}

/* Squares of the magnitudes of n bins times 2^(2 exponent - 30), rounded down. y may begin where z does. */
static inline void mml2_bins16_power(const mml2_int16_t *z, int32_t *y, uint16_t n, int8_t exponent)
{
    const uint8_t up = (uint8_t)(exponent > 15 ? 2 * exponent - 30 : 0);
    const uint8_t down = (uint8_t)(exponent > 15 ? 0 : exponent > 0 ? 30 - 2 * exponent : 30);
    for (; n; --n, z += 2) {
        uint32_t square = mml2_bins16_square(z) << up;
        uint8_t left = down;
        for (; left >= 8u; left = (uint8_t)(left - 8u)) square >>= 8; /* bytes move where there are no shifts by many */
        *y++ = (int32_t)(square >> left);
    }
}

/* Magnitudes of n bins, of 16 bits, times 2^exponent, rounded to nearest. y may begin where z does. */
static inline void mml2_bins16_magnitude(const mml2_int16_t *z, int32_t *y, uint16_t n, int8_t exponent)
{
    for (; n; --n, z += 2) {
        const int32_t twice = mml2_root(mml2_bins16_square(z) << 2);
        *y++ = exponent > 0 ? twice * ((int32_t)1 << (exponent - 1)) : ((twice >> -exponent) + 1) >> 1;
    }
}

/* log2 of the square of a bin's magnitude in Q9, at least 0. */
static inline int16_t mml2_bins16_log(const mml2_int16_t *z, int8_t exponent, MML2_FLASH_AT(uint16_t) log2)
{
    const uint32_t square = mml2_bins16_square(z);
    const int32_t log = (int32_t)mml2_log2(square, log2) + (int32_t)exponent * 4096 + 2;
    return (int16_t)(square && log > 0 ? log >> 2 : 0);
}
#endif
