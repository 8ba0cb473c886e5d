#include "avr16.h"
#ifndef MICROMLGEN_HALF_2
#define MICROMLGEN_HALF_2
/* floor(a * w / 2^16), half of the product with a Q15 number, of a and w from 0. */
static inline uint32_t mml2_half_of(uint32_t a, uint16_t w)
{
#if defined(MML2_AVR_MUL_)
    return mml2_avr_high(a, w);
#elif defined(__AVR__) || (defined(__thumb__) && !defined(__thumb2__))
    return (a >> 16) * w + ((a & 0xffffu) * w >> 16);
#elif defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
    uint32_t product;
    __asm__("smulwb %0, %1, %2" : "=r"(product) : "r"(a), "r"(w));
    return product;
#else
    return (uint32_t)((uint64_t)a * w >> 16);
#endif
}
#endif
