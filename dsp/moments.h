/* What follows from sums over a window: variances, skew, kurtosis. The twin is micromlgen/features/_moments.py. */
#include "root.h"
#include "sums.h"
#include "tops.h"
#ifndef MICROMLGEN_MOMENTS_2
#define MICROMLGEN_MOMENTS_2
/* n^2 times the variance, exact. */
static inline uint64_t mml2_scatter(int32_t sum, uint64_t squares, uint16_t n)
{
    const uint32_t size = sum < 0 ? 0u - (uint32_t)sum : (uint32_t)sum;
    return ((uint64_t)((uint32_t)(squares >> 32) * n) << 32) + (uint64_t)(uint32_t)squares * n - (uint64_t)size * size;
}

/* sqrt(v) = root * 2^half within 2^-15 of itself; v = top * 2^exponent. */
typedef struct {
    uint32_t top;
    int8_t exponent, half;
    uint16_t root;
} mml2_root_t;

MML2_APART mml2_root_t mml2_root_of(uint64_t v)
{
    mml2_root_t out;
    uint8_t odd;
    out.top = mml2_top(v, &out.exponent);
    odd = (uint8_t)(out.exponent & 1);
    out.half = (int8_t)((out.exponent + odd) / 2);
    out.root = mml2_root(out.top >> odd);
    return out;
}

/* sqrt(v) * 2^bits, rounded down. */
static inline int32_t mml2_in_steps(const mml2_root_t *of, int8_t bits)
{
    return (int32_t)mml2_moved(of->root, (int16_t)(of->half + bits));
}

/* What root lacks, over itself, in Q30; inverse: 2^47 / top. */
static inline uint16_t mml2_root_rest(const mml2_root_t *of, uint16_t inverse)
{
    const uint8_t odd = (uint8_t)(of->exponent & 1);
    const uint16_t half = (uint16_t)(((of->top >> odd) - (uint32_t)of->root * of->root) >> 1);
    return (uint16_t)((uint32_t)half * inverse >> 16 >> (1u - odd));
}

/* Sums of powers of d = (x - mean) * 2^shift, rounded, and off by off / n in the mean: the third is divided by 2^14, the
   fourth by 2^28. */
typedef struct {
    int64_t third;
    uint64_t fourth;
    int8_t shift;
    int16_t off;
} mml2_higher_t;

/* d^2 / 2^14, rounded to nearest. */
#if defined(__AVR_HAVE_MUL__)
static inline uint16_t mml2_square14(int16_t d)
{
    uint16_t t;
    uint8_t low;
    __asm__("mul %A[d], %A[d]\n\tmov %[l], r1\n\tmuls %B[d], %B[d]\n\tmovw %A[t], r0\n\t"
        "fmulsu %B[d], %A[d]\n\tbrcc 1f\n\tdec %B[t]\n1:\tadd %[l], r0\n\tadc %A[t], r1\n\tclr r1\n\tadc %B[t], r1\n\t"
        "subi %[l], 0xe0\n\tsbci %A[t], 0xff\n\tsbci %B[t], 0xff\n\t"
        "lsl %[l]\n\trol %A[t]\n\trol %B[t]\n\tlsl %[l]\n\trol %A[t]\n\trol %B[t]"
        : [t] "=&d"(t), [l] "=&d"(low) : [d] "a"(d));
    return t;
}
#else
static inline mml2_unsigned_t mml2_square14(mml2_word_t d)
{
    return (mml2_unsigned_t)(((uint32_t)((int32_t)d * d) * 4u + 0x8000u) >> 16);
}
#endif

/* Adds third and fourth powers of d = x * 2^up - from, which has 15 bits; of halves of x where it is `down`; n from 1. */
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
/* With d * 2^9 the upper half of a product is d^2 / 2^14. */
static inline __attribute__((always_inline)) void mml2_power(int32_t d, int64_t *third, mml2_wide_t *fourth)
{
    uint32_t t;
    __asm__("smmulr %0, %1, %1" : "=r"(t) : "r"(d));
    *third += (int64_t)d * (int32_t)t;
    mml2_wide_square(fourth, t);
}

