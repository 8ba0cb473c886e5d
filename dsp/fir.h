/* Weighted sums of samples: micromlgen/features/fir.py. Taps are such that at full scale no sum leaves 32 bits, in
   whatever order it is added. */
#include "addresses.h"
#ifndef MICROMLGEN_FIR_2
#define MICROMLGEN_FIR_2
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

/* The sum of n samples, each `step` after the one before, times taps. */
static inline int32_t mml2_fir(const int16_t *x, MML2_FLASH_AT(int16_t) taps, uint_fast16_t n, uint8_t step)
{
    int32_t sum = 0;
#if defined(MML2_FIR_DSP_)
    if (step == 1u) {
        for (; n >= 4u; n -= 4u, x += 4, taps += 4) {
            sum = mml2_fir_pair(sum, mml2_fir_two(x), mml2_fir_two(taps));
            sum = mml2_fir_pair(sum, mml2_fir_two(x + 2), mml2_fir_two(taps + 2));
        }
    }
#endif
    for (; n; --n, x += step, taps = MML2_FLASH_SKIP(int16_t, taps, 1)) {
        sum += (int32_t)*x * (int16_t)MML2_FLASH_GET_U16(taps, 0);
    }
    return sum;
}

/* The same of taps that are symmetric: the first half of them, and the middle one of an odd number. */
static inline int32_t mml2_fir_symmetric(
    const int16_t *x, MML2_FLASH_AT(int16_t) taps, uint_fast16_t n, uint8_t step)
{
    const int16_t *y = x + (n - 1u) * step;
    uint_fast16_t half = n / 2u;
    int32_t sum = 0;
#if defined(MML2_FIR_DSP_)
    if (step == 1u) {
        for (; half >= 2u; half -= 2u, x += 2, y -= 2, taps += 2) {
            const uint32_t both = mml2_fir_two(taps);
            sum = mml2_fir_pair(sum, mml2_fir_two(x), both);
            sum = mml2_fir_crossed(sum, mml2_fir_two(y - 1), both);
        }
    }
#endif
    for (; half; --half, x += step, y -= step, taps = MML2_FLASH_SKIP(int16_t, taps, 1)) {
        const int16_t tap = (int16_t)MML2_FLASH_GET_U16(taps, 0);
#if defined(__AVR__) /* which multiplies 16 bits */
        sum += (int32_t)*x * tap;
        sum += (int32_t)*y * tap;
#else
        sum += ((int32_t)*x + *y) * tap;
#endif
    }
    if (n % 2u) sum += (int32_t)*x * (int16_t)MML2_FLASH_GET_U16(taps, 0);
    return sum;
}

/* A sum / 2^bits to the nearest sample, saturated. */
static inline int16_t mml2_fir_sample(int32_t sum, uint8_t bits)
{
    const int32_t v = (sum + ((int32_t)1 << (bits - 1u))) >> bits;
    return v > 32767 ? 32767 : v < -32768 ? -32767 - 1 : (int16_t)v;
}
#endif
