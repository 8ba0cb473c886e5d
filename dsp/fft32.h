/* The FFT of real int16 samples in int32 with Q15 twiddles, as micromlgen/features/_fft32.py defines it.

   N samples are M = N / 2 complex numbers z, in place: real parts at even places, imaginary ones at odd. No sum
   leaves 31 bits, because the samples come in shifted so that the largest possible output stays within 2^30. */
#include "samples.h"
#ifndef MICROMLGEN_FFT32_2
#define MICROMLGEN_FFT32_2

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
#if defined(__AVR__) || (defined(__thumb__) && !defined(__thumb2__))
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

/* Sample `at`, with element `place` of the window if that is of all samples. */
static inline int32_t mml2_fft32_sample(mml2_samples_t in, int_fast16_t at, int_fast16_t place)
{
    int32_t value;
    if (in.framed) {
        if (at >= (int_fast16_t)in.length) return 0;
        value = (int32_t)in.x[at] * ((int32_t)32768L << in.up);
        if (in.emphasis && (at || in.follows)) value -= ((int32_t)in.x[at - 1] * ((int32_t)1 << in.up)) * in.emphasis;
        if (at > (int_fast16_t)(in.length / 2u)) at = (int_fast16_t)in.length - at;
        value = in.windowed ? mml2_half_product(value, (int16_t)MML2_FLASH_GET_U16(in.window, (uint16_t)at)) : value >> 1;
    } else {
        value = in.x[at];
        if (in.windowed) {
            const int16_t w = (int16_t)MML2_FLASH_GET_U16(in.window, (uint16_t)place);
#if defined(MML2_FFT32_DSP_)
            if (in.shift <= 0) return mml2_half_product(value * ((int32_t)1 << (16 + in.shift + in.up)), w);
#endif
            value *= w;
        }
        value *= (int32_t)1 << in.up;
    }
    return in.shift < 0 ? value >> -in.shift : value * ((int32_t)1 << in.shift);
}

#if defined(__OPTIMIZE__) && defined(MML2_FFT32_DSP_)
#define MML2_FFT32_INLINE_ static inline __attribute__((always_inline))
#else
#define MML2_FFT32_INLINE_ static inline
#endif

/* Samples `at` and the one behind, with elements of the window: `place` and the one behind or, `back`, the one before. */
MML2_FFT32_INLINE_ void mml2_fft32_pair(
    mml2_samples_t in, int_fast16_t at, int_fast16_t place, uint8_t back, int32_t *re, int32_t *im)
{
#if defined(MML2_FFT32_DSP_)
    if (in.windowed && !in.framed) {
        const int8_t shift = (int8_t)(in.shift + in.up);
        const uint8_t up = (uint8_t)(shift > 0 ? shift : 0), down = (uint8_t)(shift < 0 ? -shift : 0);
        uint32_t x, w;
        memcpy(&x, in.x + at, sizeof x);
        memcpy(&w, in.window + (place - back), sizeof w);
        if (back) w = w << 16 | w >> 16;
        __asm__("smulbb %0, %1, %2" : "=r"(*re) : "r"(x), "r"(w));
        __asm__("smultt %0, %1, %2" : "=r"(*im) : "r"(x), "r"(w));
        *re = *re * ((int32_t)1 << up) >> down;
        *im = *im * ((int32_t)1 << up) >> down;
        return;
    }
#endif
    *re = mml2_fft32_sample(in, at, place);
    *im = mml2_fft32_sample(in, at + 1, back ? place - 1 : place + 1);
}

/* The transform of numbers start, start + M / 4, start + M / 2, start + 3 M / 4 of M = size; start is from -M / 4
   to M / 4 - 1, and what lies before the first sample is at the end. */
