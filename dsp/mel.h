/* Logarithms of the energies of triangular filters on a spectrum: micromlgen/features/mel.py. */
#include "addresses.h"
#include "bins.h"
#include "fft32.h"
#include "log2.h"
#ifndef MICROMLGEN_MEL_2
#define MICROMLGEN_MEL_2
/* By how much the real and imaginary parts of n bins can be shifted up to have no more bits than `most`. */
static inline uint8_t mml2_mel_headroom(const int32_t *z, uint16_t n, uint8_t most)
{
    const int32_t *const end = z + 2u * n;
    uint32_t every = 0;
    uint8_t bits;
    for (; z != end; z += 2) {
        const int32_t re = z[0], im = z[1];
        every |= (uint32_t)(re < 0 ? ~re : re) | (uint32_t)(im < 0 ? ~im : im);
    }
    bits = mml2_bit_length(every);
    return (uint8_t)(every && bits < most ? most - bits : 0);
}

/* sum + a^2 / 2^32, rounded to nearest, for |a| <= 2^30. */
static inline uint32_t mml2_mel_square(uint32_t sum, int32_t a)
{
#if defined(MML2_FFT32_DSP_)
    uint32_t out;
    __asm__("smmlar %0, %1, %1, %2" : "=r"(out) : "r"(a), "r"(sum));
    return out;
#elif defined(__AVR__) || (defined(__thumb__) && !defined(__thumb2__))
    const int32_t high = a >> 16;
    const uint32_t low = (uint16_t)a;
    /* 2 * 16383 * 65535 + 65534 + 32768 is below 2^31. */
    const int32_t rest = 2 * (high * (int32_t)low) + (int32_t)(low * low >> 16) + 0x8000L;
    return sum + (uint32_t)(high * high + (rest >> 16));
#else
    return sum + (uint32_t)(((int64_t)a * a + 0x80000000LL) >> 32);
#endif
}

/* Power of a bin in Q-32, or its magnitude, of parts shifted up by `headroom`; at most 2^31. */
static inline uint32_t mml2_mel_bin(const int32_t *z, uint8_t headroom, uint8_t magnitude)
{
    const int32_t re = z[0] * ((int32_t)1 << headroom), im = z[1] * ((int32_t)1 << headroom);
    return magnitude ? (uint32_t)mml2_bin_magnitude(re, im) : mml2_mel_square(mml2_mel_square(0, re), im);
}

/* log2 of an energy below 2^56 in Q11, plus a constant, in Q9; `lowest` of what is less. */
static inline int16_t mml2_mel_log(uint64_t energy, int32_t plus, int16_t lowest, MML2_FLASH_AT(uint16_t) log2)
{
    uint32_t top = (uint32_t)energy;
    int32_t log;
    if (energy >> 44) {
        top = (uint32_t)(energy >> 24);
        plus += 24 * 2048L;
    } else if (energy >> 32) {
        top = (uint32_t)(energy >> 12);
        plus += 12 * 2048L;
    }
    if (!top) return lowest;
    log = (plus + (int32_t)mml2_log2(top, log2) + 2) >> 2;
    return log < lowest ? lowest : (int16_t)log;
}

/* The energies of n filters from the bins at z on, as `mml2_mel_log` of each, plus `factors` if there are some.

   counts: how many bins lie between a filter's corner and the next, n + 1 of them. weights: of each bin, Q15: how
   far it is between the two; that is its part in the filter that rises there, and the rest is the part in the one
   before, which falls. Sums in Q15, exact in 64 bits. */
static inline void mml2_mel(
    const int32_t *z, int16_t *log, uint8_t n, uint8_t headroom, uint8_t magnitude, int32_t plus, int16_t lowest,
    MML2_FLASH_AT(uint16_t) counts, MML2_FLASH_AT(uint16_t) weights, MML2_FLASH_AT(uint16_t) log2,
    MML2_FLASH_AT(int16_t) factors, uint8_t with_factors)
{
    uint64_t before = 0;
    uint_fast16_t bin = 0, s;
    plus -= (int32_t)headroom * (magnitude ? 2048 : 4096);
    for (s = 0; s <= n; ++s) {
        uint64_t all = 0, rising = 0;
        const uint_fast16_t end = bin + MML2_FLASH_GET_U16(counts, s);
        for (; bin != end; ++bin, z += 2) {
            const uint32_t p = mml2_mel_bin(z, headroom, magnitude);
            const uint32_t w = MML2_FLASH_GET_U16(weights, bin);
            all += p;
#if defined(__AVR__) || (defined(__thumb__) && !defined(__thumb2__))
            rising += (uint64_t)((p >> 16) * w) << 16;
            rising += (uint32_t)(uint16_t)p * w;
#else
            rising += (uint64_t)p * w;
#endif
        }
        if (s) {
            const int32_t own = with_factors ? (int16_t)MML2_FLASH_GET_U16(factors, s - 1u) : 0;
            log[s - 1u] = mml2_mel_log(before + (all << 15) - rising, plus + own, lowest, log2);
        }
        before = rising;
    }
}

/* The sum over n bins, likewise. */
static inline int16_t mml2_mel_energy(
    const int32_t *z, uint16_t n, uint8_t headroom, uint8_t magnitude, int32_t plus, int16_t lowest,
    MML2_FLASH_AT(uint16_t) log2)
{
    const int32_t *const end = z + 2u * n;
    uint64_t all = 0;
    for (; z != end; z += 2) all += mml2_mel_bin(z, headroom, magnitude);
    return mml2_mel_log(all << 15, plus - (int32_t)headroom * (magnitude ? 2048 : 4096), lowest, log2);
}
#endif