static inline void mml2_powers(
    const int16_t *x, uint16_t n, uint8_t step, uint8_t down, uint8_t up, int32_t from, mml2_higher_t *out)
{
    const uint32_t factor = 512u << up, minus = 0u - (uint32_t)from * 512u;
    int64_t third = 0;
    mml2_wide_t fourth = MML2_WIDE_ZERO;
    for (; n > 1; n = (uint16_t)(n - 2u), x += 2 * step) {
        mml2_power((int32_t)((uint32_t)(x[0] >> down) * factor + minus), &third, &fourth);
        mml2_power((int32_t)((uint32_t)(x[step] >> down) * factor + minus), &third, &fourth);
    }
    if (n) mml2_power((int32_t)((uint32_t)(x[0] >> down) * factor + minus), &third, &fourth);
    out->third += third >> 9;
    out->fourth += (uint64_t)fourth.all;
}
#elif defined(__thumb__) && !defined(__thumb2__)
/* Sums of products modulo 2^32 and of their upper halves, in the registers that cannot add with carry; saved here, since
   compilers that optimise for size leave them alone. */
#define MML2_POWERS_(halved) \
    __asm__(".syntax unified\n\tmov %[v], r8\n\tmov %[t], r9\n\tpush {%[v]}\n\tpush {%[t]}\n\tmov %[v], r10\n\tmov %[t], r11\n\t" \
        "push {%[v]}\n\tpush {%[t]}\n\tmovs %[v], #0\n\tmov r8, %[v]\n\tmov r9, %[v]\n\tmov r10, %[v]\n\tmov r11, %[v]\n\t" \
        "mov r12, %[end]\n" \
        "1:\tldrh %[v], [%[x]]\n\tsxth %[v], %[v]\n\tadd %[x], %[step]\n\t" halved \
        "lsls %[v], %[up]\n\tsubs %[v], %[from]\n\t" \
        "movs %[t], %[v]\n\tmuls %[t], %[v]\n\tlsrs %[t], %[t], #13\n\tadds %[t], #1\n\tlsrs %[t], %[t], #1\n\t" \
        "muls %[v], %[t]\n\tadd r8, %[v]\n\tasrs %[v], %[v], #16\n\tadd r9, %[v]\n\t" \
        "muls %[t], %[t]\n\tadd r10, %[t]\n\tlsrs %[t], %[t], #16\n\tadd r11, %[t]\n\tcmp %[x], r12\n\tbne 1b\n\t" \
        "mov %[up], r8\n\tmov %[step], r9\n\tmov %[from], r10\n\tmov %[end], r11\n\t" \
        "pop {%[t]}\n\tpop {%[v]}\n\tmov r10, %[v]\n\tmov r11, %[t]\n\tpop {%[t]}\n\tpop {%[v]}\n\tmov r8, %[v]\n\tmov r9, %[t]" \
        : [x] "+l"(x), [up] "+l"(a), [step] "+l"(b), [from] "+l"(c), [end] "+l"(d), [v] "=&l"(v), [t] "=&l"(t) \
        : : "r12", "cc", "memory")
