/* The FFT of real int16 samples in int16 block floating point, as micromlgen/features/_fft16.py defines it.

   N samples are M = N / 2 complex numbers z, in place: real parts at even places, imaginary ones at odd. All share
   one exponent. No sum leaves int16, because each pass shifts the numbers down by as much as their magnitudes ask for. */
#include "samples.h"
#include "complex16.h"
#include "fft16_avr.h"
#ifndef MICROMLGEN_FFT16_2
#define MICROMLGEN_FFT16_2

/* By how much numbers are to be shifted down before a pass. */
static inline uint8_t mml2_fft16_excess(mml2_every_t every)
{
    return every >> 14 ? 3 : every >> 12 ? 2 : every >> 10 ? 1 : 0;
}

/* Half of sample `at` times the window: shifted up by in.up, which fills 15 bits. */
static inline int_fast16_t mml2_fft16_sample(mml2_samples_t in, uint16_t at)
{
    const unsigned factor = 1u << in.up;
    int_fast16_t value;
    uint16_t place = at;
    if (in.framed && at >= in.length) return 0;
    value = (int16_t)((unsigned)in.x[at] * factor);
    if (in.emphasis) {
        const int16_t last = (int16_t)(at || in.follows ? (unsigned)in.x[(int_fast16_t)at - 1] * factor : 0u);
        value = (value >> 1) - (int_fast16_t)((mml2_product16((int16_t)(last >> 1), (uint16_t)in.emphasis) + 0x4000) >> 15);
    }
    if (!in.windowed) return value >> 1;
    if (place > in.length / 2u) place = (uint16_t)(in.length - place); /* the second half is the first, backwards */
#if defined(MML2_FFT16_AVR_)
    return mml2_avr_windowed((int16_t)value, in.window, 2u * place);
#else
    return (int_fast16_t)(((int32_t)value * (int16_t)MML2_FLASH_GET_U16(in.window, place) + 0x8000) >> 16);
#endif
}

/* Samples times the window, where the first pass wants them: of radix 2, sums and differences of two. */
static inline mml2_every_t mml2_fft16_load(mml2_samples_t in, mml2_int16_t *z, uint16_t size, uint8_t radix)
{
    const uint16_t quarter = (uint16_t)(size / (4u * radix)), around = (uint16_t)(2u * size - 1u);
    const mml2_int16_t *const end = z + 2u * size;
    mml2_every_t every = 0;
    uint16_t reversed = 0;
    for (;;) {
        /* The fourth of four counts as -1. */
        uint16_t start = (uint16_t)(reversed - ((reversed & reversed >> 1 & 0x5555u) << 2));
        uint8_t left = 4;
        for (; left; start = (uint16_t)(--left == 1u ? start - 3u * quarter : start + quarter)) {
            const uint16_t at = (uint16_t)(2u * start & around);
            mml2_c16_t a = mml2_c16(mml2_fft16_sample(in, at), mml2_fft16_sample(in, (uint16_t)(at + 1u)));
            if (radix == 2) {
                const uint16_t on = (uint16_t)((at + size) & around);
                const mml2_c16_t b = mml2_c16(mml2_fft16_sample(in, on), mml2_fft16_sample(in, (uint16_t)(on + 1u)));
                const mml2_c16_t difference = mml2_c16_sub(a, b);
                a = mml2_c16_add(a, b);
                mml2_c16_store(z + 2, difference);
                every = mml2_c16_every(every, difference);
            }
            mml2_c16_store(z, a);
            every = mml2_c16_every(every, a);
            z += 2u * radix;
        }
        if (z == end) return every;
        reversed = mml2_fft_next(reversed, quarter / 4u);
    }
}

#if !defined(MML2_FFT16_AVR_)
typedef struct {
    mml2_int16_t *z;
    mml2_every_t every;
} mml2_fft16_out_t;

static inline void mml2_fft16_store(mml2_fft16_out_t *out, uint16_t at, mml2_c32_t a)
{
    const mml2_c16_t rounded = mml2_c16_of(a);
    mml2_c16_store(out->z + 2u * at, rounded);
    out->every = mml2_c16_every(out->every, rounded);
}

/* Four numbers, `quarter` apart, of transforms of `quarter` numbers become those of one, where those behind
   the first were multiplied by their twiddles. */
