/* Sums over a window of n samples, each `step` after the one before, and what follows from them:
   micromlgen/features/_moments.py. n is at most 2^13. */
#include "log2.h"
#include "root.h"
#ifndef MICROMLGEN_MOMENTS_2
#define MICROMLGEN_MOMENTS_2
/* A sum of up to 2^16 products below 2^31 in magnitude, or below 2^32 of unsigned factors. */
#if defined(__AVR__)
typedef int16_t mml2_word_t;
typedef uint16_t mml2_unsigned_t, mml2_factor_t;
typedef struct {
    uint32_t low;
    int16_t high;
} mml2_wide_t;
#define MML2_WIDE_ZERO {0, 0}

static inline void mml2_wide_add(mml2_wide_t *sum, int16_t a, uint16_t b)
{
    const int32_t product = (int32_t)a * (int32_t)b;
    sum->low += (uint32_t)product;
    sum->high = (int16_t)(sum->high + (sum->low < (uint32_t)product) - (product < 0));
}

static inline void mml2_wide_square(mml2_wide_t *sum, uint16_t a)
{
    const uint32_t product = (uint32_t)a * a;
    sum->low += product;
    sum->high = (int16_t)(sum->high + (sum->low < product));
}

static inline void mml2_wide_add_square(mml2_wide_t *sum, int16_t a)
{
    mml2_wide_square(sum, (uint16_t)(a < 0 ? -(uint16_t)a : (uint16_t)a));
}

static inline int64_t mml2_wide(const mml2_wide_t *sum)
{
    return (int64_t)((uint64_t)(uint16_t)sum->high << 32 | sum->low) - (sum->high < 0 ? INT64_C(1) << 48 : 0);
}
#else
typedef int32_t mml2_word_t;
typedef uint32_t mml2_unsigned_t;
typedef int32_t mml2_factor_t;
typedef struct {
    int64_t all;
} mml2_wide_t;
#define MML2_WIDE_ZERO {0}

/* Where there are products of 64 bits they are added at once. */
#if defined(__thumb__) && !defined(__thumb2__)
typedef int32_t mml2_product_t;
typedef uint32_t mml2_square_t;
#else
typedef int64_t mml2_product_t;
typedef uint64_t mml2_square_t;
#endif

static inline void mml2_wide_add(mml2_wide_t *sum, int32_t a, int32_t b)
{
    sum->all += (mml2_product_t)a * b;
}

static inline void mml2_wide_square(mml2_wide_t *sum, uint32_t a)
{
    sum->all += (int64_t)((mml2_square_t)a * a);
}

static inline void mml2_wide_add_square(mml2_wide_t *sum, int32_t a)
{
    sum->all += (mml2_product_t)a * a;
}

static inline int64_t mml2_wide(const mml2_wide_t *sum)
{
    return sum->all;
}
#endif

typedef struct {
    int32_t sum;
    uint64_t squares;
    int16_t low, high;
    uint16_t zero_crossings;
} mml2_sums_t;

/* Exact. A crossing is from below zero to zero or above, or back. */
static inline mml2_sums_t mml2_sums(const int16_t *x, uint16_t n, uint8_t step)
{
    mml2_wide_t squares = MML2_WIDE_ZERO;
    mml2_sums_t out;
    mml2_word_t low = *x, high = *x, before = *x;
    mml2_unsigned_t crossings = 0;
    int32_t sum = 0;
    for (; n; --n, x += step) {
        const mml2_word_t v = *x;
        sum += v;
        mml2_wide_add_square(&squares, v);
        if (v < low) low = v;
        if (v > high) high = v;
        crossings += (mml2_unsigned_t)((v ^ before) < 0);
        before = v;
    }
    out.sum = sum;
    out.squares = (uint64_t)mml2_wide(&squares);
    out.low = (int16_t)low;
    out.high = (int16_t)high;
    out.zero_crossings = (uint16_t)crossings;
    return out;
}

/* n^2 times the variance, exact. */
static inline uint64_t mml2_scatter(int64_t sum, uint64_t squares, uint16_t n)
{
    return n * squares - (uint64_t)(sum * sum);
}

/* v / 2^exponent of 32 bits, the highest one set, but for the bits cut off; 0 of 0. */
static inline uint32_t mml2_top(uint64_t v, int8_t *exponent)
{
    const uint32_t high = (uint32_t)(v >> 32);
    const uint8_t bits = high ? (uint8_t)(32u + mml2_bit_length(high)) : mml2_bit_length((uint32_t)v);
    *exponent = (int8_t)(bits - 32);
    return bits > 32u ? (uint32_t)(v >> (bits - 32u)) : bits ? (uint32_t)v << (32u - bits) : 0;
}

/* v * 2^by of what stays in 32 bits, rounded down. */
static inline uint32_t mml2_moved(uint32_t v, int16_t by)
{
    return by >= 0 ? v << by : by > -32 ? v >> -by : 0;
}

