/* Sums over a window of n samples, each `step` after the one before: micromlgen/features/_moments.py. n is from 2 to
   2^13. */
#include "avr16.h"
#ifndef MICROMLGEN_SUMS_2
#define MICROMLGEN_SUMS_2
/* A sum of up to 2^16 products below 2^31 in magnitude, or below 2^32 of unsigned factors. */
#if defined(__AVR__)
typedef int16_t mml2_word_t;
typedef uint16_t mml2_unsigned_t, mml2_factor_t;
typedef struct {
    uint32_t low;
    uint16_t high;
} mml2_wide_t;
#define MML2_WIDE_ZERO {0, 0}

static inline int64_t mml2_wide(const mml2_wide_t *sum)
{
    return (int64_t)((uint64_t)(uint32_t)(int16_t)sum->high << 32 | sum->low);
}
#else
typedef int32_t mml2_word_t, mml2_factor_t;
typedef uint32_t mml2_unsigned_t;
typedef struct {
    int64_t all;
} mml2_wide_t;
#define MML2_WIDE_ZERO {0}

static inline int64_t mml2_wide(const mml2_wide_t *sum)
{
    return sum->all;
}
#endif

#if defined(__AVR_HAVE_MUL__)
/* Sum, signed product and square: bytes are multiplied into r1:r0, and fmulsu gives twice a product, its sign in the
   carry. */
static inline void mml2_wide_add(mml2_wide_t *sum, int16_t a, uint16_t b)
{
    uint32_t low = sum->low, p;
    uint16_t high = sum->high;
    __asm__("mul %A[a], %A[b]\n\tmovw %A[p], r0\n\tmulsu %B[a], %B[b]\n\tmovw %C[p], r0\n\t"
        "mul %A[a], %B[b]\n\tadd %B[p], r0\n\tadc %C[p], r1\n\tclr r1\n\tadc %D[p], r1\n\t"
        "mulsu %B[a], %A[b]\n\tbrcc 1f\n\tdec %D[p]\n1:\tadd %B[p], r0\n\tadc %C[p], r1\n\tclr r1\n\tadc %D[p], r1\n\t"
        "mov r0, %D[p]\n\tlsl r0\n\tsbc r0, r0\n\t"
        "add %A[l], %A[p]\n\tadc %B[l], %B[p]\n\tadc %C[l], %C[p]\n\tadc %D[l], %D[p]\n\tadc %A[h], r0\n\tadc %B[h], r0"
        : [l] "+r"(low), [h] "+r"(high), [p] "=&r"(p) : [a] "a"(a), [b] "a"(b));
    sum->low = low;
    sum->high = high;
}

static inline void mml2_wide_square(mml2_wide_t *sum, uint16_t a)
{
    uint32_t low = sum->low, p;
    uint16_t high = sum->high;
    __asm__("mul %A[a], %A[a]\n\tmovw %A[p], r0\n\tmul %B[a], %B[a]\n\tmovw %C[p], r0\n\t"
        "mul %A[a], %B[a]\n\tadd %B[p], r0\n\tadc %C[p], r1\n\tbrcc 1f\n\tinc %D[p]\n1:\t"
        "add %B[p], r0\n\tadc %C[p], r1\n\tclr r1\n\tadc %D[p], r1\n\t"
        "add %A[l], %A[p]\n\tadc %B[l], %B[p]\n\tadc %C[l], %C[p]\n\tadc %D[l], %D[p]\n\tadc %A[h], r1\n\tadc %B[h], r1"
        : [l] "+&r"(low), [h] "+&r"(high), [p] "=&r"(p) : [a] "r"(a));
    sum->low = low;
    sum->high = high;
}

static inline void mml2_wide_add_square(mml2_wide_t *sum, int16_t a)
{
    uint32_t low = sum->low, p;
    uint16_t high = sum->high;
    __asm__("mul %A[a], %A[a]\n\tmovw %A[p], r0\n\tmuls %B[a], %B[a]\n\tmovw %C[p], r0\n\t"
        "fmulsu %B[a], %A[a]\n\tbrcc 1f\n\tdec %D[p]\n1:\tadd %B[p], r0\n\tadc %C[p], r1\n\tclr r1\n\tadc %D[p], r1\n\t"
        "add %A[l], %A[p]\n\tadc %B[l], %B[p]\n\tadc %C[l], %C[p]\n\tadc %D[l], %D[p]\n\tadc %A[h], r1\n\tadc %B[h], r1"
        : [l] "+r"(low), [h] "+r"(high), [p] "=&r"(p) : [a] "a"(a));
    sum->low = low;
    sum->high = high;
}
#elif defined(__AVR__)
static inline void mml2_wide_add(mml2_wide_t *sum, int16_t a, uint16_t b)
{
    const int32_t product = (int32_t)a * (int32_t)b;
    sum->low += (uint32_t)product;
    sum->high = (uint16_t)(sum->high + (sum->low < (uint32_t)product) - (product < 0));
}

static inline void mml2_wide_square(mml2_wide_t *sum, uint16_t a)
{
    const uint32_t product = (uint32_t)a * a;
    sum->low += product;
    sum->high = (uint16_t)(sum->high + (sum->low < product));
}

static inline void mml2_wide_add_square(mml2_wide_t *sum, int16_t a)
{
    mml2_wide_square(sum, (uint16_t)(a < 0 ? 0u - (uint16_t)a : (uint16_t)a));
}
#else
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
    sum->all += (int64_t)(mml2_square_t)((mml2_product_t)a * a);
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
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
    /* Two samples in a word. */
    const uint32_t ones = 0x00010001u;
    uint32_t lows = (uint16_t)low | (uint32_t)low << 16, highs = lows;
    for (; n > 1; n = (uint16_t)(n - 2u), x += 2 * step) {
        const int32_t a = x[0], b = x[step];
        uint32_t both, less;
        __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(both) : "r"(a), "r"(b));
        __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(both), "r"(ones));
        __asm__("smlald %Q0, %R0, %1, %1" : "+r"(squares.all) : "r"(both));
        __asm__("ssub16 %1, %2, %0\n\tsel %0, %0, %2" : "+&r"(lows), "=&r"(less) : "r"(both) : "cc");
        __asm__("ssub16 %1, %2, %0\n\tsel %0, %2, %0" : "+&r"(highs), "=&r"(less) : "r"(both) : "cc");
        crossings += (uint32_t)(a ^ before) >> 31;
        crossings += (uint32_t)(a ^ b) >> 31;
        before = b;
    }
    low = (int16_t)lows < (int16_t)(lows >> 16) ? (int16_t)lows : (int16_t)(lows >> 16);
    high = (int16_t)highs > (int16_t)(highs >> 16) ? (int16_t)highs : (int16_t)(highs >> 16);
#endif
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
#endif
