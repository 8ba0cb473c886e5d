/* The FFT of real int16 samples in int16 block floating point, as micromlgen/features/_fft16.py defines it.

   N samples are M = N / 2 complex numbers z, in place: real parts at even places, imaginary ones at odd. All share
   one exponent. No sum leaves int16, because before each pass the numbers are shifted down to 12 bits and a sign. */
#include "samples.h"
#include "complex16.h"
#include "fft16_avr.h"
#ifndef MICROMLGEN_FFT16_2
#define MICROMLGEN_FFT16_2

/* By how much numbers exceed 12 bits, from 0 to 3. */
static inline uint8_t mml2_fft16_excess(uint16_t every)
{
    return every & 0x8000u ? 3 : every & 0x4000u ? 2 : every & 0x2000u ? 1 : 0;
}

/* a * w of an element of a window, some of which are negative. */
static inline int32_t mml2_fft16_windowed(int16_t a, int16_t w)
{
#if defined(MML2_AVR_MUL_)
    return mml2_avr_signed(a, w);
#else
    return (int32_t)a * w;
#endif
}

/* Sample `at` times the window: shifted up by in.up, which fills 15 bits, then down by `down`, in Q0 of both. */
static inline int_fast16_t mml2_fft16_sample(mml2_samples_t in, uint8_t down, uint16_t at)
{
    const unsigned factor = 1u << in.up;
    int_fast16_t value;
    uint16_t place = at;
    int32_t product;
    if (in.framed && at >= in.length) return 0;
    value = (int16_t)((unsigned)in.x[at] * factor);
    if (in.emphasis) {
        const int16_t last = (int16_t)(at || in.follows ? (unsigned)in.x[(int_fast16_t)at - 1] * factor : 0u);
        value = (value >> 1) - (int_fast16_t)((mml2_product16((int16_t)(last >> 1), (uint16_t)in.emphasis) + 0x4000) >> 15);
    }
    if (!in.windowed) return ((value >> (down - 1)) + 1) >> 1;
    if (place > in.length / 2u) place = (uint16_t)(in.length - place); /* the second half is the first, backwards */
    product = mml2_fft16_windowed((int16_t)value, (int16_t)MML2_FLASH_GET_U16(in.window, place));
    return (int_fast16_t)(((int16_t)(product >> 16) >> (down - 2)) + 1) >> 1;
}

typedef struct {
    mml2_int16_t *z;
    mml2_every_t every; /* bits of all that was stored, as mml2_c16_every gathers them */
} mml2_fft16_out_t;

static inline void mml2_fft16_store(mml2_fft16_out_t *out, uint16_t at, mml2_c16_t a)
{
    mml2_c16_store(out->z + 2u * at, a);
    out->every = mml2_c16_every(out->every, a);
}

/* Four numbers, `quarter` apart, of transforms of `quarter` numbers become those of one, where those behind
   the first were multiplied by their twiddles. */
static inline void mml2_fft16_combine(
    mml2_fft16_out_t *out, uint16_t quarter, mml2_c16_t z, mml2_c16_t a, mml2_c16_t b, mml2_c16_t c)
{
    const mml2_c16_t t0 = mml2_c16_add(z, b), t1 = mml2_c16_sub(z, b);
    const mml2_c16_t t2 = mml2_c16_add(a, c), t3 = mml2_c16_sub(a, c);
    mml2_fft16_store(out, 0, mml2_c16_add(t0, t2));
    mml2_fft16_store(out, quarter, mml2_c16_minus_j(t1, t3));
    mml2_fft16_store(out, (uint16_t)(2u * quarter), mml2_c16_sub(t0, t2));
    mml2_fft16_store(out, (uint16_t)(3u * quarter), mml2_c16_plus_j(t1, t3));
    out->z += 8u * quarter;
}

/* Butterflies of twiddles of 1, from out->z to the end. */
#if defined(MML2_FFT16_AVR_)
static inline void mml2_fft16_by_1(mml2_fft16_out_t *out, uint16_t quarter, uint8_t down, const mml2_int16_t *end)
{
    out->every = mml2_avr_by_1(out->z, quarter, down, end);
}
#else
static inline void mml2_fft16_by_1(mml2_fft16_out_t *out, uint16_t quarter, uint8_t down, const mml2_int16_t *end)
{
    do {
        const mml2_int16_t *const at = out->z;
        const mml2_c16_t z = mml2_c16_down(mml2_c16_load(at), down);
        const mml2_c16_t b = mml2_c16_down(mml2_c16_load(at + 4u * quarter), down);
        const mml2_c16_t a = mml2_c16_down(mml2_c16_load(at + 2u * quarter), down);
        const mml2_c16_t c = mml2_c16_down(mml2_c16_load(at + 6u * quarter), down);
        mml2_fft16_combine(out, quarter, z, a, b, c);
    } while (out->z < end);
}
#endif

