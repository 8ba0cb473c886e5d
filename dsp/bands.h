/* Powers of bands of a spectrum: micromlgen/features/bandpower.py. */
#include "flash.h"
#ifndef MICROMLGEN_BANDS_2
#define MICROMLGEN_BANDS_2
/* Power of both sides from bin `first` on to before `end`, of the powers of bins 0 to `last`, below 2^31. */
static inline uint64_t mml2_bins_band(const uint32_t *p, uint16_t first, uint16_t end, uint16_t last)
{
    uint64_t sum = 0;
    uint16_t k;
    for (k = first; k < end; ++k) sum += p[k];
    sum *= 2u;
    if (!first) sum -= p[0];
    if (end > last) sum -= p[last];
    return sum;
}
#endif