static __attribute__((noinline, unused)) void mml2_powers(
    const int16_t *x, uint16_t n, uint8_t step, uint8_t down, uint8_t up, int32_t from, mml2_higher_t *out)
{
    uint32_t a = up, b = 2u * step, c = (uint32_t)from, d = (uint32_t)(x + (uint32_t)n * step), v, t;
    if (down) MML2_POWERS_("asrs %[v], %[v], #1\n\t");
    else MML2_POWERS_("");
    out->third += (int64_t)(int32_t)b * 65536 + (a - (b << 16));
    out->fourth += ((uint64_t)d << 16) + (c - (d << 16));
}
#else
MML2_APART void mml2_powers(
    const int16_t *x, uint16_t n, uint8_t step, uint8_t down, uint8_t up, int32_t from, mml2_higher_t *out)
{
    const mml2_unsigned_t factor = (mml2_unsigned_t)((uint32_t)1 << up), less = (mml2_unsigned_t)from;
    mml2_wide_t third = MML2_WIDE_ZERO, fourth = MML2_WIDE_ZERO;
    for (; n; --n, x += step) {
        const mml2_word_t d = (mml2_word_t)((mml2_unsigned_t)(down ? *x >> 1 : *x) * factor - less);
        const mml2_unsigned_t t = mml2_square14(d);
        mml2_wide_add(&third, d, (mml2_factor_t)t);
        mml2_wide_square(&fourth, t);
    }
    out->third += mml2_wide(&third);
    out->fourth += (uint64_t)mml2_wide(&fourth);
}
#endif

/* The same of one d of up to 20 bits. */
static __attribute__((noinline, unused)) void mml2_powers_of(int32_t d, mml2_higher_t *out)
{
    /* d^2 / 2^14 to nearest, of 16 bits and 4. */
    const uint32_t size = (uint32_t)(d < 0 ? -d : d);
    const uint16_t upper = (uint16_t)(size >> 4), rest = (uint16_t)size & 15u;
    const uint32_t t = ((uint32_t)upper * upper + (((uint32_t)upper * (32u * rest) + rest * rest + 8192u) >> 8)) >> 6;
    const uint64_t third = (uint64_t)size * t;
    out->third += d < 0 ? -(int64_t)third : (int64_t)third;
    out->fourth += (uint64_t)t * t;
}

/* The same where d has up to 20 bits: those that have more than 15, which are few, one by one; x from `first` to `last` has
   no more. */
static __attribute__((noinline, unused)) void mml2_powers_of_peaks(
    const int16_t *x, uint16_t n, uint8_t step, int16_t first, int16_t last, uint8_t up, int32_t from, mml2_higher_t *out)
{
    const uint16_t width = (uint16_t)((uint16_t)last - (uint16_t)first);
    while (n) {
        const int16_t *const run = x;
        uint16_t left = n;
        for (; left && (uint16_t)((uint16_t)*x - (uint16_t)first) <= width; --left) x += step;
        if (left != n) mml2_powers(run, (uint16_t)(n - left), step, 0, up, from, out);
        n = left;
        if (n) {
            mml2_powers_of((int32_t)(((uint32_t)*x << up) - (uint32_t)from), out);
            x += step;
            --n;
        }
    }
}

/* Of deviations shifted so that they fill 15 bits; but for windows with peaks, where the standard deviation becomes 2^12 or
   more: kurtosis is off by at most 2^14 times rounded squares, over the variance. A bit is cut off only where it is the square
   root of 2200 times the largest deviation or more: kurtosis is off by a thousandth. n = by * 2^more. */
