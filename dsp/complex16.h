/* Complex numbers of two int16, and their products with Q15 twiddles: the arithmetic of fft16.h on each core.

   Sums must fit int16, which who adds has to know. Products and shifts are rounded to nearest, halves up. */
#include "avr16.h"
#ifndef MICROMLGEN_COMPLEX16_2
#define MICROMLGEN_COMPLEX16_2
/* In memory; such may lie in a buffer of other integers. */
#if defined(__GNUC__)
typedef int16_t __attribute__((__may_alias__)) mml2_int16_t;
#else
typedef int16_t mml2_int16_t;
#endif

/* a * b, below 2^31. */
static inline int32_t mml2_product16(int16_t a, uint16_t b)
{
#if defined(MML2_AVR_MUL_)
    return mml2_avr_product(a, b);
#else
    return (int32_t)a * b;
#endif
}

/* a / 2^shift. */
static inline int_fast16_t mml2_rounded16(int_fast16_t a, uint8_t shift)
{
    return shift ? ((a >> (shift - 1)) + 1) >> 1 : a;
}

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
typedef uint32_t mml2_c16_t; /* the real part below */
typedef uint32_t mml2_every_t;
#define MML2_C16_OP_(name, instruction) \
    static inline uint32_t name(uint32_t a, uint32_t b) \
    { \
        uint32_t out; \
        __asm__(instruction " %0, %1, %2" : "=r"(out) : "r"(a), "r"(b)); \
        return out; \
    }
#define MML2_C16_MAC_(name, instruction) \
    static inline uint32_t name(uint32_t a, uint32_t b, uint32_t sum) \
    { \
        uint32_t out; \
        __asm__(instruction " %0, %1, %2, %3" : "=r"(out) : "r"(a), "r"(b), "r"(sum)); \
        return out; \
    }