MML2_FFT32_INLINE_ void mml2_fft32_of_4(mml2_samples_t in, int32_t *z, int16_t start, uint16_t size)
{
    const int_fast16_t half = (int_fast16_t)(size / 2u); /* samples between two of the numbers */
    const int_fast16_t even = 2 * start, from_0 = even < 0 ? -even : even;
    const int_fast16_t b = half + even, a = start < 0 ? b + 3 * half : b - half;
    const uint8_t back = start < 0;
    int32_t ar, ai, br, bi, cr, ci, dr, di;
    /* The window's second half is the first, backwards. */
    mml2_fft32_pair(in, a, from_0, back, &ar, &ai);
    mml2_fft32_pair(in, b + half, 2 * half - from_0, !back, &cr, &ci);
    mml2_fft32_pair(in, b, half + even, 0, &br, &bi);
    mml2_fft32_pair(in, b + 2 * half, half - even, 1, &dr, &di);
    {
        const int32_t s0r = ar + cr, s0i = ai + ci, s1r = ar - cr, s1i = ai - ci;
        const int32_t s2r = br + dr, s2i = bi + di, s3r = br - dr, s3i = bi - di;
        z[0] = s0r + s2r;
        z[1] = s0i + s2i;
        z[2] = s1r + s3i;
        z[3] = s1i - s3r;
        z[4] = s0r - s2r;
        z[5] = s0i - s2i;
        z[6] = s1r - s3i;
        z[7] = s1i + s3r;
    }
}

/* a * sqrt(1/2) in Q15, rounded down, for |a| < 2^30. */
static inline int32_t mml2_fft32_diagonal(int32_t a)
{
#if defined(__AVR__) || (defined(__thumb__) && !defined(__thumb2__))
    return (a >> 15) * 23170 + (((a & 0x7fffL) * 23170) >> 15);
#elif defined(MML2_FFT32_DSP_)
    return mml2_times_cos(2 * a, 23170u);
#else
    return (int32_t)((int64_t)(2 * a) * (23170L * 65536L) >> 32);
#endif
}

/* Number k of 4 of the even numbers' transform, and of the odd ones' times exp(-i pi k / 4), become k and k + 4 of 8. */
static inline void mml2_fft32_of_2(int32_t *even, int32_t re, int32_t im)
{
    even[8] = even[0] - re;
    even[9] = even[1] - im;
    even[0] += re;
    even[1] += im;
}

/* The first pass: transforms of `radix` numbers, 4 or 8, each where the others want it. */
static inline void mml2_fft32_first(mml2_samples_t in, int32_t *z, uint16_t size, uint8_t radix)
{
    const int16_t blocks = (int16_t)(size / radix), digit = (int16_t)(blocks / 4);
    int32_t *const end = z + 2u * size;
    uint16_t reversed = 0;
    for (;;) {
        /* The fourth of four counts as -1. */
        int16_t start = (int16_t)(reversed - ((reversed & reversed >> 1 & 0x5555u) << 2));
        const int16_t last = (int16_t)(start - digit);
        for (;;) {
            mml2_fft32_of_4(in, z, start, size);
            if (radix == 8) {
                mml2_fft32_of_4(in, z + 8, (int16_t)(start + blocks), size);
                mml2_fft32_of_2(z, z[8], z[9]);
                mml2_fft32_of_2(z + 2, mml2_fft32_diagonal(z[11] + z[10]), mml2_fft32_diagonal(z[11] - z[10]));
                mml2_fft32_of_2(z + 4, z[13], -z[12]);
                mml2_fft32_of_2(z + 6, mml2_fft32_diagonal(z[15] - z[14]), -mml2_fft32_diagonal(z[15] + z[14]));
            }
            z += 2u * radix;
            if (start == last) break; /* which is the only one where there is only one */
            start = (int16_t)(start + digit);
            if (start == last + 4 * digit) start = last;
        }
        if (z == end) break;
        reversed = mml2_fft_next(reversed, (uint16_t)(digit / 4));
    }
}

/* Transforms of `quarter` numbers become transforms of four times as many: z, at `quarter` numbers apart, by
   the twiddles w1 and w2. Halves. Returns the place of the next four. */
