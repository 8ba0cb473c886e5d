/* Frames of int16 samples on their way into a transform. */
#include "addresses.h"
#ifndef MICROMLGEN_SAMPLES_2
#define MICROMLGEN_SAMPLES_2
/* What is transformed. */
typedef struct {
    const int16_t *x;
    int8_t shift;      /* that scales it, up or, where negative, down; not used where numbers share an exponent */
    uint8_t windowed;  /* whether there is a window: its first half and the middle in Q15 */
    uint8_t framed;    /* whether the rest is used; without it there are as many samples as are transformed */
    uint8_t follows;   /* whether a sample precedes x[0] */
    uint8_t up;        /* first of all samples are shifted up by this, as far as all of them allow */
    uint16_t length;   /* samples, and what the window is of; 0 follows */
    int16_t emphasis;  /* Q15 of the part of the sample before that is taken off each */
    MML2_FLASH_AT(int16_t) window;
} mml2_samples_t;

/* What follows a number with digits of base 4 when these are reversed; `unit` is what the highest digit counts. */
static inline uint16_t mml2_fft_next(uint16_t reversed, uint16_t unit)
{
    while ((reversed & 3u * unit) == 3u * unit) {
        reversed = (uint16_t)(reversed ^ 3u * unit);
        unit = (uint16_t)(unit >> 2);
    }
    return (uint16_t)(reversed + unit);
}

/* By how much n samples can be shifted up. */
static inline uint8_t mml2_samples_headroom(const int16_t *x, uint16_t n)
{
    uint16_t every = 0;
    uint8_t up = 15;
#if defined(__GNUC__) && !defined(__AVR__)
    /* Two at once, one in the other's lowest bit: v ^ v << 1 has one bit more than v without its sign. */
    if (!((uintptr_t)x & 3u)) {
        const int16_t *const pairs = (const int16_t *)__builtin_assume_aligned(x, 4);
        uint32_t both = 0;
        uint_fast16_t i;
        for (i = 0; i + 7u < n; i += 8u) {
            uint32_t p[4];
            memcpy(p, pairs + i, sizeof p);
            both |= (p[0] ^ p[0] << 1) | (p[1] ^ p[1] << 1) | (p[2] ^ p[2] << 1) | (p[3] ^ p[3] << 1);
        }
        every = (uint16_t)((uint16_t)(both | both >> 16) >> 1);
        x += i;
        n = (uint16_t)(n - i);
    }
#endif
    for (; n; --n, ++x) {
        const int16_t value = *x;
        every = (uint16_t)(every | (uint16_t)(value < 0 ? ~value : value));
    }
    for (; every; every >>= 1) --up;
    return up;
}

/* Samples at x that are shifted up as far as they go; the shift that scales them is left at 0. */
static inline mml2_samples_t mml2_samples(
    const int16_t *x, uint16_t length, uint8_t framed, uint8_t follows, int16_t emphasis, uint8_t windowed,
    MML2_FLASH_AT(int16_t) window)
{
    mml2_samples_t in;
    in.x = x;
    in.shift = 0;
    in.windowed = windowed;
    in.framed = framed;
    in.follows = follows;
    in.up = follows ? mml2_samples_headroom(x - 1, (uint16_t)(length + 1u)) : mml2_samples_headroom(x, length);
    in.length = length;
    in.emphasis = emphasis;
    in.window = window;
    return in;
}
#endif
