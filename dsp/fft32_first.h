/* The first pass of fft32.h: samples, times a window, into transforms of 4 or 8. */
#include "fft32_first_dsp.h"
#include "fft32_first_thumb.h"
#ifndef MICROMLGEN_FFT32_FIRST_2
#define MICROMLGEN_FFT32_FIRST_2
/* Sample `at` times element `place` of the window if that is of all samples: 31 bits. A framed one is times 2^14. */
static inline __attribute__((always_inline)) int32_t mml2_fft32_sample(mml2_samples_t in, int_fast16_t at, int_fast16_t place)
{
    int32_t value;
    if (!in.framed) {
        return in.windowed ? (int32_t)in.x[at] * (int16_t)MML2_FLASH_GET_U16(in.window, (uint16_t)place) : in.x[at];
    }
    if (at >= (int_fast16_t)in.length) return 0;
    value = (int32_t)in.x[at] * ((int32_t)32768L << in.up);
    if (in.emphasis && (at || in.follows)) value -= ((int32_t)in.x[at - 1] * ((int32_t)1 << in.up)) * in.emphasis;
    if (at > (int_fast16_t)(in.length / 2u)) at = (int_fast16_t)in.length - at;
    return in.windowed ? mml2_half_product(value, (int16_t)MML2_FLASH_GET_U16(in.window, (uint16_t)at)) : value >> 1;
}

/* The sum of two numbers and their difference. */
typedef struct {
    int32_t sum_re, sum_im, re, im;
} mml2_fft32_two_t;

/* Of the numbers of samples a and c and the ones behind, with elements of the window: w and the one behind for the
   first, v and the one before for the second. Two samples times Q15 fit 32 bits. */
static inline __attribute__((always_inline)) mml2_fft32_two_t mml2_fft32_of_2(
    mml2_samples_t in, int_fast16_t a, int_fast16_t w, int_fast16_t c, int_fast16_t v)
{
    mml2_fft32_two_t out;
    int32_t one = mml2_fft32_sample(in, a, w), other = mml2_fft32_sample(in, c, v);
    out.sum_re = one + other;
    out.re = one - other;
    one = mml2_fft32_sample(in, a + 1, w + 1);
    other = mml2_fft32_sample(in, c + 1, v - 1);
    out.sum_im = one + other;
    out.im = one - other;
    return out;
}

/* By how much sums of two are shifted up. */
static inline __attribute__((always_inline)) int8_t mml2_fft32_shift(mml2_samples_t in) { return (int8_t)(in.framed ? in.shift : in.shift + in.up); }

/* Scaled, rounded down. */
static inline __attribute__((always_inline)) mml2_fft32_two_t mml2_fft32_scaled(mml2_fft32_two_t two, int8_t shift)
{
    if (shift < 0) {
        two.sum_re >>= -shift;
        two.sum_im >>= -shift;
        two.re >>= -shift;
        two.im >>= -shift;
    } else {
        const int32_t factor = (int32_t)1 << shift;
        two.sum_re *= factor;
        two.sum_im *= factor;
        two.re *= factor;
        two.im *= factor;
    }
    return two;
}

/* The transform of numbers start, start + M / 4, start + M / 2, start + 3 M / 4 of M = size; start is from -M / 4
   to M / 4 - 1, and what lies before the first sample is at the end. */
static inline void mml2_fft32_of_4(mml2_samples_t in, int32_t *z, int_fast16_t start, uint16_t size)
{
    const int_fast16_t half = (int_fast16_t)(size / 2u); /* samples between two of the numbers */
    const int_fast16_t at = start < 0 ? 2 * start + half : 2 * start;
    const int8_t shift = mml2_fft32_shift(in);
    /* The window's second half is the first, backwards. */
    const mml2_fft32_two_t s = mml2_fft32_scaled(mml2_fft32_of_2(in, at, at, at + 2 * half, 2 * half - at), shift);
    const mml2_fft32_two_t t = mml2_fft32_scaled(mml2_fft32_of_2(in, at + half, at + half, at + 3 * half, half - at), shift);
    z[0] = s.sum_re + t.sum_re;
    z[1] = s.sum_im + t.sum_im;
    if (start < 0) { /* the fourth number was to be the first: s is of the odd two, and the other way round */
        z[2] = s.im - t.re;
        z[3] = -t.im - s.re;
        z[4] = t.sum_re - s.sum_re;
        z[5] = t.sum_im - s.sum_im;
        z[6] = -t.re - s.im;
        z[7] = s.re - t.im;
    } else {
        z[2] = s.re + t.im;
        z[3] = s.im - t.re;
        z[4] = s.sum_re - t.sum_re;
        z[5] = s.sum_im - t.sum_im;
        z[6] = s.re - t.im;
        z[7] = s.im + t.re;
    }
}