#if defined(MML2_FFT32_DSP_) && defined(__OPTIMIZE__)
#define MML2_FFT32_UNROLLED_ /* passes whose distances are constants */
/* As in C below, in an order that needs no more registers than there are. */
static inline int32_t *mml2_fft32_butterfly(int32_t *z, uint_fast16_t quarter, mml2_twiddle_t w1, mml2_twiddle_t w2)
{
    int32_t r0, r1, r2, r3, r4, r5, r6, r7, r8;
    __asm__ volatile(
        "add %[z], %[z], %[apart]\n\t"
        "ldrd %[r0], %[r1], [%[z]]\n\t" /* a */
        "add %[z], %[z], %[apart], lsl #1\n\t"
        "smulwb %[r2], %[r0], %[w1]\n\t"
        "smlawt %[r2], %[r1], %[w1], %[r2]\n\t" /* r2: ar */
        "smulwb %[r1], %[r1], %[w1]\n\t"
        "smulwt %[r0], %[r0], %[w1]\n\t"
        "sub %[r1], %[r1], %[r0]\n\t" /* r1: ai */
        "ldrd %[r3], %[r4], [%[z]]\n\t" /* c */
        "sub %[z], %[z], %[apart]\n\t"
        "smulwb %[r0], %[r3], %[w1]\n\t"
        "smulwt %[r5], %[r4], %[w1]\n\t"
        "sub %[r0], %[r0], %[r5]\n\t" /* r0: cr */
        "smulwb %[r4], %[r4], %[w1]\n\t"
        "smlawt %[r4], %[r3], %[w1], %[r4]\n\t" /* r4: ci */
        "add %[r3], %[r2], %[r0]\n\t" /* r3: t2r */
        "sub %[r2], %[r2], %[r0]\n\t" /* r2: t3r */
        "add %[r5], %[r1], %[r4]\n\t" /* r5: t2i */
        "sub %[r1], %[r1], %[r4]\n\t" /* r1: t3i */
        "ldrd %[r0], %[r4], [%[z]]\n\t" /* b */
        "sub %[z], %[z], %[apart], lsl #1\n\t"
        "smulwb %[r6], %[r0], %[w2]\n\t"
        "smlawt %[r6], %[r4], %[w2], %[r6]\n\t" /* r6: br */
        "smulwb %[r4], %[r4], %[w2]\n\t"
        "smulwt %[r0], %[r0], %[w2]\n\t"
        "sub %[r4], %[r4], %[r0]\n\t" /* r4: bi */
        "ldrd %[r0], %[r7], [%[z]]\n\t"
        "rsb %[r8], %[r6], %[r0], asr #1\n\t" /* r8: t0r */
        "add %[r0], %[r6], %[r0], asr #1\n\t" /* r0: t1r */
        "rsb %[r6], %[r4], %[r7], asr #1\n\t" /* r6: t0i */
        "add %[r7], %[r4], %[r7], asr #1\n\t" /* r7: t1i */
        "sub %[r4], %[r8], %[r3]\n\t"
        "add %[r8], %[r8], %[r3]\n\t"
        "sub %[r3], %[r6], %[r5]\n\t"
        "add %[r6], %[r6], %[r5]\n\t"
        "strd %[r4], %[r3], [%[z]]\n\t"
        "add %[z], %[z], %[apart]\n\t"
        "sub %[r4], %[r0], %[r1]\n\t"
        "add %[r3], %[r7], %[r2]\n\t"
        "strd %[r4], %[r3], [%[z]]\n\t"
        "add %[z], %[z], %[apart]\n\t"
        "strd %[r8], %[r6], [%[z]]\n\t"
        "add %[z], %[z], %[apart]\n\t"
        "add %[r0], %[r0], %[r1]\n\t"
        "sub %[r7], %[r7], %[r2]\n\t"
        "strd %[r0], %[r7], [%[z]]\n\t"
        "add %[z], %[z], %[apart]\n\t"
        : [z] "+r"(z), [r0] "=&r"(r0), [r1] "=&r"(r1), [r2] "=&r"(r2), [r3] "=&r"(r3), [r4] "=&r"(r4),
          [r5] "=&r"(r5), [r6] "=&r"(r6), [r7] "=&r"(r7), [r8] "=&r"(r8)
        : [w1] "r"(w1), [w2] "r"(w2), [apart] "r"(8u * quarter)
        : "memory");
    return z;
}
/* The same for distances up to 64, which are constants: z is 516 bytes further where it is 64. */
static inline __attribute__((always_inline)) int32_t *mml2_fft32_butterfly_at(
    int32_t *z, const int quarter, mml2_twiddle_t w1, mml2_twiddle_t w2)
{
    int32_t r0, r1, r2, r3, r4, r5, r6, r7, r8;
    __asm__ volatile(
        "ldrd %[r0], %[r1], [%[z], %[a]]\n\t" /* a */
        "smulwb %[r2], %[r0], %[w1]\n\t"
        "smlawt %[r2], %[r1], %[w1], %[r2]\n\t" /* r2: ar */
        "smulwb %[r1], %[r1], %[w1]\n\t"
        "smulwt %[r0], %[r0], %[w1]\n\t"
        "sub %[r1], %[r1], %[r0]\n\t" /* r1: ai */
        "ldrd %[r3], %[r4], [%[z], %[c]]\n\t" /* c */
        "smulwb %[r0], %[r3], %[w1]\n\t"
        "smulwt %[r5], %[r4], %[w1]\n\t"
        "sub %[r0], %[r0], %[r5]\n\t" /* r0: cr */
        "smulwb %[r4], %[r4], %[w1]\n\t"
        "smlawt %[r4], %[r3], %[w1], %[r4]\n\t" /* r4: ci */
        "add %[r3], %[r2], %[r0]\n\t" /* r3: t2r */
        "sub %[r2], %[r2], %[r0]\n\t" /* r2: t3r */
        "add %[r5], %[r1], %[r4]\n\t" /* r5: t2i */
        "sub %[r1], %[r1], %[r4]\n\t" /* r1: t3i */
        "ldrd %[r0], %[r4], [%[z], %[b]]\n\t" /* b */
        "smulwb %[r6], %[r0], %[w2]\n\t"
        "smlawt %[r6], %[r4], %[w2], %[r6]\n\t" /* r6: br */
        "smulwb %[r4], %[r4], %[w2]\n\t"
        "smulwt %[r0], %[r0], %[w2]\n\t"
        "sub %[r4], %[r4], %[r0]\n\t" /* r4: bi */
        "ldrd %[r0], %[r7], [%[z], %[o]]\n\t"
        "rsb %[r8], %[r6], %[r0], asr #1\n\t" /* r8: t0r */
        "add %[r0], %[r6], %[r0], asr #1\n\t" /* r0: t1r */
        "rsb %[r6], %[r4], %[r7], asr #1\n\t" /* r6: t0i */
        "add %[r7], %[r4], %[r7], asr #1\n\t" /* r7: t1i */
        "sub %[r4], %[r8], %[r3]\n\t"
        "add %[r8], %[r8], %[r3]\n\t"
        "sub %[r3], %[r6], %[r5]\n\t"
        "add %[r6], %[r6], %[r5]\n\t"
        "strd %[r4], %[r3], [%[z], %[o]]\n\t"
        "sub %[r4], %[r0], %[r1]\n\t"
        "add %[r3], %[r7], %[r2]\n\t"
        "strd %[r4], %[r3], [%[z], %[a]]\n\t"
        "strd %[r8], %[r6], [%[z], %[b]]\n\t"
        "add %[r0], %[r0], %[r1]\n\t"
        "sub %[r7], %[r7], %[r2]\n\t"
        "strd %[r0], %[r7], [%[z], %[c]]\n\t"
        : [z] "+r"(z), [r0] "=&r"(r0), [r1] "=&r"(r1), [r2] "=&r"(r2), [r3] "=&r"(r3), [r4] "=&r"(r4),
          [r5] "=&r"(r5), [r6] "=&r"(r6), [r7] "=&r"(r7), [r8] "=&r"(r8)
        : [w1] "r"(w1), [w2] "r"(w2), [o] "i"(quarter > 32 ? -516 : 0),
          [a] "i"(quarter > 32 ? 8 * quarter - 516 : 8 * quarter),
          [b] "i"(quarter > 32 ? 16 * quarter - 516 : 16 * quarter),
          [c] "i"(quarter > 32 ? 24 * quarter - 516 : 24 * quarter)
        : "memory");
    return z + 8 * quarter;
}
#else
static inline int32_t *mml2_fft32_butterfly(int32_t *z, uint_fast16_t quarter, mml2_twiddle_t w1, mml2_twiddle_t w2)
{
    int32_t *const a = z + 2u * quarter, *const b = a + 2u * quarter, *const c = b + 2u * quarter;
    /* Products with the negative twiddles. */
    const int32_t ar = mml2_plus_times_sin(mml2_times_cos(a[0], w1), a[1], w1);
    const int32_t ai = mml2_times_cos(a[1], w1) - mml2_times_sin(a[0], w1);
    const int32_t cr = mml2_times_cos(c[0], w1) - mml2_times_sin(c[1], w1);
    const int32_t ci = mml2_plus_times_sin(mml2_times_cos(c[1], w1), c[0], w1);
    const int32_t t2r = ar + cr, t2i = ai + ci, t3r = ar - cr, t3i = ai - ci;
    const int32_t br = mml2_plus_times_sin(mml2_times_cos(b[0], w2), b[1], w2);
    const int32_t bi = mml2_times_cos(b[1], w2) - mml2_times_sin(b[0], w2);
    const int32_t t0r = (z[0] >> 1) - br, t0i = (z[1] >> 1) - bi, t1r = (z[0] >> 1) + br, t1i = (z[1] >> 1) + bi;
    z[0] = t0r - t2r;
    z[1] = t0i - t2i;
    a[0] = t1r - t3i;
    a[1] = t1i + t3r;
    b[0] = t0r + t2r;
    b[1] = t0i + t2i;
    c[0] = t1r + t3i;
    c[1] = t1i - t3r;
    return z + 8u * quarter;
}
/* The same by twiddles of 1: half of a negative number, rounded down, is less half of that plus 1. */
static inline int32_t *mml2_fft32_butterfly_by_1(int32_t *z, uint_fast16_t quarter)
{
    int32_t *const a = z + 2u * quarter, *const b = a + 2u * quarter, *const c = b + 2u * quarter;
    const int32_t ar = (a[0] + 1) >> 1, ai = (a[1] + 1) >> 1, cr = (c[0] + 1) >> 1, ci = (c[1] + 1) >> 1;
    const int32_t t2r = ar + cr, t2i = ai + ci, t3r = ar - cr, t3i = ai - ci;
    const int32_t br = (b[0] + 1) >> 1, bi = (b[1] + 1) >> 1;
    const int32_t t0r = (z[0] >> 1) + br, t0i = (z[1] >> 1) + bi, t1r = (z[0] >> 1) - br, t1i = (z[1] >> 1) - bi;
    z[0] = t0r + t2r;
    z[1] = t0i + t2i;
    a[0] = t1r + t3i;
    a[1] = t1i - t3r;
    b[0] = t0r - t2r;
    b[1] = t0i - t2i;
    c[0] = t1r - t3i;
    c[1] = t1i + t3r;
    return z + 8u * quarter;
}
#endif

