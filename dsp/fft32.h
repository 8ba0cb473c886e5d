/* The FFT of real int16 samples in int32 with Q15 twiddles, as micromlgen/features/_fft32.py defines it.

   N samples are M = N / 2 complex numbers z, in place: real parts at even places, imaginary ones at odd. No sum
   leaves 31 bits, because the samples come in shifted so that the largest possible output stays within 2^30. */
#include "addresses.h"
#ifndef MICROMLGEN_FFT32_2
#define MICROMLGEN_FFT32_2

/* A twiddle's -cos and -sin in Q15, and floor(a * it / 2^16): half of the product, since a is any int32. */
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
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
static inline mml2_twiddle_t mml2_twiddle(const int16_t *table, uint16_t k)
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
#else
typedef struct {
    int16_t cos, sin;
} mml2_twiddle_t;
static inline int32_t mml2_half_product(int32_t a, int16_t b)
{
#if defined(__AVR__) || (defined(__thumb__) && !defined(__thumb2__))
    return (a >> 16) * b + (((a & 0xffffL) * b) >> 16);
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
static inline mml2_twiddle_t mml2_twiddle(MML2_FLASH_AT(int16_t) table, uint16_t k)
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

/* The place before the first pass of the inputs of its next transform: a number with digits of base 4, reversed,
   plus one; `unit` is what the highest digit counts. */
static inline uint16_t mml2_fft_next(uint16_t reversed, uint16_t unit)
{
    while ((reversed & 3u * unit) == 3u * unit) {
        reversed = (uint16_t)(reversed ^ 3u * unit);
        unit = (uint16_t)(unit >> 2);
    }
    return (uint16_t)(reversed + unit);
}

/* Samples times window, shifted up by `shift` (down where it is negative), to where the first pass, of this radix,
   takes them. */
static inline void mml2_fft32_load(
    const int16_t *x, int32_t *z, uint16_t size, uint8_t radix, int8_t shift, MML2_FLASH_AT(int16_t) window, uint8_t windowed)
{
    const uint16_t blocks = (uint16_t)(size / radix);
    uint16_t reversed = 0, left = blocks;
    for (;;) {
        /* The fourth of four counts as -1: the first of the block's inputs may be the last of the samples. */
        const int16_t first = (int16_t)(reversed - ((reversed & reversed >> 1 & 0x5555u) << 2));
        uint16_t at = (uint16_t)(2u * (uint16_t)(first < 0 ? first + (int16_t)blocks : first));
        uint8_t m = first < 0, end = radix;
        for (; end; --end, ++m, at = (uint16_t)(at + 2u * blocks)) {
            int32_t *const to = z + 2u * (m & (radix - 1u));
            int32_t even = x[at], odd = x[at + 1u];
            if (windowed) {
                const uint8_t rising = end > radix / 2u;
                even *= (int16_t)MML2_FLASH_GET_U16(window, rising ? at : 2u * size - at);
                odd *= (int16_t)MML2_FLASH_GET_U16(window, rising ? at + 1u : 2u * size - at - 1u);
            }
            to[0] = shift < 0 ? even >> -shift : even * ((int32_t)1 << shift);
            to[1] = shift < 0 ? odd >> -shift : odd * ((int32_t)1 << shift);
        }
        if (!--left) break;
        z += 2u * radix;
        reversed = mml2_fft_next(reversed, (uint16_t)(blocks >> 2));
    }
}

/* The transform of 4 numbers that stand `step` apart. */
static inline void mml2_fft32_of_4(int32_t *z, uint8_t step)
{
    int32_t *const b = z + 2u * step, *const c = b + 2u * step, *const d = c + 2u * step;
    const int32_t s0r = z[0] + c[0], s0i = z[1] + c[1], s1r = z[0] - c[0], s1i = z[1] - c[1];
    const int32_t s2r = b[0] + d[0], s2i = b[1] + d[1], s3r = b[0] - d[0], s3i = b[1] - d[1];
    z[0] = s0r + s2r;
    z[1] = s0i + s2i;
    b[0] = s1r + s3i;
    b[1] = s1i - s3r;
    c[0] = s0r - s2r;
    c[1] = s0i - s2i;
    d[0] = s1r - s3i;
    d[1] = s1i + s3r;
}

/* a * sqrt(1/2) in Q15, rounded down, for |a| < 2^30. */
static inline int32_t mml2_fft32_diagonal(int32_t a)
{
#if defined(__AVR__) || (defined(__thumb__) && !defined(__thumb2__))
    return (a >> 15) * 23170 + (((a & 0x7fffL) * 23170) >> 15);
#else
    return (int32_t)((int64_t)a * 23170 >> 15);
#endif
}

/* The transform of 8 numbers: of the even and of the odd ones, and these turned. */
static inline void mml2_fft32_of_8(int32_t *z)
{
    int32_t even[8], odd[8];
    uint8_t i;
    mml2_fft32_of_4(z, 2);
    mml2_fft32_of_4(z + 2, 2);
    for (i = 0; i < 4; ++i) {
        even[2 * i] = z[4 * i];
        even[2 * i + 1] = z[4 * i + 1];
    }
    odd[0] = z[2];
    odd[1] = z[3];
    odd[2] = mml2_fft32_diagonal(z[7] + z[6]);
    odd[3] = mml2_fft32_diagonal(z[7] - z[6]);
    odd[4] = z[11];
    odd[5] = -z[10];
    odd[6] = mml2_fft32_diagonal(z[15] - z[14]);
    odd[7] = -mml2_fft32_diagonal(z[15] + z[14]);
    for (i = 0; i < 8; ++i) {
        z[i] = even[i] + odd[i];
        z[i + 8] = even[i] - odd[i];
    }
}

/* Transforms of `quarter` numbers become transforms of four times as many: z, at `quarter` numbers apart, by
   the twiddles w1 and w2. Halves. */
static inline void mml2_fft32_butterfly(int32_t *z, uint16_t quarter, mml2_twiddle_t w1, mml2_twiddle_t w2)
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
}