/* Samples times the window, where the first pass wants them. */
static inline void mml2_fft16_load(mml2_samples_t in, mml2_int16_t *z, uint16_t size, uint8_t radix)
{
    const uint16_t blocks = (uint16_t)(size / radix), digit = blocks / 4u, around = (uint16_t)(2u * size - 1u);
    const uint8_t down = radix == 8 ? 4 : 3; /* to 11 or 12 bits */
    const mml2_int16_t *const end = z + 2u * size;
    uint16_t reversed = 0;
    for (;;) {
        /* The fourth of four counts as -1. */
        uint16_t start = (uint16_t)(reversed - ((reversed & reversed >> 1 & 0x5555u) << 2));
        uint8_t left = digit ? 4 : 1;
        for (; left; start = (uint16_t)(--left == 1u ? start - 3u * digit : start + digit)) {
            const mml2_int16_t *const last = z + 2u * radix;
            uint16_t at = (uint16_t)(2u * start & around);
            do {
                const mml2_int16_t *const fourth = z + 8;
                do {
                    *z++ = (int16_t)mml2_fft16_sample(in, down, at);
                    *z++ = (int16_t)mml2_fft16_sample(in, down, (uint16_t)(at + 1u));
                    at = (uint16_t)((at + size / 2u) & around);
                } while (z != fourth);
                at = (uint16_t)((at + 2u * blocks) & around); /* even numbers, then odd ones */
            } while (z != last);
        }
        if (z == end) break;
        reversed = mml2_fft_next(reversed, digit / 4u);
    }
}

/* Transforms of 4 numbers become transforms of 8. */
static inline void mml2_fft16_of_8(mml2_fft16_out_t *out, const mml2_int16_t *end)
{
    for (; out->z < end; out->z += 16) {
        const mml2_int16_t *const odd = out->z + 8;
        uint8_t k;
        for (k = 0; k < 4u; ++k) {
            const mml2_c16_t a = mml2_c16_load(out->z + 2u * k);
            mml2_c16_t b = mml2_c16_load(odd + 2u * k);
            if (k & 1u) b = mml2_c16_times_diagonal(b); /* by exp(-i pi k / 4) */
            if (k & 2u) b = mml2_c16_minus_j(mml2_c16(0, 0), b);
            mml2_fft16_store(out, k, mml2_c16_add(a, b));
            mml2_fft16_store(out, k + 4u, mml2_c16_sub(a, b));
        }
    }
}

/* The first pass, of radix 4 or 8. */
static inline uint16_t mml2_fft16_first(mml2_samples_t in, mml2_int16_t *z, uint16_t size, uint8_t radix)
{
    const mml2_int16_t *const end = z + 2u * size;
    mml2_fft16_out_t out;
    mml2_fft16_load(in, z, size, radix);
    out.z = z;
    out.every = 0;
    mml2_fft16_by_1(&out, 1, 0, end);
    if (radix == 8) {
        out.z = z;
        out.every = 0;
        mml2_fft16_of_8(&out, end);
    }
    return mml2_c16_either(out.every);
}

/* cos(pi k / size) and the sine, k up to half of the size. */
static inline mml2_c16_t mml2_fft16_twiddle(MML2_FLASH_AT(int16_t) wave, uint16_t k, uint16_t size)
{
    return mml2_c16((int16_t)MML2_FLASH_GET_U16(wave, k), (int16_t)MML2_FLASH_GET_U16(wave, (uint16_t)(size / 2u - k)));
}

