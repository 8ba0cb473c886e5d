/* Logarithms of the energies of triangular filters on a spectrum: micromlgen/features/mel.py. */
#include "addresses.h"
#include "bins.h"
#include "log2.h"
#ifndef MICROMLGEN_MEL_2
#define MICROMLGEN_MEL_2
/* By how much the real and imaginary parts of n bins can be shifted up to have no more bits than `most`. */
static inline uint8_t mml2_mel_headroom(const int32_t *z, uint16_t n, uint8_t most)
{
    const int32_t *const end = z + 2u * n;
    uint32_t every = 0;
    uint8_t bits;
    for (; z != end; ++z) every |= (uint32_t)(*z < 0 ? ~*z : *z);
    bits = mml2_bit_length(every);
    return (uint8_t)(every && bits < most ? most - bits : 0);
}

/* Power of a bin in Q-30, or its magnitude, of parts shifted up by `headroom`; below 2^31. */
static inline uint32_t mml2_mel_bin(const int32_t *z, uint8_t headroom, uint8_t magnitude)
{
    if (magnitude) return (uint32_t)mml2_bin_magnitude(z[0] * ((int32_t)1 << headroom), z[1] * ((int32_t)1 << headroom));
    return mml2_square30(mml2_magnitude32(z[0]) << headroom) + mml2_square30(mml2_magnitude32(z[1]) << headroom);
}

/* log2 of an energy below 2^44 in Q11, plus a constant, in Q9; `lowest` of what is less. */
static inline int16_t mml2_mel_log(uint64_t energy, int32_t plus, int16_t lowest, MML2_FLASH_AT(uint16_t) log2)
{
    uint32_t top = (uint32_t)energy;
    int32_t log;
    if (energy >> 32) {
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
   before, which falls. Sums Q-30 in 64 bits, products rounded down. */
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
            rising += (p >> 15) * w + ((p & 0x7fffu) * w >> 15);
        }
        if (s) {
            const int32_t own = with_factors ? (int16_t)MML2_FLASH_GET_U16(factors, s - 1u) : 0;
            log[s - 1u] = mml2_mel_log(before + (all - rising), plus + own, lowest, log2);
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
    return mml2_mel_log(all, plus - (int32_t)headroom * (magnitude ? 2048 : 4096), lowest, log2);
}

/* Nothing of n logarithms is further below the highest than `range`. */
static inline void mml2_mel_limit(int16_t *log, uint16_t n, int32_t range)
{
    int16_t highest = log[0];
    uint_fast16_t i;
    for (i = 1; i < n; ++i) {
        if (log[i] > highest) highest = log[i];
    }
    for (i = 0; i < n; ++i) {
        if (log[i] < highest - range) log[i] = (int16_t)(highest - range);
    }
}
#endif
