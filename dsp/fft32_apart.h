/* The last pass of fft32.h: one spectrum out of those of even and odd samples. */
#include "fft32_apart_avr.h"
#include "fft32_apart_thumb.h"
#include "twiddle32.h"
#ifndef MICROMLGEN_FFT32_APART_2
#define MICROMLGEN_FFT32_APART_2
/* The bits of a without its sign. */
static inline uint32_t mml2_fft32_bits(int32_t a) { return (uint32_t)(a ^ a >> 31); }

/* The spectra of even and odd samples taken apart: bins 0 to M in 2 M + 2 numbers. Returns the bits of them all. */
static inline uint32_t mml2_fft32_apart(int32_t *z, uint16_t size, MML2_FLASH_AT(int16_t) table)
{
    int32_t *low = z + 2, *high = z + 2u * size - 2;
    uint32_t every;
    z[2u * size] = z[0] - z[1];
    z[2u * size + 1u] = 0;
    z[0] += z[1];
    z[1] = 0;
    every = mml2_fft32_bits(z[0]) | mml2_fft32_bits(z[2u * size]);
#if defined(MML2_AVR_MUL_)
    every |= mml2_avr32_apart(low, high, table);
    low = z + size;
#elif defined(MML2_THUMB_)
    if (low != high) mml2_thumb_apart(low, high, table + 2);
    for (; low != z + 2u * size; low += 2) every |= mml2_fft32_bits(low[0]) | mml2_fft32_bits(low[1]); /* if it is read */
    low = z + size;
#else
    uint_fast16_t k;
    for (k = 1; low != high; ++k, low += 2, high -= 2) {
        const mml2_twiddle_t w = mml2_twiddle(table, k);
        const int32_t dr = low[0] - high[0], si = low[1] + high[1];
        const int32_t pr = mml2_times_cos(si, w) - mml2_times_sin(dr, w);
        const int32_t pi = mml2_plus_times_sin(mml2_times_cos(dr, w), si, w);
        const int32_t er = (low[0] + high[0]) >> 1, ei = (low[1] - high[1]) >> 1;
        low[0] = er - pr;
        low[1] = ei + pi;
        high[0] = er + pr;
        high[1] = pi - ei;
        every |= mml2_fft32_bits(low[0]) | mml2_fft32_bits(low[1]) | mml2_fft32_bits(high[0]) | mml2_fft32_bits(high[1]);
    }
#endif
    low[1] = -low[1];
    return every | mml2_fft32_bits(low[0]) | mml2_fft32_bits(low[1]);
}
#endif
