/* From sums in fixed point to samples. */
#ifndef MICROMLGEN_SAMPLE_2
#define MICROMLGEN_SAMPLE_2
/* sum / 2^bits to the nearest sample, halves up, saturated; bits from 1 to 30, sum + 2^(bits - 1) within 32 bits. */
static inline int16_t mml2_sample(int32_t sum, uint8_t bits)
{
    const int32_t v = sum + ((int32_t)1 << (bits - 1u));
#if defined(__thumb2__)
    int32_t out;
    __asm__("ssat %0, #16, %1" : "=r"(out) : "r"(v >> bits));
    return (int16_t)out;
#elif defined(__AVR__) /* which shifts by a bit at a time, but for bytes */
    if (bits > 15u) return (int16_t)((int16_t)(v >> 16) >> (bits - 16u));
    if (v >= (int32_t)32768 << bits) return 32767;
    if (v < -((int32_t)32768 << bits)) return -32767 - 1;
    return (int16_t)((uint32_t)v << (16u - bits) >> 16);
#else
    const int32_t sample = v >> bits;
    return sample > 32767 ? 32767 : sample < -32768 ? -32767 - 1 : (int16_t)sample;
#endif
}
#endif
