/* Logarithms of the energies of triangular filters on mantissas that share an exponent: micromlgen/features/mel16.py. */
#include "addresses.h"
#include "bins16.h"
#ifndef MICROMLGEN_MEL16_2
#define MICROMLGEN_MEL16_2
/* Power of a bin, shifted down and rounded to nearest, or twice its magnitude. */
static inline uint32_t mml2_mel16_bin(const mml2_int16_t *z, uint8_t magnitude, uint8_t down)
{
    const uint32_t square = mml2_bins16_square(z);
    if (magnitude) return mml2_root(square << 2);
    return down ? (square + ((uint32_t)1 << (down - 1))) >> down : square;
}

/* p * w / 2^16, rounded down. */
static inline uint32_t mml2_mel16_part(uint32_t p, uint16_t w)
{
#if defined(MML2_AVR_MUL_)
    return mml2_avr_high(p, w);
#elif defined(__AVR__) || (defined(__thumb__) && !defined(__thumb2__))
    return (p >> 16) * w + ((p & 0xffffu) * w >> 16);
#else
    return (uint32_t)((uint64_t)p * w >> 16);
#endif
}

/* log2 of an energy in Q11, plus a constant, in Q9; `lowest` of what is less. */
static inline int16_t mml2_mel16_log(uint32_t energy, int32_t plus, int16_t lowest, MML2_FLASH_AT(uint16_t) log2)
{
    int32_t log;
    if (!energy) return lowest;
    log = (plus + (int32_t)mml2_log2(energy, log2) + 2) >> 2;
    return log < lowest ? lowest : (int16_t)log;
}

/* The energies of n filters from the bins at z on, as `mml2_mel16_log` of each, plus `factors` if there are some.

   counts: how many bins lie between a filter's corner and the next, n + 1 of them. weights: of each bin, Q16: how
   far it is between the two; that is its part in the filter that rises there, and the rest is the part in the one
   before, which falls. `down` is such that sums fit 32 bits. */
static inline void mml2_mel16(
    const mml2_int16_t *z, int16_t *log, uint8_t n, uint8_t magnitude, uint8_t down, int32_t plus, int16_t lowest,
    MML2_FLASH_AT(uint16_t) counts, MML2_FLASH_AT(uint16_t) weights, MML2_FLASH_AT(uint16_t) log2,
    MML2_FLASH_AT(int16_t) factors, uint8_t with_factors)
{
    uint32_t before = 0;
    uint_fast16_t bin = 0, s;
    for (s = 0; s <= n; ++s) {
        uint32_t all = 0, rising = 0;
        const uint_fast16_t end = bin + MML2_FLASH_GET_U16(counts, s);
        for (; bin != end; ++bin, z += 2) {
            const uint32_t p = mml2_mel16_bin(z, magnitude, down);
            all += p;
            rising += mml2_mel16_part(p, MML2_FLASH_GET_U16(weights, bin));
        }
        if (s) {
            const int32_t own = with_factors ? (int16_t)MML2_FLASH_GET_U16(factors, s - 1u) : 0;
            log[s - 1u] = mml2_mel16_log(before + all - rising, plus + own, lowest, log2);
        }
        before = rising;
    }
}

/* The sum over n bins, likewise. */
static inline int16_t mml2_mel16_energy(
    const mml2_int16_t *z, uint16_t n, uint8_t magnitude, uint8_t down, int32_t plus, int16_t lowest,
    MML2_FLASH_AT(uint16_t) log2)
{
    const mml2_int16_t *const end = z + 2u * n;
    uint32_t all = 0;
    for (; z != end; z += 2) all += mml2_mel16_bin(z, magnitude, down);
    return mml2_mel16_log(all, plus, lowest, log2);
}
#endif