/* A pass of radix 4. Numbers come with the bits `every`, and leave with those that are returned. */
static inline uint16_t mml2_fft16_pass(
    mml2_int16_t *z, uint16_t size, uint16_t quarter, uint8_t down, MML2_FLASH_AT(int16_t) wave)
{
    const uint16_t step = (uint16_t)(size / 2u / quarter);
    mml2_int16_t *const end = z + 2u * size;
    uint16_t k;
    mml2_fft16_out_t out;
#if defined(MML2_FFT16_AVR_)
    mml2_avr_butterfly_t of;
    of.down = down;
    of.end = end;
#endif
    out.z = z;
    out.every = 0;
    mml2_fft16_by_1(&out, quarter, down, end);
    for (k = step, z += 2; k != size / 2u; z += 2, k = (uint16_t)(k + step)) {
        const uint8_t turned = 4u * k >= size;
        const uint16_t twice = (uint16_t)(turned ? 2u * k - size / 2u : 2u * k);
#if defined(MML2_FFT16_AVR_)
        of.turned = turned;
        mml2_avr_twiddle(&of.w1, wave, k, size / 2u, down);
        mml2_avr_twiddle(&of.w2, wave, twice, size / 2u, down);
        out.every = (mml2_every_t)(out.every | mml2_avr_butterflies(z, quarter, &of));
#else
        const mml2_c16_t w1 = mml2_c16_down(mml2_fft16_twiddle(wave, k, size), down);
        const mml2_c16_t w2 = mml2_c16_down(mml2_fft16_twiddle(wave, twice, size), down);
        out.z = z;
        do {
            const mml2_int16_t *const at = out.z;
            const mml2_c16_t a = mml2_c16_times(mml2_c16_load(at + 2u * quarter), w1);
            const mml2_c16_t b = mml2_c16_times(mml2_c16_load(at + 4u * quarter), w2);
            const mml2_c16_t c = mml2_c16_times_conj(mml2_c16_load(at + 6u * quarter), w1);
            mml2_fft16_combine(&out, quarter, mml2_c16_down(mml2_c16_load(at), down), a,
                               turned ? mml2_c16_minus_j(mml2_c16(0, 0), b) : b, c);
        } while (out.z < end);
#endif
    }
    return mml2_c16_either(out.every);
}

/* The spectra of even and odd samples taken apart: twice the bins 0 to M in 2 M + 2 numbers. */
static inline void mml2_fft16_apart(mml2_int16_t *z, uint16_t size, uint8_t down, MML2_FLASH_AT(int16_t) wave)
{
    mml2_int16_t *low = z + 2, *high = z + 2u * size - 2;
    const int_fast16_t re = mml2_rounded16(z[0], down), im = mml2_rounded16(z[1], down);
    uint16_t k;
    z[2u * size] = (int16_t)(2 * (re - im));
    z[2u * size + 1u] = 0;
    z[0] = (int16_t)(2 * (re + im));
    z[1] = 0;
    for (k = 1; low != high; ++k, low += 2, high -= 2) {
        const mml2_c16_t l = mml2_c16_down(mml2_c16_load(low), down), h = mml2_c16_down(mml2_c16_load(high), down);
        const mml2_c16_t sum = mml2_c16_add(l, h), difference = mml2_c16_sub(l, h);
        const mml2_c16_t even = mml2_c16_re_im(sum, difference);
        const mml2_c16_t w = mml2_fft16_twiddle(wave, k, size), turned = mml2_c16_re_im(difference, sum);
#if defined(MML2_FFT16_AVR_)
        const mml2_c16_t odd = mml2_avr_times(turned, w);
#else
        const mml2_c16_t odd = mml2_c16_times(turned, w);
#endif
        mml2_c16_store(low, mml2_c16_minus_j(even, odd));
        mml2_c16_store(high, mml2_c16_conj(mml2_c16_plus_j(even, odd)));
    }
    low[0] = (int16_t)(2 * mml2_rounded16(low[0], down));
    low[1] = (int16_t)(-2 * mml2_rounded16(low[1], down));
}

/* Bins 0 to N / 2 of N = 2 * size samples: real and imaginary parts in z[0] to z[N + 1], within 19800, and by how much
   they were shifted down after the first pass.

   wave: cos(2 pi k / N) in Q15, k = 0 to N / 4. Input Q0 of samples, up to in.up more bits; the first pass takes 12 or, where the
   radix is 8, 11 bits. Products are rounded to nearest, once. */
static inline uint8_t mml2_fft16(
    mml2_samples_t in, mml2_int16_t *z, uint16_t size, uint8_t radix, MML2_FLASH_AT(int16_t) wave)
{
    uint16_t quarter, every = mml2_fft16_first(in, z, size, radix);
    uint8_t down = mml2_fft16_excess(every), all = down;
    for (quarter = radix; quarter < size; quarter = (uint16_t)(4u * quarter)) {
        every = mml2_fft16_pass(z, size, quarter, down, wave);
        down = mml2_fft16_excess(every);
        all = (uint8_t)(all + down);
    }
    mml2_fft16_apart(z, size, down, wave);
    return all;
}
#endif
