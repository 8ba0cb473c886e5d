/* Order statistics of a window of n samples, each `step` after the one before: micromlgen/features/_order.py. Samples stay
   where they are: the k-th is found digit by digit, by counting those that begin alike. */
#ifndef MICROMLGEN_ORDER_2
#define MICROMLGEN_ORDER_2
/* Numbers are distances: |2 x - twice| / 2, rounded down, or those of x from -32768. */
typedef struct {
    int16_t floor;  /* twice / 2, rounded down; or -32768 */
    uint8_t folded; /* whether x may lie below it */
    uint8_t odd;    /* the rest */
} mml2_distance_t;

static inline uint16_t mml2_distance(int16_t x, mml2_distance_t of)
{
    const uint16_t up = (uint16_t)((uint16_t)x - (uint16_t)of.floor);
    return x > of.floor ? (uint16_t)(up - of.odd) : (uint16_t)(0u - up);
}

/* Counts the digits that follow `from` in numbers from there to `last` more: their next four bits, behind which are `shift`. */
#if defined(__AVR__) && !defined(__AVR_TINY__)
/* The digit is in a byte of the number, and in its upper half or, but for zeros, alone. */
#define MML2_DIGITS_(distance) \
    __asm__ volatile("1:\tld %A[v], X+\n\tld %B[v], X\n\tadd %A[x], %A[on]\n\tadc %B[x], %B[on]\n\t" distance \
        "cp %A[last], %A[v]\n\tcpc %B[last], %B[v]\n\tbrcs 2f\n\t" \
        "sbrc %[shift], 3\n\tmov %A[v], %B[v]\n\tsbrc %[shift], 2\n\tswap %A[v]\n\tandi %A[v], 15\n\tlsl %A[v]\n\t" \
        "movw r30, %[counts]\n\tadd r30, %A[v]\n\tadc r31, __zero_reg__\n\t" \
        "ld %A[v], Z\n\tldd %B[v], Z+1\n\tsubi %A[v], 255\n\tsbci %B[v], 255\n\tstd Z+1, %B[v]\n\tst Z, %A[v]\n" \
        "2:\tsubi %A[n], 1\n\tsbci %B[n], 0\n\tbrne 1b" \
        : [x] "+&x"(x), [n] "+&d"(n), [v] "=&d"(v) \
        : [on] "r"((int16_t)(2 * step - 1)), [last] "r"(last), [shift] "r"(shift), [counts] "r"(counts), [base] "r"(base), \
            [odd] "r"(of->odd), [from] "r"(from) \
        : "r30", "r31", "memory")
static __attribute__((noinline, unused)) void mml2_digits(const int16_t *x, uint16_t n, uint8_t step,
    const mml2_distance_t *of, uint16_t from, uint16_t last, uint8_t shift, uint16_t *counts)
{
    const uint16_t base = (uint16_t)((uint16_t)of->floor + (of->folded ? 0u : from));
    uint16_t v;
    if (of->folded) {
        MML2_DIGITS_("sub %A[v], %A[base]\n\tsbc %B[v], %B[base]\n\tbrlt 3f\n\t"
            "sub %A[v], %[odd]\n\tsbc %B[v], __zero_reg__\n\tbrcc 4f\n\tclr %A[v]\n\tclr %B[v]\n\trjmp 4f\n"
            "3:\tcom %B[v]\n\tneg %A[v]\n\tsbci %B[v], 255\n4:\tsub %A[v], %A[from]\n\tsbc %B[v], %B[from]\n\t");
    } else {
        MML2_DIGITS_("sub %A[v], %A[base]\n\tsbc %B[v], %B[base]\n\t");
    }
}
#else
static __attribute__((noinline, unused)) void mml2_digits(const int16_t *x, uint16_t n, uint8_t step,
    const mml2_distance_t *of, uint16_t from, uint16_t last, uint8_t shift, uint16_t *counts)
{
    const mml2_distance_t by = *of; /* counts may not alias it */
    const int32_t base = by.floor + (int32_t)from;
    uint32_t v;
    if (by.folded) {
        for (; n; --n, x += step) {
            v = (uint32_t)mml2_distance(*x, by) - from;
            if (v <= last) ++counts[v >> shift];
        }
    } else {
        for (; n; --n, x += step) {
            v = (uint32_t)(*x - base);
            if (v <= last) ++counts[v >> shift];
        }
    }
}
#endif