/* A pass of such, by the table of twiddles. */
#if defined(MML2_FFT32_UNROLLED_)
static inline __attribute__((always_inline))
#else
static inline
#endif
void mml2_fft32_pass(int32_t *z, uint16_t size, const uint16_t quarter, MML2_FLASH_AT(int16_t) table)
{
    const uint16_t step = (uint16_t)(size / 2u / quarter);
    int32_t *const end = z + 2u * size, *const last = z + 2u * quarter;
    uint_fast16_t k = 0;
#if !defined(MML2_FFT32_UNROLLED_)
    int32_t *by_1 = z;
    do by_1 = mml2_fft32_butterfly_by_1(by_1, quarter);
    while (by_1 < end);
    z += 2;
    k = step;
#endif
    for (; z != last; z += 2, k += step) {
        const mml2_twiddle_t w1 = mml2_twiddle(table, k);
        const mml2_twiddle_t w2 =
            k <= size / 4u ? mml2_twiddle(table, 2u * k) : mml2_turned(mml2_twiddle(table, 2u * k - size / 2u));
        int32_t *at = z;
#if defined(MML2_FFT32_UNROLLED_)
        if (__builtin_constant_p(quarter) && quarter <= 64u) {
            if (quarter > 32u) at += 129;
            do at = mml2_fft32_butterfly_at(at, (int)quarter, w1, w2);
            while (at < end);
            continue;
        }
#endif
        do at = mml2_fft32_butterfly(at, quarter, w1, w2);
        while (at < end);
    }
}

