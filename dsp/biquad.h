/* Second-order sections in fixed point: micromlgen/features/_biquads.py proves that what is computed modulo 2^32 with
   these products lies within 31 bits and a sign in the end. */
#include "sample.h"
#ifndef MICROMLGEN_BIQUAD_2
#define MICROMLGEN_BIQUAD_2
/* floor(a * m / 2^16). */
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
static inline int32_t mml2_biquad_times(int32_t a, int32_t m)
{
    int32_t product;
    __asm__("smulwb %0, %1, %2" : "=r"(product) : "r"(a), "r"(m));
    return product;
}
#elif defined(__AVR_HAVE_MUL__)
static __attribute__((noinline, unused)) int32_t mml2_biquad_times(int32_t a, int16_t m)
{
    int32_t product;
    uint8_t below, zero;
    __asm__("clr %[zero]\n\t"
        "muls %D[a], %B[m]\n\t"
        "movw %C[p], r0\n\t"
        "mul %C[a], %A[m]\n\t"
        "movw %A[p], r0\n\t"
        "mul %A[a], %A[m]\n\t"
        "mov %[below], r1\n\t"
        "mul %B[a], %A[m]\n\t"
        "add %[below], r0\n\t"
        "adc %A[p], r1\n\t"
        "adc %B[p], %[zero]\n\t" /* nothing is carried: a product of bytes and two more fit 16 bits */
        "mulsu %D[a], %A[m]\n\t"
        "sbc %D[p], %[zero]\n\t" /* carry is the product's sign */
        "add %B[p], r0\n\t"
        "adc %C[p], r1\n\t"
        "adc %D[p], %[zero]\n\t"
        "mulsu %B[m], %A[a]\n\t"
        "sbc %B[p], %[zero]\n\t"
        "sbc %C[p], %[zero]\n\t"
        "sbc %D[p], %[zero]\n\t"
        "add %[below], r0\n\t"
        "adc %A[p], r1\n\t"
        "adc %B[p], %[zero]\n\t"
        "adc %C[p], %[zero]\n\t"
        "adc %D[p], %[zero]\n\t"
        "mulsu %B[m], %B[a]\n\t"
        "sbc %C[p], %[zero]\n\t"
        "sbc %D[p], %[zero]\n\t"
        "add %A[p], r0\n\t"
        "adc %B[p], r1\n\t"
        "adc %C[p], %[zero]\n\t"
        "adc %D[p], %[zero]\n\t"
        "mulsu %B[m], %C[a]\n\t"
        "sbc %D[p], %[zero]\n\t"
        "add %B[p], r0\n\t"
        "adc %C[p], r1\n\t"
        "adc %D[p], %[zero]\n\t"
        "clr r1"
        : [p] "=&r"(product), [below] "=&r"(below), [zero] "=&r"(zero)
        : [a] "a"(a), [m] "a"(m));
    return product;
}
#elif defined(__AVR__) || (defined(__thumb__) && !defined(__thumb2__))
static inline int32_t mml2_biquad_times(int32_t a, int16_t m)
{
    return (a >> 16) * (int32_t)m + ((int32_t)(uint16_t)a * (int32_t)m >> 16);
}
#else
static inline int32_t mml2_biquad_times(int32_t a, int32_t m)
{
    return (int32_t)((int64_t)a * (m * 65536) >> 32);
}
#endif
#endif
