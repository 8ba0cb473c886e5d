/* Second-order sections in fixed point: micromlgen/features/_biquads.py proves that what is computed modulo 2^32 here
   lies within 31 bits and a sign in the end. */
#ifndef MICROMLGEN_BIQUAD_2
#define MICROMLGEN_BIQUAD_2
/* floor(a * m / 2^shift) modulo 2^32, shift from 0 to 46 and a constant: inlined so that it is shifted by what it is. */
static inline __attribute__((always_inline)) uint32_t mml2_biquad_times(int32_t a, int16_t m, uint8_t shift)
{
#if defined(__AVR__) || (defined(__thumb__) && !defined(__thumb2__))
    const int32_t high = (a >> 16) * (int32_t)m;
    const int32_t low = (int32_t)(uint32_t)(uint16_t)a * (int32_t)m;
    if (shift > 16u) return (uint32_t)((high + (low >> 16)) >> (shift - 16u));
    return ((uint32_t)high << (16u - shift)) + (uint32_t)(low >> shift);
#else
    return (uint32_t)((int64_t)a * m >> shift);
#endif
}

/* The output of a section before it is fed: y1 and y2 are the two before, k1 = 1 +- a1 + a2 and k2 = 1 - a2, whose
   poles are nearer to 1, or to -1. */
static inline __attribute__((always_inline)) uint32_t mml2_biquad_poles(
    int32_t y1, int32_t y2, uint8_t near_one, int16_t k1, uint8_t shift1, int16_t k2, uint8_t shift2)
{
    const int32_t d = near_one ? y1 - y2 : y1 + y2;
    const uint32_t y = (uint32_t)y1 + (uint32_t)d - mml2_biquad_times(y1, k1, shift1) - mml2_biquad_times(d, k2, shift2);
    return near_one ? y : 0u - y;
}

/* y / 2^bits to the nearest sample, saturated. */
static inline int16_t mml2_biquad_sample(int32_t y, uint8_t bits)
{
    const int32_t v = (y + ((int32_t)1 << (bits - 1u))) >> bits;
    return v > 32767 ? 32767 : v < -32768 ? -32767 - 1 : (int16_t)v;
}
#endif