/* The bits of a without its sign. */
static inline uint32_t mml2_fft32_bits(int32_t a) { return (uint32_t)(a ^ a >> 31); }

/* The spectra of even and odd samples taken apart: bins 0 to M in 2 M + 2 numbers. Returns the bits of them all. */
static inline uint32_t mml2_fft32_apart(int32_t *z, uint16_t size, MML2_FLASH_AT(int16_t) table)
{
    int32_t *low = z + 2, *high = z + 2u * size - 2;
    uint_fast16_t k;
    uint32_t every;
    z[2u * size] = z[0] - z[1];
    z[2u * size + 1u] = 0;
    z[0] += z[1];
    z[1] = 0;
    every = mml2_fft32_bits(z[0]) | mml2_fft32_bits(z[2u * size]);
    for (k = 1; low != high; ++k, low += 2, high -= 2) {
        const mml2_twiddle_t w = mml2_twiddle(table, k);
        const int32_t dr = low[0] - high[0], si = low[1] + high[1];
        const int32_t pr = mml2_times_cos(si, w) - mml2_times_sin(dr, w);
        const int32_t pi = mml2_plus_times_sin(mml2_times_cos(dr, w), si, w);
        const int32_t er = (low[0] + high[0]) >> 1, ei = (low[1] - high[1]) >> 1;
        low[0] = er - pr;
        low[1] = ei + pi;
        high[0] = er + pr;
        high[1] = pi - ei;
        every |= mml2_fft32_bits(low[0]) | mml2_fft32_bits(low[1]) | mml2_fft32_bits(high[0]) | mml2_fft32_bits(high[1]);
    }
    low[1] = -low[1];
    return every | mml2_fft32_bits(low[0]) | mml2_fft32_bits(low[1]);
}

