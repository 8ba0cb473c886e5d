/* Sums of squares of 30 bits: micromlgen/features/_squares.py. */
#include "sums.h"
#ifndef MICROMLGEN_SQUARES_2
#define MICROMLGEN_SQUARES_2
/* Of halves of 15 bits; of up to 2^13 numbers. */
typedef struct {
    mml2_wide_t high, both, low;
} mml2_squares_t;

MML2_APART void mml2_squares_add(mml2_squares_t *sum, int32_t v)
{
    const int16_t high = (int16_t)(v >> 15);
    const uint16_t low = (uint16_t)(v & 0x7fff);
    mml2_wide_add_square(&sum->high, high);
    mml2_wide_add(&sum->both, high, low);
    mml2_wide_square(&sum->low, low);
}

/* Over 2^16. */
static inline uint64_t mml2_squares(const mml2_squares_t *sum)
{
    return ((uint64_t)mml2_wide(&sum->high) << 14) + (uint64_t)(mml2_wide(&sum->both) + (mml2_wide(&sum->low) >> 16));
}
#endif
