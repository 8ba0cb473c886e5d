/* Butterflies of radix 4 of fft32.h. */
#include "fft32_pass_dsp.h"
#include "fft32_pass_thumb.h"
#ifndef MICROMLGEN_FFT32_BUTTERFLY_2
#define MICROMLGEN_FFT32_BUTTERFLY_2
/* Transforms of `quarter` numbers become transforms of four times as many: z, at `quarter` numbers apart, by
   the twiddles w1 and w2. Halves. Returns the place of the next four. */
static inline int32_t *mml2_fft32_butterfly(int32_t *z, uint_fast16_t quarter, mml2_twiddle_t w1, mml2_twiddle_t w2)
{
#if defined(MML2_FFT32_UNROLLED_)
    return mml2_dsp_butterfly(z, quarter, w1, w2);
#else
    int32_t *const a = z + 2u * quarter, *const b = a + 2u * quarter, *const c = b + 2u * quarter;
    /* Products with the negative twiddles. */
    const int32_t ar = mml2_plus_times_sin(mml2_times_cos(a[0], w1), a[1], w1);
    const int32_t ai = mml2_times_cos(a[1], w1) - mml2_times_sin(a[0], w1);
    const int32_t cr = mml2_times_cos(c[0], w1) - mml2_times_sin(c[1], w1);
    const int32_t ci = mml2_plus_times_sin(mml2_times_cos(c[1], w1), c[0], w1);
    const int32_t t2r = ar + cr, t2i = ai + ci, t3r = ar - cr, t3i = ai - ci;
    const int32_t br = mml2_plus_times_sin(mml2_times_cos(b[0], w2), b[1], w2);
    const int32_t bi = mml2_times_cos(b[1], w2) - mml2_times_sin(b[0], w2);
    const int32_t t0r = (z[0] >> 1) - br, t0i = (z[1] >> 1) - bi, t1r = (z[0] >> 1) + br, t1i = (z[1] >> 1) + bi;
    z[0] = t0r - t2r;
    z[1] = t0i - t2i;
    a[0] = t1r - t3i;
    a[1] = t1i + t3r;
    b[0] = t0r + t2r;
    b[1] = t0i + t2i;
    c[0] = t1r + t3i;
    c[1] = t1i - t3r;
    return z + 8u * quarter;
#endif
}

/* The same by twiddles of 1: half of a negative number, rounded down, is less half of that plus 1. */
static inline int32_t *mml2_fft32_butterfly_by_1(int32_t *z, uint_fast16_t quarter)
{
    int32_t *const a = z + 2u * quarter, *const b = a + 2u * quarter, *const c = b + 2u * quarter;
    const int32_t ar = (a[0] + 1) >> 1, ai = (a[1] + 1) >> 1, cr = (c[0] + 1) >> 1, ci = (c[1] + 1) >> 1;
    const int32_t t2r = ar + cr, t2i = ai + ci, t3r = ar - cr, t3i = ai - ci;
    const int32_t br = (b[0] + 1) >> 1, bi = (b[1] + 1) >> 1;
    const int32_t t0r = (z[0] >> 1) + br, t0i = (z[1] >> 1) + bi, t1r = (z[0] >> 1) - br, t1i = (z[1] >> 1) - bi;
    z[0] = t0r + t2r;
    z[1] = t0i + t2i;
    a[0] = t1r + t3i;
    a[1] = t1i - t3r;
    b[0] = t0r - t2r;
    b[1] = t0i - t2i;
    c[0] = t1r - t3i;
    c[1] = t1i + t3r;
    return z + 8u * quarter;
}
#endif