/* Two numbers that follow one another in ascending order. */
typedef struct {
    uint16_t at, next;
} mml2_ranks_t;

/* Number `rank`, from 0, and where it is asked for the one behind; first: how many have each first digit, or NULL. */
static __attribute__((noinline, unused)) mml2_ranks_t mml2_ranks(const int16_t *x, uint16_t n, uint8_t step,
    const mml2_distance_t *of, uint16_t rank, uint8_t both, const uint16_t *first)
{
    uint16_t counted[16], last = 65535u, i;
    uint8_t digit, shift = 12;
    mml2_ranks_t out = {0, 0};
    for (;; shift = (uint8_t)(shift - 4u), first = 0) {
        const uint16_t *const counts = first ? first : counted;
        if (!first) {
            for (digit = 0; digit < 16; ++digit) counted[digit] = 0;
            mml2_digits(x, n, step, of, out.at, last, shift, counted);
        }
        for (digit = 0; rank >= counts[digit]; ++digit) rank = (uint16_t)(rank - counts[digit]);
        out.at = (uint16_t)(out.at + ((uint16_t)digit << shift));
        if (!shift) {
            if (rank + 1u < counts[digit]) both = 0; /* the one behind equals it */
            break;
        }
        last = (uint16_t)((1u << shift) - 1u);
    }
    out.next = out.at;
    if (both) {
        uint16_t least = 65535u;
        for (i = n; i; --i, x += step) {
            const uint16_t v = mml2_distance(*x, *of);
            if (v > out.at && v < least) least = v;
        }
        out.next = least;
    }
    return out;
}

/* How many samples have each first digit of their distance from -32768. */
static inline void mml2_first_digits(const int16_t *x, uint16_t n, uint8_t step, uint16_t *counts)
{
    const mml2_distance_t of = {-32767 - 1, 0, 0};
    uint8_t digit;
    for (digit = 0; digit < 16; ++digit) counts[digit] = 0;
    mml2_digits(x, n, step, &of, 0, 65535u, 12, counts);
}

/* Twice the median; first: those digits, or NULL. */
static inline int32_t mml2_median(const int16_t *x, uint16_t n, uint8_t step, const uint16_t *first)
{
    const mml2_distance_t of = {-32767 - 1, 0, 0};
    const mml2_ranks_t ranks = mml2_ranks(x, n, step, &of, (uint16_t)((n - 1u) / 2u), (uint8_t)(n % 2u == 0), first);
    return (int32_t)ranks.at + ranks.next - (int32_t)65536;
}

/* In Q14, rounded down: behind sample i, by a fraction in Q16; first as above. */
static inline int32_t mml2_quantile(const int16_t *x, uint16_t n, uint8_t step, uint16_t i, uint32_t fraction, const uint16_t *first)
{
    const mml2_distance_t of = {-32767 - 1, 0, 0};
    const mml2_ranks_t ranks = mml2_ranks(x, n, step, &of, i, (uint8_t)(fraction != 0), first);
    const uint16_t apart = (uint16_t)(ranks.next - ranks.at);
    return ((int32_t)ranks.at - (int32_t)32768) * 16384 + (int32_t)(apart * fraction >> 2);
}

/* Four times the median of the absolute deviations from the median, twice which is given. */
static inline int32_t mml2_deviation(const int16_t *x, uint16_t n, uint8_t step, int32_t median)
{
    const mml2_distance_t of = {(int16_t)(median >> 1), 1, (uint8_t)(median & 1)};
    const mml2_ranks_t ranks = mml2_ranks(x, n, step, &of, (uint16_t)((n - 1u) / 2u), (uint8_t)(n % 2u == 0), 0);
    return 2 * ((int32_t)ranks.at + ranks.next + of.odd);
}
#endif
