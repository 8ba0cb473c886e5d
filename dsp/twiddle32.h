/* Products of int32 with Q15, and the twiddles of the FFT in int32: micromlgen/features/_fft32.py. */
#include "addresses.h"
#include "avr32.h"
#ifndef MICROMLGEN_TWIDDLE32_2
#define MICROMLGEN_TWIDDLE32_2
/* A twiddle's -cos and -sin in Q15, and floor(a * it / 2^16): half of the product, since a is any int32. */
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define MML2_FFT32_DSP_
typedef uint32_t mml2_twiddle_t; /* both, in the instructions' own format */
static inline int32_t mml2_times_cos(int32_t a, mml2_twiddle_t w)
{
    int32_t product;
    __asm__("smulwb %0, %1, %2" : "=r"(product) : "r"(a), "r"(w));
    return product;
}
static inline int32_t mml2_times_sin(int32_t a, mml2_twiddle_t w)
{
    int32_t product;
    __asm__("smulwt %0, %1, %2" : "=r"(product) : "r"(a), "r"(w));
    return product;
}
static inline int32_t mml2_plus_times_sin(int32_t sum, int32_t a, mml2_twiddle_t w)
{
    int32_t out;
    __asm__("smlawt %0, %1, %2, %3" : "=r"(out) : "r"(a), "r"(w), "r"(sum));
    return out;
}
static inline mml2_twiddle_t mml2_twiddle(const int16_t *table, uint_fast16_t k)
{
    mml2_twiddle_t w;
    memcpy(&w, table + 2u * k, sizeof w);
    return w;
}
/* The one a quarter of a turn on. */
static inline mml2_twiddle_t mml2_turned(mml2_twiddle_t w)
{
    return w << 16 | (uint16_t)(0u - (w >> 16));
}
/* As times_cos, by one number. */
static inline int32_t mml2_half_product(int32_t a, int16_t b)
{
    return mml2_times_cos(a, (uint16_t)b);
}
#else
typedef struct {
    int16_t cos, sin;
} mml2_twiddle_t;
static inline int32_t mml2_half_product(int32_t a, int16_t b)
{
#if defined(MML2_AVR_MUL_)
    return mml2_avr32_product(a, b);
#elif defined(__AVR__) || (defined(__thumb__) && !defined(__thumb2__))
    return (((int32_t)(uint16_t)a * b) >> 16) + (a >> 16) * b;
#else
    return (int32_t)((int64_t)a * (b * 65536L) >> 32);
#endif
}
static inline int32_t mml2_times_cos(int32_t a, mml2_twiddle_t w) { return mml2_half_product(a, w.cos); }
static inline int32_t mml2_times_sin(int32_t a, mml2_twiddle_t w) { return mml2_half_product(a, w.sin); }
static inline int32_t mml2_plus_times_sin(int32_t sum, int32_t a, mml2_twiddle_t w)
{
    return sum + mml2_half_product(a, w.sin);
}
static inline mml2_twiddle_t mml2_twiddle(MML2_FLASH_AT(int16_t) table, uint_fast16_t k)
{
    mml2_twiddle_t w;
    w.cos = (int16_t)MML2_FLASH_GET_U16(table, 2u * k);
    w.sin = (int16_t)MML2_FLASH_GET_U16(table, 2u * k + 1u);
    return w;
}
static inline mml2_twiddle_t mml2_turned(mml2_twiddle_t w)
{
    mml2_twiddle_t turned;
    turned.cos = (int16_t)-w.sin;
    turned.sin = w.cos;
    return turned;
}
#endif
#endif
