/* Energies of an orthogonal wavelet's coefficients: micromlgen/features/_daubechies.py. */
#include "addresses.h"
#include "squares.h"
#ifndef MICROMLGEN_WAVELET_2
#define MICROMLGEN_WAVELET_2
/* sum + a * b / 2^16, rounded down: half of a times b in Q15. */
static inline int32_t mml2_wavelet_plus(int32_t sum, int32_t a, int16_t b)
{
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
    int32_t out;
    __asm__("smlawb %0, %1, %2, %3" : "=r"(out) : "r"(a), "r"(b), "r"(sum));
    return out;
#elif defined(__AVR_HAVE_MUL__)
    /* Byte products from the highest down; of the lowest four only what reaches beyond 16 bits. */
    uint32_t p;
    uint8_t below, sign;
    __asm__("mul %A[a], %A[b]\n\tmov %[l], r1\n\tmul %C[a], %A[b]\n\tmovw %A[p], r0\n\tmuls %D[a], %B[b]\n\tmovw %C[p], r0\n\t"
        "mulsu %D[a], %A[b]\n\tbrcc 1f\n\tdec %D[p]\n1:\tadd %B[p], r0\n\tadc %C[p], r1\n\tclr r1\n\tadc %D[p], r1\n\t"
        "mulsu %B[b], %C[a]\n\tbrcc 1f\n\tdec %D[p]\n1:\tadd %B[p], r0\n\tadc %C[p], r1\n\tclr r1\n\tadc %D[p], r1\n\t"
        "mulsu %B[b], %B[a]\n\tsbc %[s], %[s]\n\tadd %A[p], r0\n\tadc %B[p], r1\n\tadc %C[p], %[s]\n\tadc %D[p], %[s]\n\t"
        "mulsu %B[b], %A[a]\n\tsbc %[s], %[s]\n\tadd %[l], r0\n\tadc %A[p], r1\n\tadc %B[p], %[s]\n\tadc %C[p], %[s]\n\t"
        "adc %D[p], %[s]\n\t"
        "mul %B[a], %A[b]\n\tadd %[l], r0\n\tadc %A[p], r1\n\tclr r1\n\tadc %B[p], r1\n\tadc %C[p], r1\n\tadc %D[p], r1"
        : [p] "=&r"(p), [l] "=&r"(below), [s] "=&r"(sign) : [a] "a"(a), [b] "a"(b));
    return sum + (int32_t)p;
#elif defined(__AVR__) || (defined(__thumb__) && !defined(__thumb2__))
    return sum + (int32_t)(int16_t)(a >> 16) * b + ((int32_t)(uint16_t)a * b >> 16);
#else
    return sum + (int32_t)((int64_t)a * b >> 16);
#endif
}

/* Replaces the n numbers at a, of 30 bits, by the n / 2 outputs of the scaling filter h over sqrt(2), Q15 of an even length;
   returns the energy of those of the wavelet, over 2^16. Filters begin at `start` and every second number behind it, and go
   on from the last to the first: a has room for `length` more. From samples of 29 bits nothing grows beyond 30 on any
   level. */
static inline uint64_t mml2_wavelet_level(int32_t *a, uint16_t n, uint8_t start, uint8_t length, MML2_FLASH_AT(int16_t) h)
{
    mml2_squares_t sum = {MML2_WIDE_ZERO, MML2_WIDE_ZERO, MML2_WIDE_ZERO};
    const int32_t *from = a + start;
    int16_t taps[8];
    uint16_t i;
    uint8_t k;
    for (k = 0; k < length; ++k) {
        a[n + k] = a[k];
        taps[k] = (int16_t)MML2_FLASH_GET_U16(h, k);
    }
    for (i = 0; i < n / 2u; ++i, from += 2) {
        int32_t low = length / 2, high = length / 2; /* what rounding down takes off the products */
        for (k = 0; k < length; k = (uint8_t)(k + 2u)) {
            low = mml2_wavelet_plus(mml2_wavelet_plus(low, from[k], taps[k]), from[k + 1], taps[k + 1]);
            high = mml2_wavelet_plus(high, from[k], taps[length - 1 - k]);
            high = mml2_wavelet_plus(high, from[k + 1], (int16_t)-taps[length - 2 - k]);
        }
        a[i] = 2 * low;
        mml2_squares_add(&sum, 2 * high);
    }
    return mml2_squares(&sum);
}

/* The energy of n numbers of 30 bits, over 2^16. */
static inline uint64_t mml2_wavelet_rest(const int32_t *a, uint16_t n)
{
    mml2_squares_t sum = {MML2_WIDE_ZERO, MML2_WIDE_ZERO, MML2_WIDE_ZERO};
    for (; n; --n) mml2_squares_add(&sum, *a++);
    return mml2_squares(&sum);
}
#endif
