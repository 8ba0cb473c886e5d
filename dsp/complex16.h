/* Complex numbers of two int16, and of two int32 with 8 bits below theirs: the arithmetic of fft16.h on each core.

   Sums must fit, which who adds has to know. Products with Q15 twiddles are rounded down to 8 bits below. */
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

/* With 8 bits below. */
typedef struct {
    int32_t re, im;
} mml2_c32_t;
static inline mml2_c32_t mml2_c32(int32_t re, int32_t im)
{
    mml2_c32_t out;
    out.re = re;
    out.im = im;
    return out;
}
static inline mml2_c32_t mml2_c32_add(mml2_c32_t a, mml2_c32_t b) { return mml2_c32(a.re + b.re, a.im + b.im); }
static inline mml2_c32_t mml2_c32_sub(mml2_c32_t a, mml2_c32_t b) { return mml2_c32(a.re - b.re, a.im - b.im); }
/* a + j b, a - j b. */
static inline mml2_c32_t mml2_c32_plus_j(mml2_c32_t a, mml2_c32_t b) { return mml2_c32(a.re - b.im, a.im + b.re); }
static inline mml2_c32_t mml2_c32_minus_j(mml2_c32_t a, mml2_c32_t b) { return mml2_c32(a.re + b.im, a.im - b.re); }

/* What the squares of a number's upper bytes add up to, and MML2_C16_MARGIN_, ORed. */
#define MML2_C16_MARGIN_ 384
#if defined(__AVR__)
typedef uint16_t mml2_every_t;
#else
typedef uint32_t mml2_every_t;
#endif

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
typedef uint32_t mml2_c16_t; /* the real part below */
#define MML2_C16_OP_(name, instruction) \
    static inline uint32_t name(uint32_t a, uint32_t b) \
    { \
        uint32_t out; \
        __asm__(instruction " %0, %1, %2" : "=r"(out) : "r"(a), "r"(b)); \
        return out; \
    }
#define MML2_C16_MAC_(name, instruction) \
    static inline int32_t name(uint32_t a, uint32_t b, int32_t sum) \
    { \
        int32_t out; \
        __asm__(instruction " %0, %1, %2, %3" : "=r"(out) : "r"(a), "r"(b), "r"(sum)); \
        return out; \
    }
