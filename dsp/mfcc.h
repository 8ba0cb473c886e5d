/* The cosine transform of log energies: micromlgen/features/mfcc.py. */
#include "addresses.h"
#include "fft32.h"
#ifndef MICROMLGEN_MFCC_2
#define MICROMLGEN_MFCC_2
/* n coefficients of m logs in Q9, from coefficient `first` on.

   rows: first halves of the DCT's rows, as Q(exponent) of their own; shifts: what takes the sums, of logs in Q17 times
   these over 2^16, to the coefficients' Q. The second half of a row is the first one backwards, with the sign
   of an odd one changed. No sum leaves 31 bits: 128 of 2^24 * 2^15 / 2^16. Products are rounded down, sums to nearest. */
static inline void mml2_mfcc(
    const int16_t *log, int16_t *y, uint8_t first, uint8_t n, uint8_t m, MML2_FLASH_AT(int16_t) rows,
    MML2_FLASH_AT(uint8_t) shifts)
{
    const uint_fast16_t half = m / 2u;
    const int16_t *const middle = log + half;
    uint_fast16_t i, at = (m + 1u) / 2u * first;
    for (i = first; i < n; ++i) {
        const uint8_t shift = (uint8_t)MML2_FLASH_GET_U8(shifts, i);
        const int16_t *low = log, *high = log + m;
        int32_t sum = 0;
        if (i & 1u) {
            for (; low != middle; ++low, ++at)
                sum += mml2_half_product(((int32_t)*low - *--high) * 256L, (int16_t)MML2_FLASH_GET_U16(rows, at));
        } else {
            for (; low != middle; ++low, ++at)
                sum += mml2_half_product(((int32_t)*low + *--high) * 256L, (int16_t)MML2_FLASH_GET_U16(rows, at));
        }
        if (m & 1u) sum += mml2_half_product(*middle * 256L, (int16_t)MML2_FLASH_GET_U16(rows, at++));
        y[i] = (int16_t)((sum + ((int32_t)1 << shift >> 1)) >> shift);
    }
}
#endif
