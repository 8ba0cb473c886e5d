/* The first pass of fft32.h: samples, times a window, into transforms of 4 or 8. */
#include "samples.h"
#include "twiddle32.h"
#ifndef MICROMLGEN_FFT32_FIRST_2
#define MICROMLGEN_FFT32_FIRST_2
/* Sample `at`, with element `place` of the window if that is of all samples. */
static inline int32_t mml2_fft32_sample(mml2_samples_t in, int_fast16_t at, int_fast16_t place)
{
    int32_t value;
    if (in.framed) {
        if (at >= (int_fast16_t)in.length) return 0;
        value = (int32_t)in.x[at] * ((int32_t)32768L << in.up);
        if (in.emphasis && (at || in.follows)) value -= ((int32_t)in.x[at - 1] * ((int32_t)1 << in.up)) * in.emphasis;
        if (at > (int_fast16_t)(in.length / 2u)) at = (int_fast16_t)in.length - at;
        value = in.windowed ? mml2_half_product(value, (int16_t)MML2_FLASH_GET_U16(in.window, (uint16_t)at)) : value >> 1;
    } else {
        value = in.x[at];
        if (in.windowed) {
            const int16_t w = (int16_t)MML2_FLASH_GET_U16(in.window, (uint16_t)place);
#if defined(MML2_FFT32_DSP_)
            if (in.shift <= 0) return mml2_half_product(value * ((int32_t)1 << (16 + in.shift + in.up)), w);
#endif
            value *= w;
        }
        value *= (int32_t)1 << in.up;
    }
    return in.shift < 0 ? value >> -in.shift : value * ((int32_t)1 << in.shift);
}

#if defined(__OPTIMIZE__) && defined(MML2_FFT32_DSP_)
#define MML2_FFT32_INLINE_ static inline __attribute__((always_inline))
#else
#define MML2_FFT32_INLINE_ static inline
#endif

/* Samples `at` and the one behind, with elements of the window: `place` and the one behind or, `back`, the one before. */
MML2_FFT32_INLINE_ void mml2_fft32_pair(
    mml2_samples_t in, int_fast16_t at, int_fast16_t place, uint8_t back, int32_t *re, int32_t *im)
{
#if defined(MML2_FFT32_DSP_)
    if (in.windowed && !in.framed) {
        const int8_t shift = (int8_t)(in.shift + in.up);
        const uint8_t up = (uint8_t)(shift > 0 ? shift : 0), down = (uint8_t)(shift < 0 ? -shift : 0);
        uint32_t x, w;
        memcpy(&x, in.x + at, sizeof x);
        memcpy(&w, in.window + (place - back), sizeof w);
        if (back) w = w << 16 | w >> 16;
        __asm__("smulbb %0, %1, %2" : "=r"(*re) : "r"(x), "r"(w));
        __asm__("smultt %0, %1, %2" : "=r"(*im) : "r"(x), "r"(w));
        *re = *re * ((int32_t)1 << up) >> down;
        *im = *im * ((int32_t)1 << up) >> down;
        return;
    }
#endif
    *re = mml2_fft32_sample(in, at, place);
    *im = mml2_fft32_sample(in, at + 1, back ? place - 1 : place + 1);
}

/* The transform of numbers start, start + M / 4, start + M / 2, start + 3 M / 4 of M = size; start is from -M / 4
   to M / 4 - 1, and what lies before the first sample is at the end. */
MML2_FFT32_INLINE_ void mml2_fft32_of_4(mml2_samples_t in, int32_t *z, int16_t start, uint16_t size)
{
    const int_fast16_t half = (int_fast16_t)(size / 2u); /* samples between two of the numbers */
    const int_fast16_t even = 2 * start, from_0 = even < 0 ? -even : even;
    const int_fast16_t b = half + even, a = start < 0 ? b + 3 * half : b - half;
    const uint8_t back = start < 0;
    int32_t ar, ai, br, bi, cr, ci, dr, di;
    /* The window's second half is the first, backwards. */
    mml2_fft32_pair(in, a, from_0, back, &ar, &ai);
    mml2_fft32_pair(in, b + half, 2 * half - from_0, !back, &cr, &ci);
    mml2_fft32_pair(in, b, half + even, 0, &br, &bi);
    mml2_fft32_pair(in, b + 2 * half, half - even, 1, &dr, &di);
    {
        const int32_t s0r = ar + cr, s0i = ai + ci, s1r = ar - cr, s1i = ai - ci;
        const int32_t s2r = br + dr, s2i = bi + di, s3r = br - dr, s3i = bi - di;
        z[0] = s0r + s2r;
        z[1] = s0i + s2i;
        z[2] = s1r + s3i;
        z[3] = s1i - s3r;
        z[4] = s0r - s2r;
        z[5] = s0i - s2i;
        z[6] = s1r - s3i;
        z[7] = s1i + s3r;
    }
}

/* a * sqrt(1/2) in Q15, rounded down, for |a| < 2^30. */
static inline int32_t mml2_fft32_diagonal(int32_t a)
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
static inline void mml2_fft32_of_2(int32_t *even, int32_t re, int32_t im)
{
    even[8] = even[0] - re;
    even[9] = even[1] - im;
    even[0] += re;
    even[1] += im;
}

/* The first pass: transforms of `radix` numbers, 4 or 8, each where the others want it. */
static inline void mml2_fft32_first(mml2_samples_t in, int32_t *z, uint16_t size, uint8_t radix)
{
    const int16_t blocks = (int16_t)(size / radix), digit = (int16_t)(blocks / 4);
    int32_t *const end = z + 2u * size;
    uint16_t reversed = 0;
    for (;;) {
        /* The fourth of four counts as -1. */
        int16_t start = (int16_t)(reversed - ((reversed & reversed >> 1 & 0x5555u) << 2));
        const int16_t last = (int16_t)(start - digit);
        for (;;) {
            mml2_fft32_of_4(in, z, start, size);
            if (radix == 8) {
                mml2_fft32_of_4(in, z + 8, (int16_t)(start + blocks), size);
                mml2_fft32_of_2(z, z[8], z[9]);
                mml2_fft32_of_2(z + 2, mml2_fft32_diagonal(z[11] + z[10]), mml2_fft32_diagonal(z[11] - z[10]));
                mml2_fft32_of_2(z + 4, z[13], -z[12]);
                mml2_fft32_of_2(z + 6, mml2_fft32_diagonal(z[15] - z[14]), -mml2_fft32_diagonal(z[15] + z[14]));
            }
            z += 2u * radix;
            if (start == last) break; /* which is the only one where there is only one */
            start = (int16_t)(start + digit);
            if (start == last + 4 * digit) start = last;
        }
        if (z == end) break;
        reversed = mml2_fft_next(reversed, (uint16_t)(digit / 4));
    }
}
#endif
