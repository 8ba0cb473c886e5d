/* Logarithms of the energies of triangular filters, from the powers or magnitudes of bins: micromlgen/features/logmel.py. */
#include "addresses.h"
#include "apart.h"
#include "half.h"
#include "log2.h"
#include "mel_thumb.h"
#include "powers32.h"
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

/* The sum of bins between two corners, and of the halves of what they have in the filter that rises there, rounded down;
   both times 2^down are in the unit of bins. */
typedef struct {
    uint32_t every, rising;
    int_fast16_t down;
} mml2_mel_sums_t;

/* Sums of n numbers. They are halved where they reach 2^31, and the numbers behind with them. */
static inline mml2_mel_sums_t mml2_mel_of_numbers(
    const uint32_t *p, uint_fast16_t n, MML2_FLASH_AT(int16_t) weights)
{
    uint32_t every = 0, rising = 0;
    uint8_t down = 0;
    uint_fast16_t i;
    mml2_mel_sums_t out;
    for (i = 0; i != n; ++i) {
        const uint32_t value = *p++ >> down;
        rising += mml2_half_of(value, (uint16_t)MML2_FLASH_GET_U16(weights, i));
        every += value;
        if (every >> 31) {
            every >>= 1;
            rising >>= 1;
            ++down;
        }
    }
    out.every = every;
    out.rising = rising;
    out.down = down;
    return out;
}

/* Sums of the powers in Q-32 of n bins at z, whose parts are shifted up as far as all of them allow, to `bits`. */
static inline mml2_mel_sums_t mml2_mel_of_parts(
    const int32_t *z, uint_fast16_t n, uint8_t bits, uint8_t down, MML2_FLASH_AT(int16_t) weights)
{
    const int32_t *at = z, *const end = z + 2u * n;
    uint32_t all = 0, every = 0, rising = 0;
    uint_fast16_t up;
    uint_fast16_t i;
    mml2_mel_sums_t out;
#if defined(MML2_AVR_MUL_)
    all = mml2_avr_bits(at, end);
#else
    if (n & 1u) all = mml2_parts_bits(mml2_next_parts(&at));
    while (at != end) {
        all |= mml2_parts_bits(mml2_next_parts(&at));
        all |= mml2_parts_bits(mml2_next_parts(&at));
    }
#endif
    up = mml2_bit_length(all);
    up = up < bits ? bits - up : 0u;
#if defined(MML2_THUMB_)
    if (n && !down) {
        every = mml2_thumb_powers(z, end, up, weights, &rising);
        n = 0;
    }
#endif
    for (i = 0; i != n; ++i) {
#if defined(MML2_AVR_MUL_)
        const uint32_t value = mml2_avr_power(z, (uint8_t)(1u << (up & 7u)), (uint8_t)(up / 8u)) >> down;
        z += 2;
#else
        const uint32_t value = mml2_power_of_parts(mml2_next_parts(&z), (uint8_t)up) >> down;
#endif
        rising += mml2_half_of(value, (uint16_t)MML2_FLASH_GET_U16(weights, i));
        every += value;
    }
    out.every = every;
    out.rising = rising;
    out.down = (int_fast16_t)down - 2 * (int_fast16_t)up;
    return out;
}

/* a / 2^by, rounded down. */
static inline uint32_t mml2_mel_down(uint32_t a, int_fast16_t by)
{
    return by < 32 ? a >> by : 0;
}

/* That of a filter, from tables, with the exponent of another. */
static inline mml2_mel_offset_t mml2_mel_offset_of(
    mml2_mel_offset_t offset, MML2_FLASH_AT(uint16_t) mantissas, MML2_FLASH_AT(int16_t) exponents, uint8_t filter)
{
    offset.mantissa = (uint16_t)MML2_FLASH_GET_U16(mantissas, filter);
    offset.exponent = (int16_t)(offset.exponent + (int16_t)MML2_FLASH_GET_U16(exponents, filter));
    return offset;
}

