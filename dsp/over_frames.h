/* Coefficients of frames as a sequence: micromlgen/features/_over_frames.py. They are within 2^20 either way, in a Q of their own.
   Those of a frame are `stride` numbers after those of the one before. */
#include "log2.h"
#include "root.h"
#ifndef MICROMLGEN_OVER_FRAMES_2
#define MICROMLGEN_OVER_FRAMES_2
/* Twice the mean of one of n frames' coefficients, rounded: n is up to 65535. */
static inline int32_t mml2_frames_mean(const int32_t *y, uint16_t n, uint16_t stride)
{
    uint32_t high = 0, low = 0; /* 11 and 10 bits of each, which add up within 27 */
    uint_fast16_t t;
    for (t = 0; t < n; ++t, y += stride) {
        const uint32_t above = (uint32_t)(*y + ((int32_t)1 << 20));
        high += above >> 10;
        low += above & 1023u;
    }
    low += high % n << 10;
    return (int32_t)((high / n << 11) + (2u * low + n / 2u) / n) - ((int32_t)1 << 21);
}

/* m coefficients of n frames less their means, rounded to nearest, in the Q that they come in. */
static inline void mml2_frames_off(int32_t *y, uint16_t n, uint16_t stride, uint16_t m)
{
    for (; m; --m, ++y) {
        const int32_t mean = mml2_frames_mean(y, n, stride);
        int32_t *at = y;
        uint_fast16_t t;
        for (t = 0; t < n; ++t, at += stride) *at = (*at * 2 - mean + 1) >> 1;
    }
}

/* And over their deviations, of which each is at least 64 steps, as Q(fraction), rounded towards 0: within 2^15. */
static inline void mml2_frames_standard(int32_t *y, uint16_t n, uint16_t stride, uint16_t m, uint8_t fraction)
{
    for (; m; --m, ++y) {
        const int32_t mean = mml2_frames_mean(y, n, stride);
        uint64_t squares = 0;
        uint32_t variance;
        uint16_t deviation;
        int32_t *at = y;
        uint_fast16_t t;
        uint8_t shift = fraction;
        for (t = 0; t < n; ++t, at += stride) {
            const int32_t off = *at * 2 - mean;
            squares += (uint64_t)((int64_t)off * off); /* 44 bits */
        }
        if (squares < 16384uL * n) squares = 16384uL * n;
        for (; squares >> 32; squares >>= 2) --shift; /* as many come back but for 6, and fraction is no less */
        variance = (uint32_t)squares / n;
        for (; !(variance >> 30); variance <<= 2) ++shift;
        deviation = mml2_root(variance); /* 16 bits, so that what it divides has 31 */
        for (t = 0, at = y; t < n; ++t, at += stride) {
            const int32_t off = *at * 2 - mean;
            *at = off * ((int32_t)1 << shift) / (int32_t)deviation;
        }
    }
}

/* m differences of n frames' coefficients, which are m numbers before them: sums of k * (y[t + k] - y[t - k]), shifted down. The
   first and the last frame stand for those beyond. Of 22 bits, and widths to 9, sums have 29. */
static inline void mml2_frames_delta(int32_t *y, uint16_t n, uint16_t stride, uint16_t m, uint8_t width, uint8_t shift)
{
    uint_fast16_t t;
    for (t = 0; t < n; ++t) {
        uint_fast16_t i;
        for (i = 0; i < m; ++i) {
            const int32_t *const from = y - m + i;
            int32_t sum = 0;
            uint8_t k;
            for (k = 1; k <= width; ++k) {
                const uint_fast16_t behind = t + k < n ? t + k : n - 1u, before = t > k ? t - k : 0u;
                sum += (from[behind * stride] - from[before * stride]) * k;
            }
            y[t * stride + i] = (sum + ((int32_t)1 << shift >> 1)) >> shift;
        }
    }
}
#endif
