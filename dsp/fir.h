/* Weighted sums of samples: micromlgen/features/fir.py. Taps are such that at full scale no sum leaves 32 bits, in
   whatever order it is added. */
#include "addresses.h"
#include "sample.h"
#ifndef MICROMLGEN_FIR_2
#define MICROMLGEN_FIR_2
#if defined(__AVR_HAVE_ELPM__)
#define MML2_FIR_LPM_ "elpm"
#define MML2_FIR_PAGE_ "out %[rampz], r13\n\t"
#define MML2_FIR_RAMPZ_ _SFR_IO_ADDR(RAMPZ)
#elif defined(__AVR__)
#define MML2_FIR_LPM_ "lpm"
#define MML2_FIR_PAGE_
#define MML2_FIR_RAMPZ_ 0
#endif
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define MML2_FIR_DSP_
/* sum + the products of the lower halves and of the upper ones; crossed, of the lower ones by the upper. */
static inline int32_t mml2_fir_pair(int32_t sum, uint32_t a, uint32_t b)
{
    int32_t out;
    __asm__("smlad %0, %1, %2, %3" : "=r"(out) : "r"(a), "r"(b), "r"(sum));
    return out;
}

static inline int32_t mml2_fir_crossed(int32_t sum, uint32_t a, uint32_t b)
{
    int32_t out;
    __asm__("smladx %0, %1, %2, %3" : "=r"(out) : "r"(a), "r"(b), "r"(sum));
    return out;
}

static inline uint32_t mml2_fir_two(const int16_t *x)
{
    uint32_t both;
    memcpy(&both, x, 4);
    return both;
}
#endif

/* The sum so far and n samples times taps; step: 1, or -1 for samples backwards. A function of its own: its loop needs
   the registers. */
static __attribute__((noinline, unused)) int32_t mml2_fir_run(
    int32_t sum, const int16_t *x, MML2_FLASH_AT(int16_t) taps, uint16_t n, int8_t step)
{
#if defined(__AVR_HAVE_MUL__) && !defined(__AVR_TINY__)
    /* Registers are named: with -flto avr-gcc finds none for operands of so many classes. */
    uint16_t z = (uint16_t)taps;
    register int32_t total __asm__("r22") = sum;
    register uint16_t left __asm__("r16") = n;
    register int16_t next __asm__("r14") = (int16_t)(2 * step - 1); /* bytes on from the second one of a sample */
    register uint8_t zero __asm__("r13") = MML2_FLASH_PAGE(taps);
    if (!n) return sum;
    __asm__ volatile(
        MML2_FIR_PAGE_
        "clr r13\n"
        "1:\tld r18, X+\n\t"
        "ld r19, X\n\t"
        "add r26, r14\n\t"
        "adc r27, r15\n\t"
        MML2_FIR_LPM_ " r20, Z+\n\t"
        MML2_FIR_LPM_ " r21, Z+\n\t"
        "muls r19, r21\n\t"
        "add r24, r0\n\t"
        "adc r25, r1\n\t"
        "mul r18, r20\n\t"
        "add r22, r0\n\t"
        "adc r23, r1\n\t"
        "adc r24, r13\n\t"
        "adc r25, r13\n\t"
        "mulsu r19, r20\n\t"
        "sbc r25, r13\n\t" /* carry is the product's sign */
        "add r23, r0\n\t"
        "adc r24, r1\n\t"
        "adc r25, r13\n\t"
        "mulsu r21, r18\n\t"
        "sbc r25, r13\n\t"
        "add r23, r0\n\t"
        "adc r24, r1\n\t"
        "adc r25, r13\n\t"
        "subi r16, 1\n\t"
        "sbci r17, 0\n\t"
        "brne 1b\n\t"
        "clr r1"
        : "+&r"(total), "+&x"(x), "+&z"(z), "+&r"(left), "+&r"(zero)
        : "r"(next), [rampz] "I"(MML2_FIR_RAMPZ_)
        : "r18", "r19", "r20", "r21", "memory");
    return total;
#else
    uint_fast16_t i = 0;
#if defined(MML2_FIR_DSP_)
    for (; i + 8u <= n; i += 8u, x += 8) {
        const int16_t *const at = taps + i;
        sum = mml2_fir_pair(sum, mml2_fir_two(x), mml2_fir_two(at));
        sum = mml2_fir_pair(sum, mml2_fir_two(x + 2), mml2_fir_two(at + 2));
        sum = mml2_fir_pair(sum, mml2_fir_two(x + 4), mml2_fir_two(at + 4));
        sum = mml2_fir_pair(sum, mml2_fir_two(x + 6), mml2_fir_two(at + 6));
    }
    for (; i + 2u <= n; i += 2u, x += 2) sum = mml2_fir_pair(sum, mml2_fir_two(x), mml2_fir_two(taps + i));
#endif
    for (; i != n; ++i, x += step) sum += (int32_t)*x * (int16_t)MML2_FLASH_GET_U16(taps, i);
    return sum;
#endif
}

/* The sum of n samples times taps. */
static inline int32_t mml2_fir(const int16_t *x, MML2_FLASH_AT(int16_t) taps, uint16_t n)
{
    return mml2_fir_run(0, x, taps, n, 1);
}

/* The same of taps that are symmetric: the first half of them, and the middle one of an odd number. */
static __attribute__((noinline, unused)) int32_t mml2_fir_symmetric(
    const int16_t *x, MML2_FLASH_AT(int16_t) taps, uint16_t n)
{
    const int16_t *y = x + n - 1;
#if defined(__AVR__) /* which multiplies 16 bits, and so gains nothing by adding first */
    const int32_t sum = mml2_fir_run(0, x, taps, (uint16_t)((n + 1u) / 2u), 1);
    return mml2_fir_run(sum, y, taps, n / 2u, -1);
#else
    const uint_fast16_t half = n / 2u;
    uint_fast16_t i = 0;
    int32_t sum = 0;
#if defined(MML2_FIR_DSP_)
    for (; i + 4u <= half; i += 4u, x += 4, y -= 4) {
        const uint32_t both = mml2_fir_two(taps + i), next = mml2_fir_two(taps + i + 2);
        sum = mml2_fir_pair(sum, mml2_fir_two(x), both);
        sum = mml2_fir_crossed(sum, mml2_fir_two(y - 1), both);
        sum = mml2_fir_pair(sum, mml2_fir_two(x + 2), next);
        sum = mml2_fir_crossed(sum, mml2_fir_two(y - 3), next);
    }
    for (; i + 2u <= half; i += 2u, x += 2, y -= 2) {
        const uint32_t both = mml2_fir_two(taps + i);
        sum = mml2_fir_pair(sum, mml2_fir_two(x), both);
        sum = mml2_fir_crossed(sum, mml2_fir_two(y - 1), both);
    }
#endif
    for (; i != half; ++i, ++x, --y) sum += ((int32_t)*x + *y) * (int16_t)MML2_FLASH_GET_U16(taps, i);
    return n % 2u ? sum + (int32_t)*x * (int16_t)MML2_FLASH_GET_U16(taps, half) : sum;
#endif
}
#endif