static inline void mml2_fft16_combine(
    mml2_fft16_out_t *out, uint16_t quarter, mml2_c32_t z, mml2_c32_t a, mml2_c32_t b, mml2_c32_t c)
{
    const mml2_c32_t t0 = mml2_c32_add(z, b), t1 = mml2_c32_sub(z, b);
    const mml2_c32_t t2 = mml2_c32_add(a, c), t3 = mml2_c32_sub(a, c);
    mml2_fft16_store(out, 0, mml2_c32_add(t0, t2));
    mml2_fft16_store(out, (uint16_t)(2u * quarter), mml2_c32_sub(t0, t2));
    mml2_fft16_store(out, quarter, mml2_c32_minus_j(t1, t3));
    mml2_fft16_store(out, (uint16_t)(3u * quarter), mml2_c32_plus_j(t1, t3));
    out->z += 8u * quarter;
}

/* Butterflies of twiddles of 1, from out->z to the end. */
static inline void mml2_fft16_by_1(mml2_fft16_out_t *out, uint16_t quarter, uint8_t down, const mml2_int16_t *end)
{
    const int16_t one = (int16_t)(256 >> down);
    do {
        const mml2_int16_t *const at = out->z;
        const mml2_c32_t z = mml2_c16_scaled(mml2_c16_load(at), one, 128);
        const mml2_c32_t b = mml2_c16_scaled(mml2_c16_load(at + 4u * quarter), one, 0);
        const mml2_c32_t a = mml2_c16_scaled(mml2_c16_load(at + 2u * quarter), one, 0);
        const mml2_c32_t c = mml2_c16_scaled(mml2_c16_load(at + 6u * quarter), one, 0);
        mml2_fft16_combine(out, quarter, z, a, b, c);
    } while (out->z < end);
}
#endif

/* Element k shifted down, rounded to nearest. */
static inline int_fast16_t mml2_fft16_element(MML2_FLASH_AT(int16_t) wave, uint16_t k, uint8_t down)
{
    return (int_fast16_t)(((int32_t)(int16_t)MML2_FLASH_GET_U16(wave, k) + ((1 << down) >> 1)) >> down);
}

/* cos(pi k / size) and the sine, k up to half of the size, in Q15 shifted down. */
static inline mml2_c16_t mml2_fft16_twiddle(MML2_FLASH_AT(int16_t) wave, uint16_t k, uint16_t size, uint8_t down)
{
    return mml2_c16(mml2_fft16_element(wave, k, down), mml2_fft16_element(wave, (uint16_t)(size / 2u - k), down));
}

/* That times j, of k from there on. */
static inline mml2_c16_t mml2_fft16_turned(MML2_FLASH_AT(int16_t) wave, uint16_t k, uint16_t size, uint8_t down)
{
    return mml2_c16(-mml2_fft16_element(wave, (uint16_t)(size - k), down),
                    mml2_fft16_element(wave, (uint16_t)(k - size / 2u), down));
}

/* Where assembler has none, butterflies take so many registers that none should be another's. */
#if defined(MML2_FFT16_AVR_) || !defined(__GNUC__)
#define MML2_FFT16_PASS_ static inline
#else
#define MML2_FFT16_PASS_ static __attribute__((noinline, unused))
#endif