MML2_C16_OP_(mml2_c16_add, "sadd16")
MML2_C16_OP_(mml2_c16_sub, "ssub16")
MML2_C16_OP_(mml2_c16_plus_j, "sasx")  /* a + j b */
MML2_C16_OP_(mml2_c16_minus_j, "ssax") /* a - j b */
MML2_C16_OP_(mml2_c16_mixed_, "pkhtb") /* the upper half of a above the lower one of b */
MML2_C16_OP_(mml2_c16_above_14_, "pkhtb %0, %1, %2, asr #14 @")
MML2_C16_OP_(mml2_c16_above_15_, "pkhtb %0, %1, %2, asr #15 @")
MML2_C16_MAC_(mml2_smlad_, "smlad")
MML2_C16_MAC_(mml2_smladx_, "smladx")
MML2_C16_MAC_(mml2_smlsd_, "smlsd")
MML2_C16_MAC_(mml2_smlsdx_, "smlsdx")
MML2_C16_MAC_(mml2_smlabb_, "smlabb")
MML2_C16_MAC_(mml2_smlatb_, "smlatb")
static inline mml2_c16_t mml2_c16(int_fast16_t re, int_fast16_t im)
{
    return (uint16_t)re | (uint32_t)im << 16;
}
static inline mml2_c16_t mml2_c16_load(const mml2_int16_t *z)
{
    mml2_c16_t a;
    memcpy(&a, z, sizeof a);
    return a;
}
static inline void mml2_c16_store(mml2_int16_t *z, mml2_c16_t a)
{
    memcpy(z, &a, sizeof a);
}
static inline mml2_c16_t mml2_c16_re_im(mml2_c16_t re, mml2_c16_t im) { return mml2_c16_mixed_(im, re); }
static inline mml2_c16_t mml2_c16_conj(mml2_c16_t a) { return mml2_c16_mixed_(mml2_c16_sub(0, a), a); }
static inline mml2_c16_t mml2_c16_times(mml2_c16_t a, mml2_c16_t w)
{
    return mml2_c16_above_15_(mml2_smlsdx_(w, a, 0x4000) << 1, mml2_smlad_(a, w, 0x4000));
}
static inline mml2_c16_t mml2_c16_times_conj(mml2_c16_t a, mml2_c16_t w)
{
    return mml2_c16_above_15_(mml2_smladx_(a, w, 0x4000) << 1, mml2_smlsd_(a, w, 0x4000));
}
/* By (1 - j) sqrt(1/2), twice Q15. */
static inline mml2_c16_t mml2_c16_times_diagonal(mml2_c16_t a)
{
    return mml2_c16_times(a, 23170u | 23170uL << 16);
}
/* By 2^-shift. */
static inline mml2_c16_t mml2_c16_down(mml2_c16_t a, uint8_t shift)
{
    const uint32_t factor = 0x4000u >> shift; /* in Q14 */
    if (__builtin_constant_p(shift) && !shift) return a;
    return mml2_c16_above_14_(mml2_smlatb_(a, factor, 0x2000) << 2, mml2_smlabb_(a, factor, 0x2000));
}
static inline mml2_every_t mml2_c16_every(mml2_every_t every, mml2_c16_t a) { return every | (a ^ a << 1); }
static inline uint16_t mml2_c16_either(mml2_every_t every) { return (uint16_t)(every | every >> 16); }
#else
typedef struct {
    int_fast16_t re, im;
} mml2_c16_t;
static inline mml2_c16_t mml2_c16(int_fast16_t re, int_fast16_t im)
{
    mml2_c16_t out;
    out.re = re;
    out.im = im;
    return out;
}
static inline mml2_c16_t mml2_c16_load(const mml2_int16_t *z) { return mml2_c16(z[0], z[1]); }
static inline void mml2_c16_store(mml2_int16_t *z, mml2_c16_t a)
{
    z[0] = (int16_t)a.re;
    z[1] = (int16_t)a.im;
}
static inline mml2_c16_t mml2_c16_add(mml2_c16_t a, mml2_c16_t b) { return mml2_c16(a.re + b.re, a.im + b.im); }
static inline mml2_c16_t mml2_c16_sub(mml2_c16_t a, mml2_c16_t b) { return mml2_c16(a.re - b.re, a.im - b.im); }
/* a + j b, a - j b. */
static inline mml2_c16_t mml2_c16_plus_j(mml2_c16_t a, mml2_c16_t b) { return mml2_c16(a.re - b.im, a.im + b.re); }
static inline mml2_c16_t mml2_c16_minus_j(mml2_c16_t a, mml2_c16_t b) { return mml2_c16(a.re + b.im, a.im - b.re); }
static inline mml2_c16_t mml2_c16_re_im(mml2_c16_t re, mml2_c16_t im) { return mml2_c16(re.re, im.im); }
static inline mml2_c16_t mml2_c16_conj(mml2_c16_t a) { return mml2_c16(a.re, -a.im); }
/* a * (c - j s), a * (c + j s) of w = (c, s) in Q15. */
static inline mml2_c16_t mml2_c16_times(mml2_c16_t a, mml2_c16_t w)
{
    return mml2_c16((int_fast16_t)(((int32_t)a.re * (int32_t)w.re + (int32_t)a.im * (int32_t)w.im + 0x4000) >> 15),
                    (int_fast16_t)(((int32_t)a.im * (int32_t)w.re - (int32_t)a.re * (int32_t)w.im + 0x4000) >> 15));
}
static inline mml2_c16_t mml2_c16_times_conj(mml2_c16_t a, mml2_c16_t w)
{
    return mml2_c16((int_fast16_t)(((int32_t)a.re * (int32_t)w.re - (int32_t)a.im * (int32_t)w.im + 0x4000) >> 15),
                    (int_fast16_t)(((int32_t)a.im * (int32_t)w.re + (int32_t)a.re * (int32_t)w.im + 0x4000) >> 15));
}
/* By (1 - j) sqrt(1/2), twice Q15. */
static inline mml2_c16_t mml2_c16_times_diagonal(mml2_c16_t a)
{
    return mml2_c16((int_fast16_t)((mml2_product16((int16_t)(a.re + a.im), 46340u) + 0x8000) >> 16),
                    (int_fast16_t)((mml2_product16((int16_t)(a.im - a.re), 46340u) + 0x8000) >> 16));
}
/* By 2^-shift, up to 2^-3: without loops, of which the compiler makes shifts. */
static inline mml2_c16_t mml2_c16_down(mml2_c16_t a, uint8_t shift)
{
    if (!shift) return a;
    if (shift > 1u) {
        a = mml2_c16(a.re >> 1, a.im >> 1);
        if (shift > 2u) a = mml2_c16(a.re >> 1, a.im >> 1);
    }
    return mml2_c16(a.re - (a.re >> 1), a.im - (a.im >> 1)); /* halves up, without a sum beyond int16 */
}
/* Bit b of `every` is set where a number has b bits without its sign, and perhaps below; AVR has those from 8 on. */
#if defined(__AVR__)
typedef uint8_t mml2_every_t;
static inline mml2_every_t mml2_c16_every(mml2_every_t every, mml2_c16_t a)
{
    const uint8_t re = (uint8_t)((uint16_t)a.re >> 8), im = (uint8_t)((uint16_t)a.im >> 8);
    return (mml2_every_t)(every | (re ^ re << 1) | (im ^ im << 1));
}
static inline uint16_t mml2_c16_either(mml2_every_t every) { return (uint16_t)((uint16_t)every << 8); }
#else
typedef unsigned mml2_every_t;
static inline mml2_every_t mml2_c16_every(mml2_every_t every, mml2_c16_t a)
{
    const unsigned re = (unsigned)a.re, im = (unsigned)a.im;
    return every | (re ^ re << 1) | (im ^ im << 1);
}
static inline uint16_t mml2_c16_either(mml2_every_t every) { return (uint16_t)every; }
#endif
#endif
#endif
