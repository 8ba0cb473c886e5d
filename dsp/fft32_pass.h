/* Passes of radix 4 of fft32.h. */
#include "fft32_butterfly.h"
#ifndef MICROMLGEN_FFT32_PASS_2
#define MICROMLGEN_FFT32_PASS_2
/* A pass of butterflies, by the table of twiddles. */
#if defined(MML2_FFT32_UNROLLED_)
static inline __attribute__((always_inline))
#else
static inline
#endif
void mml2_fft32_pass(int32_t *z, uint16_t size, const uint16_t quarter, MML2_FLASH_AT(int16_t) table)
{
    const uint16_t step = (uint16_t)(size / 2u / quarter);
    int32_t *const end = z + 2u * size, *const last = z + 2u * quarter;
    uint_fast16_t k = 0;
#if !defined(MML2_FFT32_UNROLLED_)
    int32_t *by_1 = z;
    do by_1 = mml2_fft32_butterfly_by_1(by_1, quarter);
    while (by_1 < end);
    z += 2;
    k = step;
#endif
    for (; z != last; z += 2, k += step) {
        const mml2_twiddle_t w1 = mml2_twiddle(table, k);
        const mml2_twiddle_t w2 =
            k <= size / 4u ? mml2_twiddle(table, 2u * k) : mml2_turned(mml2_twiddle(table, 2u * k - size / 2u));
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
    }
}
#endif
