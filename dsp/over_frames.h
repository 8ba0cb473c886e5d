/* Coefficients of frames as a sequence: micromlgen/features/_over_frames.py. Those of a frame are `stride` numbers after those of
   the one before. */
#include "log2.h"
#include "root.h"
#ifndef MICROMLGEN_OVER_FRAMES_2
#define MICROMLGEN_OVER_FRAMES_2
/* Twice the mean of one of n frames' coefficients, rounded: n is up to 32767. */
static inline int32_t mml2_frames_mean(const int16_t *y, uint16_t n, uint16_t stride)
{
    uint32_t sum = 0;
    uint_fast16_t t;
    for (t = 0; t < n; ++t, y += stride) sum += (uint32_t)((int32_t)*y + 32768);
    return (int32_t)((2u * sum + n / 2u) / n) - (int32_t)65536;
}

/* m coefficients of n frames less their means, in half the Q that they come in. */
static inline void mml2_frames_off(int16_t *y, uint16_t n, uint16_t stride, uint16_t m)
{
    for (; m; --m, ++y) {
        const int32_t mean = mml2_frames_mean(y, n, stride);
        int16_t *at = y;
        uint_fast16_t t;
        for (t = 0; t < n; ++t, at += stride) *at = (int16_t)(((int32_t)*at * 2 - mean + 2) >> 2);
    }
}

/* And over their deviations, of which each is at least one step, as Q(fraction), rounded towards 0. */
static inline void mml2_frames_standard(int16_t *y, uint16_t n, uint16_t stride, uint16_t m, uint8_t fraction)
{
    for (; m; --m, ++y) {
        const int32_t mean = mml2_frames_mean(y, n, stride);
        uint64_t squares = 0;
        uint32_t variance;
        uint16_t deviation;
        int16_t *at = y;
        uint_fast16_t t;
        uint8_t shift = fraction;
        for (t = 0; t < n; ++t, at += stride) {
            const int32_t off = (int32_t)*at * 2 - mean;
            squares += (uint64_t)((int64_t)off * off);
        }
        if (squares < 4uL * n) squares = 4uL * n;
        for (; squares >> 32; squares >>= 2) --shift; /* 15 at most, and as many come back */
        variance = (uint32_t)squares / n;
        for (; !(variance >> 30); variance <<= 2) ++shift;
        deviation = mml2_root(variance); /* 16 bits, so that what it divides has 31 */
        for (t = 0, at = y; t < n; ++t, at += stride) {
            const int32_t off = (int32_t)*at * 2 - mean;
            *at = (int16_t)(off * ((int32_t)1 << shift) / (int32_t)deviation);
        }
    }
}

/* m differences of n frames' coefficients, which are m numbers before them: sums of k * (y[t + k] - y[t - k]), shifted down. The
   first and the last frame stand for those beyond. */
static inline void mml2_frames_delta(int16_t *y, uint16_t n, uint16_t stride, uint16_t m, uint8_t width, uint8_t shift)
{
    uint_fast16_t t;
    for (t = 0; t < n; ++t) {
        uint_fast16_t i;
        for (i = 0; i < m; ++i) {
            const int16_t *const from = y - m + i;
            int32_t sum = 0;
            uint8_t k;
            for (k = 1; k <= width; ++k) {
                const uint_fast16_t behind = t + k < n ? t + k : n - 1u, before = t > k ? t - k : 0u;
                sum += ((int32_t)from[behind * stride] - from[before * stride]) * k;
            }
            y[t * stride + i] = (int16_t)((sum + ((int32_t)1 << shift >> 1)) >> shift);
        }
    }
}
#endif