/* sqrt(v) * 2^bits, within 2^-15 of itself and one, rounded down. */
static inline uint32_t mml2_root_of(uint64_t v, int8_t bits)
{
    int8_t e;
    const uint32_t top = mml2_top(v, &e);
    const uint8_t odd = (uint8_t)(e & 1);
    return mml2_moved(mml2_root(top >> odd), (int16_t)((e + odd) / 2 + bits));
}

/* ceil(sum / n): the lowest integer that is not below the mean. */
static inline int32_t mml2_ceiling(int32_t sum, uint16_t n)
{
    return sum > 0 ? (int32_t)(((uint32_t)sum + n - 1u) / n) : -(int32_t)((0u - (uint32_t)sum) / n);
}

/* How often a sample is on the other side of the level than the one before: below it, or not. */
static inline uint16_t mml2_crossings(const int16_t *x, uint16_t n, uint8_t step, int16_t level)
{
    uint16_t count = 0;
    uint8_t before = *x < level;
    for (; n; --n, x += step) {
        const uint8_t below = *x < level;
        count = (uint16_t)(count + (below ^ before));
        before = below;
    }
    return count;
}

typedef struct {
    int64_t third;
    uint64_t fourth;
    int8_t shift;
} mml2_higher_t;

/* Sums of powers of what samples are off their mean, which is shifted to fill 15 bits: by 2^(3 shift - 14) and
   2^(4 shift - 28). */
static inline mml2_higher_t mml2_higher(const int16_t *x, uint16_t n, uint8_t step, const mml2_sums_t *of)
{
    const int32_t floor = mml2_ceiling(of->sum - (int32_t)(n - 1u), n);
    const int32_t above = of->high - floor, below = floor + 1 - of->low, most = above > below ? above : below;
    const uint8_t down = most >> 15 ? 2 : 0;
    const uint16_t count = n;
    mml2_wide_t third = MML2_WIDE_ZERO, fourth = MML2_WIDE_ZERO;
    mml2_higher_t out;
    uint32_t second = 0;
    uint_fast16_t first = 0;
    mml2_unsigned_t factor, from;
    uint8_t up = 0;
    int32_t off;
    while (!down && !(most << up >> 14)) ++up;
    factor = (mml2_unsigned_t)(1u << up);
    from = (mml2_unsigned_t)((uint32_t)(floor >> down) * factor + ((uint32_t)(of->sum - floor * (int32_t)n) << up) / n);
    for (; n; --n, x += step) {
        const mml2_word_t d = (mml2_word_t)((mml2_unsigned_t)(*x >> down) * factor - from);
        const mml2_unsigned_t t = (mml2_unsigned_t)(((uint32_t)((int32_t)d * d) * 4u + 0x8000u) >> 16);
        first += (uint_fast16_t)d;
        second += t;
        mml2_wide_add(&third, d, (mml2_factor_t)t);
        mml2_wide_square(&fourth, t);
    }
    /* What the mean that was taken is off, the same of all samples, in Q16. */
    off = (int32_t)(((uint32_t)((int16_t)(uint16_t)first + 2 * (int32_t)count) << 16) / count) - 131072;
    out.third = mml2_wide(&third) - ((int64_t)3 * off * second >> 16);
    out.fourth = (uint64_t)(mml2_wide(&fourth) - (off * mml2_wide(&third) >> 28));
    out.shift = (int8_t)(up - down);
    return out;
}

/* third * 2^14 / (spread * 4^shift)^1.5 * 2^bits, within 2^-14 of itself and one; 0 where all are equal. */
static inline int32_t mml2_skew(const mml2_higher_t *of, uint64_t spread, int16_t bits)
{
    int8_t e, exponent;
    const uint32_t m = mml2_top(spread, &e);
    const uint32_t top = mml2_top((uint64_t)(of->third < 0 ? -of->third : of->third), &exponent);
    const uint32_t half = (m >> 16) + (m >> 15 & 1u);
    const uint8_t odd = (uint8_t)(e & 1);
    uint32_t r, q;
    if (!m) return 0;
    r = mml2_root(m >> odd);
    q = ((top / half << 15) + (r >> 1)) / r;
    q = mml2_moved(q, (int16_t)(exponent + bits - 17 - (3 * e + odd) / 2 - 3 * of->shift));
    return of->third < 0 ? -(int32_t)q : (int32_t)q;
}

/* fourth * 2^28 / (spread * 4^shift)^2 * 2^bits, within 2^-14 of itself and one; 0 where all are equal. */
static inline int32_t mml2_kurtosis(const mml2_higher_t *of, uint64_t spread, int16_t bits)
{
    int8_t e, exponent;
    const uint32_t m = mml2_top(spread, &e), top = mml2_top(of->fourth, &exponent);
    const uint32_t half = (m >> 16) + (m >> 15 & 1u);
    uint32_t q;
    if (!m) return 0;
    q = ((top / half << 15) + (half >> 1)) / half;
    return (int32_t)mml2_moved(q, (int16_t)(exponent + bits - 19 - 2 * e - 4 * of->shift));
}
#endif
