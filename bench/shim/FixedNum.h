/* FixedNum.h - the fixed-point arithmetic that EmbML's code calls and its package does not bring.
 *
 * Written anew from those calls. A FixedNum has TOTAL_BITS bits, FIXED_FBITS of them fractional. Sums wrap,
 * products are truncated towards minus infinity; nothing saturates, as in EmbML's default build.
 */
#ifndef FIXED_NUM_H
#define FIXED_NUM_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if TOTAL_BITS == 16
typedef int16_t FixedNum;
typedef int32_t FixedWide;
#define INF_POS INT16_MAX
#else
typedef int32_t FixedNum;
typedef int64_t FixedWide;
#define INF_POS INT32_MAX
#endif

#define FIXED_ONE ((FixedNum)((FixedNum)1 << FIXED_FBITS))
#define FIXED_CONST(c) ((FixedNum)((c) * (1L << FIXED_FBITS) + 0.5))

/* The nearest FixedNum: 2^FIXED_FBITS is multiplied by adding to the exponent, which saves a product. */
static inline FixedNum setValue(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    bits += (uint32_t)FIXED_FBITS << 23;
    memcpy(&x, &bits, sizeof bits);
    return (FixedNum)roundf(x);
}

static inline FixedNum fxp_sum(FixedNum a, FixedNum b) { return (FixedNum)(a + b); }
static inline FixedNum fxp_diff(FixedNum a, FixedNum b) { return (FixedNum)(a - b); }

static inline FixedNum fxp_mul(FixedNum a, FixedNum b)
{
    return (FixedNum)(((FixedWide)a * b) >> FIXED_FBITS);
}

static inline FixedNum fxp_div(FixedNum a, FixedNum b)
{
    return (FixedNum)(((FixedWide)a << FIXED_FBITS) / b);
}

/* e^x = 2^(x log2 e): the integer part shifts, the fractional part goes through a parabola (error 0.2 %). */
static inline FixedNum fxp_exp(FixedNum x)
{
    const FixedWide power = ((FixedWide)x * FIXED_CONST(1.442695)) >> FIXED_FBITS;
    const FixedWide whole = power >> FIXED_FBITS;
    const FixedNum part = (FixedNum)(power & (FIXED_ONE - 1));
    FixedNum y = fxp_mul(part, fxp_sum(fxp_mul(part, FIXED_CONST(0.337189)), FIXED_CONST(0.657636)));

    y = fxp_sum(y, FIXED_CONST(1.001725));
    if (whole >= TOTAL_BITS - 1 - FIXED_FBITS) {
        return INF_POS;
    }
    if (whole <= -TOTAL_BITS) {
        return 0;
    }
    return (FixedNum)(whole < 0 ? y >> -whole : y << whole);
}

/* Degrees of polynomial kernels are whole numbers. */
static inline FixedNum fxp_pow(FixedNum x, FixedNum y)
{
    FixedNum power = FIXED_ONE;

    for (y >>= FIXED_FBITS; y > 0; y--) {
        power = fxp_mul(power, x);
    }
    return power;
}

#endif
