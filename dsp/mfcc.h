/* The cosine transform of log energies: micromlgen/features/mfcc.py. */
#include "addresses.h"
#include "apart.h"
#include "avr16.h"
#ifndef MICROMLGEN_MFCC_2
#define MICROMLGEN_MFCC_2
/* halves[0] * row[0] + halves[1] * row[1], with the halves the other way round if `back`. */
static inline int32_t mml2_mfcc_pair(const int16_t *halves, MML2_FLASH_AT(int16_t) rows, uint_fast16_t at, uint8_t back)
{
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
    uint32_t pair, row;
    int32_t sum;
    memcpy(&pair, halves, sizeof pair);
    memcpy(&row, rows + at, sizeof row);
    if (back) __asm__("smuadx %0, %1, %2" : "=r"(sum) : "r"(pair), "r"(row));
    else __asm__("smuad %0, %1, %2" : "=r"(sum) : "r"(pair), "r"(row));
    return sum;
#elif defined(MML2_AVR_MUL_)
    const uint32_t row = MML2_FLASH_GET_U32(MML2_FLASH_SKIP(int16_t, rows, at), 0);
    return mml2_avr_signed(halves[back ? 1 : 0], (int16_t)row) + mml2_avr_signed(halves[back ? 0 : 1], (int16_t)(row >> 16));
#else
    const int16_t low = (int16_t)MML2_FLASH_GET_U16(rows, at), high = (int16_t)MML2_FLASH_GET_U16(rows, at + 1u);
    return (int32_t)halves[back ? 1 : 0] * low + (int32_t)halves[back ? 0 : 1] * high;
#endif
}

/* What coefficients are of: halves of sums of logs go to their first half, of differences to the second. */
static inline void mml2_mfcc_halves(int16_t *log, uint8_t m)
{
    uint_fast16_t k;
    for (k = 0; k < m / 2u; ++k) {
        const int32_t low = log[k], high = log[m - 1u - k];
        log[k] = (int16_t)((low + high) >> 1);
        log[m - 1u - k] = (int16_t)((low - high) >> 1);
    }
    if (m & 1u) log[k] = (int16_t)(log[k] >> 1);
}

/* Coefficient i of m halves; `at` is where its row begins.

   rows: first halves of the DCT's rows, as Q(exponent) of their own; shift: what takes the sums, of halves of the logs'
   sums or differences times these over 2^8, to the coefficient's Q. The second half of a row is the first one
   backwards, with the sign of an odd one changed. Two products of 15 by 15 bits add up below 2^31, and are then rounded
   down, as halves are; 64 of these are below 2^29. Sums are rounded to nearest. */
static inline int32_t mml2_mfcc_of(
    const int16_t *halves, uint_fast16_t i, uint8_t m, MML2_FLASH_AT(int16_t) rows, uint_fast16_t at, uint8_t shift)
{
    uint_fast16_t k;
    int32_t sum = 0;
    if (i & 1u) {
        const int16_t *differences = halves + m - 2;
        for (k = m / 2u; k > 1u; k -= 2u, at += 2u, differences -= 2) sum += mml2_mfcc_pair(differences, rows, at, 1) >> 8;
        if (k) sum += (int32_t)differences[1] * (int16_t)MML2_FLASH_GET_U16(rows, at) >> 8;
    } else {
        for (k = (m + 1u) / 2u; k > 1u; k -= 2u, at += 2u, halves += 2) sum += mml2_mfcc_pair(halves, rows, at, 0) >> 8;
        if (k) sum += (int32_t)*halves * (int16_t)MML2_FLASH_GET_U16(rows, at) >> 8;
    }
    return (sum + ((int32_t)1 << shift >> 1)) >> shift;
}

/* n coefficients of m logs in Q9, from coefficient `first` on. Overwrites the logs. */
MML2_APART_ void mml2_mfcc(
    int16_t *log, int16_t *y, uint8_t first, uint8_t n, uint8_t m, MML2_FLASH_AT(int16_t) rows,
    MML2_FLASH_AT(uint8_t) shifts)
{
    const uint_fast16_t half = (m + 1u) / 2u;
    uint_fast16_t i, at = half * first;
    mml2_mfcc_halves(log, m);
    for (i = first; i < n; ++i, at += half) {
        y[i] = (int16_t)mml2_mfcc_of(log, i, m, rows, at, (uint8_t)MML2_FLASH_GET_U8(shifts, i));
    }
}

/* The same, of coefficients that are taken as a sequence: within 21 bits. */
MML2_APART_ void mml2_mfcc_wide(
    int16_t *log, int32_t *y, uint8_t first, uint8_t n, uint8_t m, MML2_FLASH_AT(int16_t) rows,
    MML2_FLASH_AT(uint8_t) shifts)
{
    const uint_fast16_t half = (m + 1u) / 2u;
    uint_fast16_t i, at = half * first;
    mml2_mfcc_halves(log, m);
    for (i = first; i < n; ++i, at += half) {
        y[i] = mml2_mfcc_of(log, i, m, rows, at, (uint8_t)MML2_FLASH_GET_U8(shifts, i));
    }
}
#endif