/* The spectra of even and odd samples taken apart: bins 0 to M in 2 M + 2 numbers. */
static inline void mml2_fft32_apart(int32_t *z, uint16_t size, MML2_FLASH_AT(int16_t) table)
{
    int32_t *low = z + 2, *high = z + 2u * size - 2;
    uint16_t k;
    z[2u * size] = z[0] - z[1];
    z[2u * size + 1u] = 0;
    z[0] += z[1];
    z[1] = 0;
    for (k = 1; low != high; ++k, low += 2, high -= 2) {
        const mml2_twiddle_t w = mml2_twiddle(table, k);
        const int32_t sr = low[0] + high[0], dr = low[0] - high[0];
        const int32_t si = low[1] + high[1], di = low[1] - high[1];
        const int32_t pr = mml2_times_cos(si, w) - mml2_times_sin(dr, w);
        const int32_t pi = mml2_plus_times_sin(mml2_times_cos(dr, w), si, w);
        low[0] = (sr >> 1) - pr;
        low[1] = (di >> 1) + pi;
        high[0] = (sr >> 1) + pr;
        high[1] = pi - (di >> 1);
    }
    low[1] = -low[1];
}

/* Bins 0 to N / 2 of N = 2 * size samples x: real and imaginary parts in z[0] to z[N + 1].

   table: -cos and -sin of 2 pi k / N in Q15, k = 0 to N / 4. window: its first half and the middle, in Q15, if
   `windowed`. Input Q0, output Q(shift - passes), passes being those of radix 4 behind the first; each rounds
   down. |z| <= 2^30. */
static inline void mml2_fft32(
    const int16_t *x, int32_t *z, uint16_t size, uint8_t radix, int8_t shift, MML2_FLASH_AT(int16_t) table,
    MML2_FLASH_AT(int16_t) window, uint8_t windowed)
{
    int32_t *const end = z + 2u * size;
    int32_t *at;
    uint16_t quarter;
    mml2_fft32_load(x, z, size, radix, shift, window, windowed);
    for (at = z; at != end; at += 2u * radix) {
        if (radix == 4) mml2_fft32_of_4(at, 1);
        else mml2_fft32_of_8(at);
    }
    for (quarter = radix; quarter < size; quarter = (uint16_t)(4u * quarter)) {
        const uint16_t step = (uint16_t)(size / 2u / quarter);
        uint16_t k = 0;
        int32_t *const last = z + 2u * quarter;
        int32_t *start;
        for (start = z; start != last; start += 2) {
            const mml2_twiddle_t w1 = mml2_twiddle(table, k);
            const mml2_twiddle_t w2 = 2u * k <= size / 2u ? mml2_twiddle(table, (uint16_t)(2u * k))
                                                         : mml2_turned(mml2_twiddle(table, (uint16_t)(2u * k - size / 2u)));
            for (at = start; at < end; at += 8u * quarter) mml2_fft32_butterfly(at, quarter, w1, w2);
            k = (uint16_t)(k + step);
        }
    }
    mml2_fft32_apart(z, size, table);
}
#endif
