/* Logarithms of the energies of triangular filters, from the powers or magnitudes of bins: micromlgen/features/_logmel.py. */
#include "addresses.h"
#include "apart.h"
#include "half.h"
#include "log2.h"
#ifndef MICROMLGEN_MEL_2
#define MICROMLGEN_MEL_2
/* log2 of an energy in Q11, plus a constant, in Q9; `lowest` of what is less. */
static inline int16_t mml2_mel_log(uint32_t energy, int32_t plus, int16_t lowest, MML2_FLASH_AT(uint16_t) log2)
{
    int32_t log;
    if (!energy) return lowest;
    log = (plus + (int32_t)mml2_log2(energy, log2) + 2) >> 2;
    return log < lowest ? lowest : (int16_t)log;
}


/* What is added to energies: mantissa * 2^exponent; a mantissa of 0 is nothing. */
typedef struct {
    uint16_t mantissa;
    int16_t exponent;
} mml2_mel_offset_t;

/* An energy below 2^31 that was shifted down by `down`, plus the offset, which moves it further down where it is far below. */
static inline uint32_t mml2_mel_with(uint32_t energy, mml2_mel_offset_t offset, uint8_t *down)
{
    const int16_t place = (int16_t)(offset.exponent - *down);
    if (!offset.mantissa || !energy || place < -16) return energy;
    if (place <= 0) return energy + ((uint32_t)offset.mantissa >> -place);
    if (place <= 15) return energy + ((uint32_t)offset.mantissa << place);
    *down = (uint8_t)(*down + place - 15);
    return (place < 15 + 32 ? energy >> (place - 15) : 0u) + ((uint32_t)offset.mantissa << 15);
}

/* The energies of n filters from the bins at p on, each below 2^31, as `mml2_mel_log` of each, plus `factors` if there are some.

   counts: how many bins lie between a filter's corner and the next, n + 1 of them. weights: of each bin, Q15: how
   far it is between the two; half of that is its part in the filter that rises there, rounded down, and the rest is the
   part in the one before, which falls. Sums are halved where they reach 2^31, and the bins behind with them. */
MML2_APART_ void mml2_mel(
    const uint32_t *p, int16_t *log, uint8_t n, int32_t plus, int16_t lowest, mml2_mel_offset_t offset,
    MML2_FLASH_AT(uint16_t) counts,
    MML2_FLASH_AT(int16_t) weights, MML2_FLASH_AT(uint16_t) log2, MML2_FLASH_AT(int16_t) factors, uint8_t with_factors)
{
    uint32_t before = 0;
    uint8_t down_before = 0, s;
    uint_fast16_t bin = 0;
    for (s = 0;; ++s) {
        uint32_t all = 0, rising = 0;
        uint8_t down = 0;
        const uint_fast16_t end = bin + MML2_FLASH_GET_U16(counts, s);
        for (; bin != end; ++bin) {
            const uint32_t value = *p++ >> down;
            rising += mml2_half_of(value, (uint16_t)MML2_FLASH_GET_U16(weights, bin));
            all += value;
            if (all >> 31) {
                all >>= 1;
                rising >>= 1;
                ++down;
            }
        }
        if (s) {
            const int32_t own = with_factors ? (int16_t)MML2_FLASH_GET_U16(factors, s - 1u) : 0;
            uint32_t falling = (all >> 1) - rising;
            uint8_t most = down;
            if (down < down_before) {
                most = down_before;
                falling >>= most - down;
            } else {
                before >>= down - down_before;
            }
            before = mml2_mel_with(before + falling, offset, &most);
            *log++ = mml2_mel_log(before, plus + own + (int32_t)most * 2048, lowest, log2);
        }
        if (s == n) break;
        before = rising;
        down_before = down;
    }
}

/* The sum over n bins, likewise. */
static inline int16_t mml2_mel_energy(
    const uint32_t *p, uint16_t n, int32_t plus, int16_t lowest, mml2_mel_offset_t offset, MML2_FLASH_AT(uint16_t) log2)
{
    const uint32_t *const end = p + n;
    uint32_t all = 0;
    uint8_t down = 10;
    for (; p != end; ++p) all += *p >> 11;
    all = mml2_mel_with(all, offset, &down);
    return mml2_mel_log(all, plus + (int32_t)down * 2048, lowest, log2);
}

/* Nothing of n logarithms is further below the highest than `range`. */
static inline void mml2_mel_limit(int16_t *log, uint16_t n, int32_t range)
{
    int_fast16_t highest = log[0], lowest = highest;
    uint_fast16_t i;
    for (i = 1; i < n; ++i) {
        const int_fast16_t value = log[i];
        if (value > highest) highest = value;
        if (value < lowest) lowest = value;
    }
    if ((int32_t)highest - (int32_t)lowest <= range) return;
    for (i = 0; i < n; ++i) {
        if (log[i] < (int32_t)highest - range) log[i] = (int16_t)((int32_t)highest - range);
    }
}

/* What logarithms of n frames, m at the beginning of each `stride` numbers, are at least: `range` below the highest. */
static inline int16_t mml2_mel_lowest(const int16_t *log, uint16_t n, uint16_t stride, uint8_t m, int32_t range)
{
    int_fast16_t highest = *log;
    int32_t lowest;
    for (; n; --n, log += stride) {
        uint_fast8_t i;
        for (i = 0; i < m; ++i) highest = log[i] > highest ? log[i] : highest;
    }
    lowest = (int32_t)highest - range;
    return lowest < -32768 ? -32767 - 1 : (int16_t)lowest;
}

/* n logarithms, or `lowest` for those below, at y. */
static inline void mml2_mel_raised(const int16_t *log, int16_t *y, uint16_t n, int16_t lowest)
{
    for (; n; --n, ++log) *y++ = *log < lowest ? lowest : *log;
}
#endif