static inline mml2_higher_t mml2_higher(
    const int16_t *x, uint16_t n, uint8_t step, const mml2_sums_t *of, const mml2_root_t *spread, uint16_t by, int8_t more)
{
    /* Of samples from 0 on, so that quotients are rounded down. */
    const uint32_t sum = (uint32_t)(of->sum + ((int32_t)n << 15));
    const uint16_t floor = (uint16_t)(sum / n), rest = (uint16_t)(sum - (uint32_t)floor * n);
    const uint16_t low = (uint16_t)(of->low + 32768L), high = (uint16_t)(of->high + 32768L);
    const uint16_t above = (uint16_t)(high - floor), below = (uint16_t)(floor - low + 1u);
    const uint16_t most = above > below ? above : below;
    const int32_t mean = (int32_t)floor - (int32_t)32768;
    const int8_t fit = (int8_t)(15 - mml2_bit_length(most)), least = (int8_t)(12 + more - spread->half + (spread->root < by));
    mml2_higher_t out = {0, 0, 0, 0};
    uint16_t deviation = 0;
    if (!spread->top) return out;
    if (fit < 0) deviation = (uint16_t)((uint32_t)mml2_in_steps(spread, 0) / n);
    if ((uint32_t)deviation * deviation >= most * (uint32_t)2200) {
        /* Halved, which takes a quarter off their mean where as many are odd as are even. */
        const uint16_t part = (uint16_t)((rest + (floor & 1u ? n : 0u)) >> 1), up = (uint16_t)(part + n / 2u) >= n;
        out.shift = -1;
        out.off = (int16_t)((int16_t)part - (int16_t)(up ? n : 0) - (int16_t)(n / 4u));
        mml2_powers(x, n, step, 1, 0, (mean >> 1) + up, &out);
    } else {
        const int8_t fits = fit < 0 ? 0 : fit;
        const uint8_t up = (uint8_t)(least > fits ? least : fits);
        const uint32_t part = (uint32_t)rest << up, whole = (part + n / 2u) / n;
        const int32_t from = (int32_t)(((uint32_t)mean << up) + whole);
        out.shift = (int8_t)up;
        out.off = (int16_t)(uint16_t)(part - whole * n);
        if (up > fit) {
            const int32_t first = mean - (((int32_t)32767 - (int32_t)whole) >> up);
            const int32_t last = mean + (((int32_t)32767 + (int32_t)whole) >> up);
            mml2_powers_of_peaks(x, n, step, first < of->low ? of->low : (int16_t)first,
                last > of->high ? of->high : (int16_t)last, up, from, &out);
        } else {
            mml2_powers(x, n, step, 0, up, from, &out);
        }
    }
    return out;
}

/* With skew in Q16, n^2 / spread^4 in 32 bits, and the mean of d in standard deviations in Q24. */
typedef struct {
    uint32_t scale;
    int32_t off, skew;
} mml2_shape_t;

/* Skew within 2^-10; 0 where all samples are equal. n = by * 2^more. */
static inline mml2_shape_t mml2_shape(const mml2_higher_t *of, const mml2_root_t *spread, uint16_t by, int8_t more)
{
    const int64_t third = of->third;
    mml2_shape_t out = {0, 0, 0};
    uint32_t q;
    int32_t off;
    uint16_t inverse;
    int8_t e;
    if (!spread->top) return out;
    inverse = mml2_inverse(spread->top);
    q = mml2_upper(mml2_inverse32(spread->top, inverse), by);
    out.scale = mml2_upper32(q, q);
    q = mml2_upper32(mml2_top((uint64_t)(third < 0 ? -third : third), &e), out.scale);
    q = mml2_upper(q, spread->root);
    q += mml2_upper(q, mml2_root_rest(spread, inverse)) >> 14;
    q = mml2_moved(q, (int16_t)(e + 2 * more + 16 - 2 * spread->exponent + spread->half - 3 * of->shift));
    off = of->off * (int32_t)((uint32_t)spread->root * inverse >> 16);
    out.off = off >> (7 + spread->exponent - spread->half + of->shift); /* 4 to 22, since d has a deviation of 2^12 to 2^15 */
    out.skew = (third < 0 ? -(int32_t)q : (int32_t)q) - (3 * out.off >> 8);
    return out;
}

/* Fisher's kurtosis in Q16, within 2^-9; 0 where all samples are equal. n = by * 2^more. */
static inline int32_t mml2_kurtosis(
    const mml2_higher_t *of, const mml2_root_t *spread, const mml2_shape_t *shape, uint16_t by, int8_t more)
{
    int8_t e;
    uint32_t q;
    if (!spread->top) return 0;
    q = mml2_upper(mml2_upper32(mml2_top(of->fourth, &e), shape->scale), by);
    q = mml2_moved(q, (int16_t)(e + 3 * more + 30 - 2 * spread->exponent - 4 * of->shift));
    return (int32_t)q - (shape->off * (shape->skew >> 6) >> 16) - 196608L;
}
#endif