/* a * sqrt(1/2) in Q15, rounded down, for |a| < 2^30. */
static inline __attribute__((always_inline)) int32_t mml2_fft32_diagonal(int32_t a)
{
#if defined(__AVR__) || (defined(__thumb__) && !defined(__thumb2__))
    return (a >> 15) * 23170 + (((a & 0x7fffL) * 23170) >> 15);
#elif defined(MML2_FFT32_DSP_)
    return mml2_times_cos(2 * a, 23170u);
#else
    return (int32_t)((int64_t)(2 * a) * (23170L * 65536L) >> 32);
#endif
}

/* Number k of 4 of the even numbers' transform, and of the odd ones' times exp(-i pi k / 4), become k and k + 4 of 8. */
static inline __attribute__((always_inline)) void mml2_fft32_to_8(int32_t *even, int32_t re, int32_t im)
{
    even[8] = even[0] - re;
    even[9] = even[1] - im;
    even[0] += re;
    even[1] += im;
}

/* The transform of 8, in which there are the even numbers' and the odd ones'. */
static inline void mml2_fft32_of_8(int32_t *z)
{
    mml2_fft32_to_8(z, z[8], z[9]);
    mml2_fft32_to_8(z + 2, mml2_fft32_diagonal(z[11] + z[10]), mml2_fft32_diagonal(z[11] - z[10]));
    mml2_fft32_to_8(z + 4, z[13], -z[12]);
    mml2_fft32_to_8(z + 6, mml2_fft32_diagonal(z[15] - z[14]), -mml2_fft32_diagonal(z[15] + z[14]));
}

#if defined(MML2_FFT32_DUAL_)
#define MML2_FFT32_FOURS_ mml2_dual_fours
#define MML2_FFT32_FOURS_PLAIN_ 1 /* whether without a window, too */
#elif defined(MML2_THUMB_)
#define MML2_FFT32_FOURS_ mml2_thumb_fours
#define MML2_FFT32_FOURS_PLAIN_ 0
#endif

/* The transforms of `radix` numbers, 4 or 8, that follow in z: from `start` on and three more, `digit` on, of which the
   last counts as -1. Returns what is behind them. */
static inline int32_t *mml2_fft32_starts(mml2_samples_t in, int32_t *z, int_fast16_t start, uint16_t size, uint8_t radix)
{
    const int_fast16_t blocks = (int_fast16_t)(size / radix), digit = blocks / 4, last = start - digit;
#if defined(MML2_FFT32_FOURS_)
    if (!in.framed && (in.windowed || MML2_FFT32_FOURS_PLAIN_) && radix == 4) {
        int_fast16_t first = start < 0 ? start + (int_fast16_t)(size / 4u) : start;
        uint8_t late = start < 0 ? 3 : digit ? 24 : 2;
        for (;; first = start + digit, late = 12) {
            z = MML2_FFT32_FOURS_(in, z, first, digit, late, size);
            if (late != 3) return z;
        }
    }
#endif
    for (;;) {
        mml2_fft32_of_4(in, z, start, size);
        if (radix == 8) {
            mml2_fft32_of_4(in, z + 8, start + blocks, size);
            mml2_fft32_of_8(z);
        }
        z += 2u * radix;
        if (start == last) return z; /* which is the only one where there is only one */
        start += digit;
        if (start == last + 4 * digit) start = last;
    }
}

/* The first pass: transforms of `radix` numbers, each where the others want it. */
static inline void mml2_fft32_first(mml2_samples_t in, int32_t *z, uint16_t size, uint8_t radix)
{
    const uint16_t unit = (uint16_t)((unsigned)size / radix / 16u);
    int32_t *const end = z + 2u * size;
    uint16_t reversed = 0;
    for (;;) {
        /* The fourth of four counts as -1. */
        z = mml2_fft32_starts(in, z, (int16_t)(reversed - ((reversed & reversed >> 1 & 0x5555u) << 2)), size, radix);
        if (z == end) break;
        reversed = mml2_fft_next(reversed, unit);
    }
}
#endif