/* An energy below 2^31 that was shifted down by `down`, plus the offset, which moves it further down where it is far below. */
static inline uint32_t mml2_mel_with(uint32_t energy, mml2_mel_offset_t offset, int_fast16_t *down)
{
    const int_fast16_t place = offset.exponent - *down;
    if (!offset.mantissa || !energy || place < -16) return energy;
    if (place <= 0) return energy + ((uint32_t)offset.mantissa >> -place);
    if (place <= 15) return energy + ((uint32_t)offset.mantissa << place);
    *down += place - 15;
    return mml2_mel_down(energy, place - 15) + ((uint32_t)offset.mantissa << 15);
}

/* The energies of n filters, as `mml2_mel_log` of each plus its factor. Returns the log of that of all bins if that is wanted.

   p: numbers below 2^31; or if `in_parts`, the parts of a spectrum, which may be shifted up to `bits`, and whose powers are
   shifted down by `more_down` besides. counts: how many bins lie between a filter's corner and the next, n + 1 of them; if the
   energy of all is wanted, those before the first and behind the last too. weights: of each bin of these, Q15: how far it is
   between the two; that is its part in the filter that rises there, and the rest is the part in the one before, which falls.
   factors: log2 of each filter's, Q11. Where they have some, offsets are in tables for n + 1, the last that of the energy of
   all, and `offset` is what is added to their exponents. */
MML2_APART_ int16_t mml2_mel(
    const uint32_t *p, uint8_t in_parts, uint8_t bits, uint8_t more_down, int16_t *log, uint8_t n, int32_t plus, int16_t lowest,
    mml2_mel_offset_t offset, MML2_FLASH_AT(uint16_t) counts, MML2_FLASH_AT(int16_t) weights, MML2_FLASH_AT(uint16_t) log2,
    MML2_FLASH_AT(int16_t) factors, uint8_t with_factors, MML2_FLASH_AT(uint16_t) mantissas, MML2_FLASH_AT(int16_t) exponents,
    uint8_t with_offsets, uint8_t with_energy)
{
    uint32_t before = 0, whole = 0;
    int_fast16_t down_before = 0, down_whole = -128;
    const uint8_t first = with_energy, last = (uint8_t)(n + 2u * with_energy), shift = mml2_bit_length(last);
    uint_fast8_t s;
    for (s = 0;; ++s) {
        const uint16_t count = (uint16_t)MML2_FLASH_GET_U16(counts, s);
        const mml2_mel_sums_t own = in_parts ? mml2_mel_of_parts((const int32_t *)p, count, bits, more_down, weights)
                                             : mml2_mel_of_numbers(p, count, weights);
        p += in_parts ? 2u * count : count;
        weights = MML2_FLASH_SKIP(int16_t, weights, count);
        if (with_energy) {
            if (own.down > down_whole) {
                whole = mml2_mel_down(whole, own.down - down_whole);
                down_whole = own.down;
            }
            whole += mml2_mel_down(own.every >> shift, down_whole - own.down);
        }
        if (s > first && s <= first + n) {
            const uint8_t f = (uint8_t)(s - first - 1);
            const int32_t factor = with_factors ? (int16_t)MML2_FLASH_GET_U16(factors, f) : 0;
            uint32_t falling = (own.every >> 1) - own.rising;
            int_fast16_t down = own.down;
            if (down < down_before) {
                falling = mml2_mel_down(falling, down_before - down);
                down = down_before;
            } else {
                before = mml2_mel_down(before, down - down_before);
            }
            before = mml2_mel_with(before + falling, with_offsets ? mml2_mel_offset_of(offset, mantissas, exponents, f) : offset, &down);
            *log++ = mml2_mel_log(before, plus + factor + (int32_t)down * 2048, lowest, log2);
        }
        if (s == last) break;
        before = own.rising;
        down_before = own.down;
    }
    if (!with_energy) return 0;
    down_whole += shift - 1;
    whole = mml2_mel_with(whole, with_offsets ? mml2_mel_offset_of(offset, mantissas, exponents, n) : offset, &down_whole);
    return mml2_mel_log(whole, plus + (int32_t)down_whole * 2048, lowest, log2);
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
