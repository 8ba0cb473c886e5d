/* Products of samples with later ones or another channel's, and what follows from them, in Q16. Windows have n samples, each
   `step` after the one before, n at most 2^13. The twin is micromlgen/features/_lagged.py. */
#include "moments.h"
#ifndef MICROMLGEN_LAGGED_2
#define MICROMLGEN_LAGGED_2
#if defined(__AVR_HAVE_MUL__)
static inline void mml2_wide_product(mml2_wide_t *sum, int16_t a, int16_t b)
{
    uint32_t low = sum->low, p;
    uint16_t high = sum->high;
    __asm__("mul %A[a], %A[b]\n\tmovw %A[p], r0\n\tmuls %B[a], %B[b]\n\tmovw %C[p], r0\n\t"
        "mulsu %B[a], %A[b]\n\tbrcc 1f\n\tdec %D[p]\n1:\tadd %B[p], r0\n\tadc %C[p], r1\n\tclr r1\n\tadc %D[p], r1\n\t"
        "mulsu %B[b], %A[a]\n\tbrcc 1f\n\tdec %D[p]\n1:\tadd %B[p], r0\n\tadc %C[p], r1\n\tclr r1\n\tadc %D[p], r1\n\t"
        "mov r0, %D[p]\n\tlsl r0\n\tsbc r0, r0\n\t"
        "add %A[l], %A[p]\n\tadc %B[l], %B[p]\n\tadc %C[l], %C[p]\n\tadc %D[l], %D[p]\n\tadc %A[h], r0\n\tadc %B[h], r0"
        : [l] "+r"(low), [h] "+r"(high), [p] "=&r"(p) : [a] "a"(a), [b] "a"(b));
    sum->low = low;
    sum->high = high;
}
#elif defined(__AVR__)
static inline void mml2_wide_product(mml2_wide_t *sum, int16_t a, int16_t b)
{
    const int32_t product = (int32_t)a * b;
    sum->low += (uint32_t)product;
    sum->high = (uint16_t)(sum->high + (sum->low < (uint32_t)product) - (product < 0));
}
#else
static inline void mml2_wide_product(mml2_wide_t *sum, int32_t a, int32_t b)
{
    sum->all += (mml2_product_t)a * b;
}
#endif

/* Sum of x[i] * y[i], exact. */
MML2_APART int64_t mml2_products(const int16_t *x, const int16_t *y, uint16_t n, uint8_t step)
{
    mml2_wide_t sum = MML2_WIDE_ZERO;
    for (; n; --n, x += step, y += step) mml2_wide_product(&sum, *x, *y);
    return mml2_wide(&sum);
}

/* Sum of the magnitudes. */
static inline uint32_t mml2_area(const int16_t *x, uint16_t n, uint8_t step)
{
    uint32_t sum = 0;
    for (; n; --n, x += step) sum += (uint16_t)(*x < 0 ? 0u - (uint16_t)*x : (uint16_t)*x);
    return sum;
}

/* a * b / square * factor, the factor in Q15 and square that of a root; 0 where it is. */
static inline int32_t mml2_ratio(const mml2_root_t *a, const mml2_root_t *b, const mml2_root_t *square, uint16_t factor)
{
    const uint32_t q = mml2_upper(mml2_upper((uint32_t)a->root << 16, b->root), mml2_inverse(square->top));
    return square->top ? mml2_limited(mml2_upper(q, factor), (int16_t)(a->half + b->half - square->exponent - 14)) : 0;
}

/* Roots of (n - k)^2 times the variance of the differences between samples, k = 1, and of those, k = 2; n from 3. */
typedef struct {
    mml2_root_t first, second;
} mml2_differences_t;

