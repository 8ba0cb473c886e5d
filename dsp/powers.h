/* Powers of very different sizes: micromlgen/features/_powers.py. */
#include "tops.h"
#ifndef MICROMLGEN_POWERS_2
#define MICROMLGEN_POWERS_2
/* m * 2^e, m with its highest bit set, or 0. */
typedef struct {
    uint32_t m;
    int16_t e;
} mml2_power_t;

/* v * 2^e, rounded down. */
static inline mml2_power_t mml2_power_of(uint64_t v, int16_t e)
{
    mml2_power_t out;
    int8_t up;
    out.m = mml2_top(v, &up);
    out.e = (int16_t)(e + up);
    return out;
}

/* a * factor * 2^e, a factor of 16 bits with the highest one set. */
static inline mml2_power_t mml2_power_times(mml2_power_t a, uint16_t factor, int16_t e)
{
    return mml2_power_of(mml2_upper(a.m, factor), (int16_t)(a.e + 16 + e));
}

/* a + b, rounded down twice. */
static inline mml2_power_t mml2_power_plus(mml2_power_t a, mml2_power_t b)
{
    int16_t e;
    if (!a.m) return b;
    if (!b.m) return a;
    e = (int16_t)((a.e > b.e ? a.e : b.e) + 1);
    return mml2_power_of(mml2_moved(a.m, (int16_t)(a.e - e)) + mml2_moved(b.m, (int16_t)(b.e - e)), e);
}

/* In steps of 2^exponent, at most 2^30 - 1. */
static inline int32_t mml2_power_steps(mml2_power_t a, int16_t exponent)
{
    return mml2_limited(a.m, (int16_t)(a.e - exponent));
}

/* log2 in Q9, rounded; `lowest` of what is less. */
static inline int16_t mml2_power_log(mml2_power_t a, int16_t lowest, MML2_FLASH_AT(uint16_t) log2)
{
    const int32_t log = ((int32_t)mml2_log2(a.m, log2) + (int32_t)a.e * 2048 + 2) >> 2;
    return a.m && log > lowest ? (int16_t)log : lowest;
}

/* a / total in Q16; 0 where the total is. */
static inline int32_t mml2_power_share(mml2_power_t a, mml2_power_t total)
{
    return total.m ? mml2_limited(mml2_upper(a.m, mml2_inverse(total.m)), (int16_t)(a.e - total.e - 15)) : 0;
}
#endif
