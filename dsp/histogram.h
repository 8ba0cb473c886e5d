/* Entropy of a histogram: micromlgen/features/_histogram.py. */
#include "log2.h"
#ifndef MICROMLGEN_HISTOGRAM_2
#define MICROMLGEN_HISTOGRAM_2
/* Adds up counts * log2(counts) in Q11 of how many of the n samples, each `step` after the one before, are in each equal part
   of the range from low to high; n at most 2^13. */
static inline uint32_t mml2_histogram(const int16_t *x, uint16_t n, uint8_t step, int16_t low, int16_t high,
    uint16_t *counts, uint16_t bins, MML2_FLASH_AT(uint16_t) log2)
{
    const uint16_t width = (uint16_t)((uint16_t)high - (uint16_t)low), whole = width ? width : 1u;
    /* A product with this is short by less than 1, so that the quotient is by 1 at most. */
    const uint32_t inverse = ((uint32_t)bins << 16) / whole;
    uint32_t sum = 0;
    uint16_t i;
    for (i = 0; i < bins; ++i) counts[i] = 0;
    for (; n; --n, x += step) {
        const uint16_t above = (uint16_t)((uint16_t)*x - (uint16_t)low);
        uint16_t at = (uint16_t)(above * inverse >> 16);
        at = (uint16_t)(at + ((uint32_t)above * bins - (uint32_t)at * whole >= whole));
        ++counts[at < bins ? at : bins - 1u];
    }
    for (i = 0; i < bins; ++i) sum += counts[i] * mml2_log2(counts[i], log2);
    return sum;
}
#endif