static inline mml2_differences_t mml2_differences(const int16_t *x, uint16_t n, uint8_t step, uint64_t squares)
{
    const int16_t *const last = x + (uint32_t)(n - 1u) * step;
    const int32_t a = x[0], b = x[step], y = last[-(int16_t)step], z = *last;
    /* Sums of products with the next but k; squares of differences are sums of these, less what is missing at the ends. */
    const int64_t next = mml2_products(x, x + step, (uint16_t)(n - 1u), step);
    const int64_t after = mml2_products(x, x + 2 * step, (uint16_t)(n - 2u), step);
    const int64_t ends = (int64_t)(a * a) + z * z;
    const uint64_t first = 2u * squares - (uint64_t)(ends + 2 * next);
    const uint64_t second = 6u * squares - (uint64_t)(5 * ends + b * b + y * y + 8 * next - 2 * after - 4 * ((int64_t)(a * b) + y * z));
    mml2_differences_t out;
    out.first = mml2_root_of(mml2_scatter(z - a, first, (uint16_t)(n - 1u)));
    out.second = mml2_root_of(mml2_scatter(z - y - b + a, second, (uint16_t)(n - 2u)));
    return out;
}

/* Products of deviations from the mean with those `lag` later, over the sum of their squares; 0 where all are equal. */
static inline int32_t mml2_autocorrelation(
    const int16_t *x, uint16_t n, uint8_t step, uint16_t lag, int32_t sum, const mml2_root_t *spread)
{
    /* Of samples less the mean rounded down: what is left of the mean is rest / n, from 0 to 1. */
    const uint32_t from = (uint32_t)(sum + ((int32_t)n << 15));
    const int32_t mean = (int32_t)(from / n) - 32768L;
    const uint16_t rest = (uint16_t)(from % n), kept = (uint16_t)(n - lag);
    const uint32_t square = (uint32_t)rest * rest, part = square % n * kept;
    /* Of the fraction, for windows of few and small samples: v is at most top * 2^exponent. */
    const uint8_t bits = (uint8_t)(spread->exponent > 14 ? 30 - spread->exponent : 16);
    const int16_t *first = x, *last = x + (uint32_t)kept * step;
    int32_t ends = 0;
    int64_t v;
    uint16_t i;
    uint32_t q;
    int8_t e;
    if (!spread->top) return 0;
    v = mml2_products(x, x + (uint32_t)lag * step, kept, step);
    for (i = 0; i < lag; ++i, first += step, last += step) ends += (int32_t)*first + *last;
    v += (int64_t)kept * (mean * mean) - (int64_t)mean * (2 * sum - ends);
    v = n * v - (int64_t)rest * (2 * (int32_t)rest - ends + 2 * (int32_t)lag * mean) + (int64_t)(kept * (square / n) + part / n);
    v = v * ((int64_t)1 << bits) + (part % n << bits) / n;
    q = mml2_upper(mml2_top((uint64_t)(v < 0 ? -v : v), &e), mml2_inverse(spread->top));
    q = mml2_moved(q, (int16_t)(e - spread->exponent - bits - 15));
    return v < 0 ? -(int32_t)q : (int32_t)q;
}

/* Pearson's of two channels; 0 where all samples of one are equal. */
static inline int32_t mml2_correlation(const int16_t *x, const int16_t *y, uint16_t n, uint8_t step, int32_t x_sum,
    int32_t y_sum, const mml2_root_t *x_spread, const mml2_root_t *y_spread)
{
    const int64_t v = n * mml2_products(x, y, n, step) - (int64_t)x_sum * y_sum;
    int8_t e;
    uint32_t q = mml2_top((uint64_t)(v < 0 ? -v : v), &e);
    if (!x_spread->top || !y_spread->top) return 0;
    q = mml2_upper(mml2_upper(q, mml2_inverse(x_spread->top)), x_spread->root);
    q = mml2_upper(mml2_upper(q, mml2_inverse(y_spread->top)), y_spread->root);
    q = mml2_moved(q, (int16_t)(e - x_spread->exponent - y_spread->exponent + x_spread->half + y_spread->half - 14));
    return v < 0 ? -(int32_t)q : (int32_t)q;
}
#endif
