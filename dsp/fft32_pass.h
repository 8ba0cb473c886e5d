/* Passes of radix 4 of fft32.h. */
#include "fft32_butterfly.h"
#ifndef MICROMLGEN_FFT32_PASS_2
#define MICROMLGEN_FFT32_PASS_2
/* A pass of butterflies, by every one of `step` twiddles, M / (2 * quarter), of the table. */
#if defined(MML2_FFT32_UNROLLED_)
static inline __attribute__((always_inline))
#else
static inline
#endif
void mml2_fft32_pass(
    int32_t *z, uint16_t size, const uint16_t quarter, uint_fast16_t step, MML2_FLASH_AT(int16_t) table)
{
    int32_t *const end = z + 2u * size, *const last = z + 2u * quarter;
    uint_fast16_t k = 0;
#if !defined(MML2_FFT32_UNROLLED_)
    int32_t *by_1 = z;
#if defined(MML2_THUMB_)
    int32_t *by_45 = z + quarter;
    const mml2_twiddle_t w = mml2_twiddle(table, size / 4u);
    do by_45 = mml2_thumb_by_45(by_45, quarter, w);
    while (by_45 < end);
#endif
    do by_1 = mml2_fft32_butterfly_by_1(by_1, quarter);
    while (by_1 < end);
    z += 2;
    k = step;
#endif
    for (; z != last; z += 2, k += step) {
#if defined(MML2_THUMB_)
        __asm__("" : "+l"(k)); /* places of twiddles are found from this, rather than kept on the stack */
#endif
        const mml2_twiddle_t w1 = mml2_twiddle(table, k);
        const mml2_twiddle_t w2 =
            k <= size / 4u ? mml2_twiddle(table, 2u * k) : mml2_turned(mml2_twiddle(table, 2u * k - size / 2u));
#if defined(MML2_THUMB_)
        if (k != size / 4u) mml2_thumb_butterflies(z, size, quarter, w1, w2);
#else
        int32_t *at = z;
#if defined(MML2_FFT32_UNROLLED_)
        if (__builtin_constant_p(quarter) && quarter <= 64u) {
            if (quarter > 32u) at += 129;
            do at = mml2_dsp_butterfly_at(at, (int)quarter, w1, w2);
            while (at < end);
            continue;
        }
#endif
        do at = mml2_fft32_butterfly(at, quarter, w1, w2);
        while (at < end);
#endif
    }
}
#endif