/* Bins 0 to N / 2 of N = 2 * size samples: real and imaginary parts in z[0] to z[N + 1].

   table: -cos and -sin of 2 pi k / N in Q15, k = 0 to N / 4. Input Q0, output Q(shift - passes), passes being those
   of radix 4 behind the first; with a window Q15 above that, with a framed input Q14. Every product and half
   is rounded down. |z| <= 2^30 by the choice of the shift. Returns the bits of all. */
static inline uint32_t mml2_fft32(
    mml2_samples_t in, int32_t *z, uint16_t size, uint8_t radix, MML2_FLASH_AT(int16_t) table)
{
    uint16_t quarter = radix;
    mml2_fft32_first(in, z, size, radix);
#if defined(MML2_FFT32_UNROLLED_)
    if (radix == 4) {
        if (size > 4u) mml2_fft32_pass(z, size, 4, table);
        if (size > 16u) mml2_fft32_pass(z, size, 16, table);
        if (size > 64u) mml2_fft32_pass(z, size, 64, table);
        quarter = 256;
    } else {
        if (size > 8u) mml2_fft32_pass(z, size, 8, table);
        if (size > 32u) mml2_fft32_pass(z, size, 32, table);
        quarter = 128;
    }
#endif
    for (; quarter < size; quarter = (uint16_t)(4u * quarter)) mml2_fft32_pass(z, size, quarter, table);
    return mml2_fft32_apart(z, size, table);
}
#endif
