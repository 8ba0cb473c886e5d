/* Spectra as large as their integers go, and what they are made into: micromlgen/features/_frames.py. */
#include "bins.h"
#include "fft32.h"
#ifndef MICROMLGEN_SPECTRAL_2
#define MICROMLGEN_SPECTRAL_2
/* Shifts n bins up so that the largest real or imaginary part has 29 bits, if none has more; returns by how much. */
static inline uint8_t mml2_bins_raised(int32_t *z, uint16_t n)
{
    int32_t *const end = z + 2u * n;
    int32_t *at;
    uint32_t every = 0;
    uint8_t bits, up;
    for (at = z; at != end; ++at) every |= (uint32_t)(*at < 0 ? ~*at : *at);
    bits = mml2_bit_length(every);
    up = (uint8_t)(every && bits < 29u ? 29u - bits : 0u);
    for (at = z; at != end; ++at) *at *= (int32_t)1 << up;
    return up;
}

/* Replaces bins by their powers, Q-30: n numbers at z. */
static inline void mml2_bins_powers(int32_t *z, uint16_t n)
{
    uint16_t k;
    for (k = 0; k < n; ++k) z[k] = mml2_bin_power(z[2u * k], z[2u * k + 1u]);
}

/* Power of both sides from bin `first` on to before `end`, of the powers of bins 0 to `last`. */
static inline uint64_t mml2_bins_band(const int32_t *p, uint16_t first, uint16_t end, uint16_t last)
{
    uint64_t sum = 0;
    uint16_t k;
    for (k = first; k < end; ++k) sum += (uint32_t)p[k];
    sum *= 2u;
    if (!first) sum -= (uint32_t)p[0];
    if (end > last) sum -= (uint32_t)p[last];
    return sum;
}
#endif