MML2_C16_OP_(mml2_c16_add, "sadd16")
MML2_C16_OP_(mml2_c16_sub, "ssub16")
MML2_C16_OP_(mml2_c16_half_add, "shadd16") /* (a + b) / 2, rounded down */
MML2_C16_OP_(mml2_c16_half_sub, "shsub16")
MML2_C16_OP_(mml2_c16_mixed_, "pkhtb") /* the upper half of a above the lower one of b */
MML2_C16_OP_(mml2_c16_above_8_, "pkhtb %0, %1, %2, asr #8 @")
MML2_C16_OP_(mml2_smuad_, "smuad")
MML2_C16_OP_(mml2_smuadx_, "smuadx")
MML2_C16_OP_(mml2_smusd_, "smusd")
MML2_C16_OP_(mml2_smusdx_, "smusdx")
MML2_C16_MAC_(mml2_smlad_, "smlad")
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
/* a * (c - j s) of w = (c, s); more: what is added to the imaginary part before it is rounded down. */
static inline mml2_c32_t mml2_c16_times(mml2_c16_t a, mml2_c16_t w, int32_t more)
{
    return mml2_c32((int32_t)mml2_smuad_(a, w) >> 7, mml2_smlsdx_(w, a, more) >> 7);
}
/* Half of a * (c - j s). */
static inline mml2_c32_t mml2_c16_half_times(mml2_c16_t a, mml2_c16_t w)
{
    return mml2_c32((int32_t)mml2_smuad_(a, w) >> 8, (int32_t)mml2_smusdx_(w, a) >> 8);
}
/* a * (c + j s). */
static inline mml2_c32_t mml2_c16_times_conj(mml2_c16_t a, mml2_c16_t w)
{
    return mml2_c32((int32_t)mml2_smusd_(a, w) >> 7, (int32_t)mml2_smuadx_(a, w) >> 7);
}
/* a * factor + more. */
static inline mml2_c32_t mml2_c16_scaled(mml2_c16_t a, int16_t factor, int32_t more)
{
    return mml2_c32(mml2_smlabb_(a, (uint32_t)factor, more), mml2_smlatb_(a, (uint32_t)factor, more));
}
/* Rounded down. */
static inline mml2_c16_t mml2_c16_of(mml2_c32_t a)
{
    return mml2_c16_above_8_((uint32_t)a.im << 8, (uint32_t)a.re);
}
static inline mml2_every_t mml2_c16_every(mml2_every_t every, mml2_c16_t a)
{
    uint32_t upper;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(upper) : "r"(a));
    return every | (uint32_t)mml2_smlad_(upper, upper, MML2_C16_MARGIN_);
}
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
/* (a + b) / 2 and (a - b) / 2, rounded down. */
static inline mml2_c16_t mml2_c16_half_add(mml2_c16_t a, mml2_c16_t b)
{
    return mml2_c16((int_fast16_t)(((int32_t)a.re + b.re) >> 1), (int_fast16_t)(((int32_t)a.im + b.im) >> 1));
}
static inline mml2_c16_t mml2_c16_half_sub(mml2_c16_t a, mml2_c16_t b)
{
    return mml2_c16((int_fast16_t)(((int32_t)a.re - b.re) >> 1), (int_fast16_t)(((int32_t)a.im - b.im) >> 1));
}
static inline mml2_c16_t mml2_c16_re_im(mml2_c16_t re, mml2_c16_t im) { return mml2_c16(re.re, im.im); }
/* a * (c - j s) of w = (c, s); more: what is added to the imaginary part before it is rounded down. */
static inline mml2_c32_t mml2_c16_times(mml2_c16_t a, mml2_c16_t w, int32_t more)
{
    return mml2_c32(((int32_t)a.re * (int32_t)w.re + (int32_t)a.im * (int32_t)w.im) >> 7,
                    ((int32_t)a.im * (int32_t)w.re - (int32_t)a.re * (int32_t)w.im + more) >> 7);
}
/* Half of a * (c - j s). */
static inline mml2_c32_t mml2_c16_half_times(mml2_c16_t a, mml2_c16_t w)
{
    return mml2_c32(((int32_t)a.re * (int32_t)w.re + (int32_t)a.im * (int32_t)w.im) >> 8,
                    ((int32_t)a.im * (int32_t)w.re - (int32_t)a.re * (int32_t)w.im) >> 8);
}
/* a * (c + j s). */
static inline mml2_c32_t mml2_c16_times_conj(mml2_c16_t a, mml2_c16_t w)
{
    return mml2_c32(((int32_t)a.re * (int32_t)w.re - (int32_t)a.im * (int32_t)w.im) >> 7,
                    ((int32_t)a.im * (int32_t)w.re + (int32_t)a.re * (int32_t)w.im) >> 7);
}
/* a * factor + more. */
static inline mml2_c32_t mml2_c16_scaled(mml2_c16_t a, int16_t factor, int32_t more)
{
    return mml2_c32((int32_t)a.re * factor + more, (int32_t)a.im * factor + more);
}
/* Rounded down. */
static inline mml2_c16_t mml2_c16_of(mml2_c32_t a) { return mml2_c16((int_fast16_t)(a.re >> 8), (int_fast16_t)(a.im >> 8)); }
static inline mml2_every_t mml2_c16_every(mml2_every_t every, mml2_c16_t a)
{
#if defined(__AVR__)
    const int8_t re = (int8_t)(a.re >> 8), im = (int8_t)(a.im >> 8); /* of which it multiplies in one instruction */
#else
    const int_fast16_t re = a.re >> 8, im = a.im >> 8;
#endif
    return (mml2_every_t)(every | ((mml2_every_t)(re * re) + (mml2_every_t)(im * im) + MML2_C16_MARGIN_));
}
#endif
#endif