/* A pass of radix 4: numbers are shifted down by `down`, added up with 8 bits more, and rounded once. */
MML2_FFT16_PASS_ mml2_every_t mml2_fft16_pass(
    mml2_int16_t *z, uint16_t size, uint16_t quarter, uint8_t down, MML2_FLASH_AT(int16_t) wave)
{
    const uint16_t step = (uint16_t)(size / 2u / quarter);
    mml2_int16_t *const end = z + 2u * size;
    uint16_t k;
#if defined(MML2_FFT16_AVR_)
    mml2_avr_butterfly_t of;
    uint8_t every;
    of.one = (uint8_t)(128 >> down);
    of.by_1 = 1;
    of.w1.c = of.w2.c = of.one;
    of.turned = 0;
    of.end = end;
    every = mml2_avr_butterflies(z, quarter, &of);
    of.by_1 = 0;
    for (k = step, z += 2; k != size / 2u; z += 2, k = (uint16_t)(k + step)) {
        mml2_avr_twiddles(&of, wave, k, size);
        every = (uint8_t)(every | mml2_avr_butterflies(z, quarter, &of));
    }
    return (mml2_every_t)((uint16_t)every << 8);
#else
    mml2_fft16_out_t out;
    out.z = z;
    out.every = 0;
    mml2_fft16_by_1(&out, quarter, down, end);
    for (k = step, z += 2; k != size / 2u; z += 2, k = (uint16_t)(k + step)) {
        const uint8_t turned = 4u * k >= size;
        const mml2_c16_t w1 = mml2_fft16_twiddle(wave, k, size, down);
        const mml2_c16_t w2 = turned ? mml2_fft16_turned(wave, (uint16_t)(2u * k), size, down)
                                     : mml2_fft16_twiddle(wave, (uint16_t)(2u * k), size, down);
        out.z = z;
        do {
            const mml2_int16_t *const at = out.z;
            mml2_fft16_combine(&out, quarter, mml2_c16_scaled(mml2_c16_load(at), (int16_t)(256 >> down), 128),
                               mml2_c16_times(mml2_c16_load(at + 2u * quarter), w1, 0),
                               mml2_c16_times(mml2_c16_load(at + 4u * quarter), w2, turned ? 127 : 0),
                               mml2_c16_times_conj(mml2_c16_load(at + 6u * quarter), w1));
        } while (out.z < end);
    }
    return out.every;
#endif
}

/* The spectra of even and odd samples taken apart: twice the bins 0 to M in 2 M + 2 numbers, shifted down by 1 and,
   if `halved`, once more. */
static inline void mml2_fft16_apart(mml2_int16_t *z, uint16_t size, uint8_t halved, MML2_FLASH_AT(int16_t) wave)
{
    mml2_int16_t *low = z + 2, *high = z + 2u * size - 2;
    const int32_t re = z[0], im = z[1];
    uint16_t k;
    z[2u * size] = (int16_t)((re - im + halved) >> halved);
    z[2u * size + 1u] = 0;
    z[0] = (int16_t)((re + im + halved) >> halved);
    z[1] = 0;
    for (k = 1; low != high; ++k, low += 2, high -= 2) {
#if defined(MML2_FFT16_AVR_)
        mml2_avr_apart(low, high, halved, wave, (uint16_t)(2u * k), size);
#else
        const mml2_c16_t l = mml2_c16_load(low), h = mml2_c16_load(high);
        const mml2_c16_t sum = halved ? mml2_c16_half_add(l, h) : mml2_c16_add(l, h);
        const mml2_c16_t difference = halved ? mml2_c16_half_sub(l, h) : mml2_c16_sub(l, h);
        const mml2_c32_t even = mml2_c16_scaled(mml2_c16_re_im(sum, difference), 128, 128);
        const mml2_c32_t odd =
            mml2_c16_half_times(mml2_c16_re_im(difference, sum), mml2_fft16_twiddle(wave, k, size, 0));
        mml2_c16_store(low, mml2_c16_of(mml2_c32_minus_j(even, odd)));
        mml2_c16_store(high, mml2_c16_of(mml2_c32(even.re - odd.im, 256 - even.im - odd.re)));
#endif
    }
    low[0] = (int16_t)((low[0] + halved) >> halved);
    low[1] = (int16_t)-((low[1] + halved) >> halved);
}

/* Bins 0 to N / 2 of N = 2 * size samples: real and imaginary parts in z[0] to z[N + 1], of magnitudes below 23200,
   and by how much they were shifted down in all.

   wave: cos(2 pi k / N) in Q15, k = 0 to N / 4. Input Q0 of samples, up to in.up more bits. Sums of a pass have 8 bits below
   those of the numbers. Radix is that before the passes of radix 4: 1 or 2. */
static inline uint8_t mml2_fft16(
    mml2_samples_t in, mml2_int16_t *z, uint16_t size, uint8_t radix, MML2_FLASH_AT(int16_t) wave)
{
    uint8_t down = mml2_fft16_excess(mml2_fft16_load(in, z, size, radix)), all = 0;
    uint16_t quarter = radix;
    do {
        all = (uint8_t)(all + down);
        down = mml2_fft16_excess(mml2_fft16_pass(z, size, quarter, down, wave));
        if (down > 2u) down = 2; /* which is enough: see the twin */
        quarter = (uint16_t)(4u * quarter);
    } while (quarter < size);
    if (!down) down = 1;
    mml2_fft16_apart(z, size, (uint8_t)(down - 1u), wave);
    return (uint8_t)(all + down);
}
#endif
