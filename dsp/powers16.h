#include "bins16.h"
#ifndef MICROMLGEN_POWERS16_2
#define MICROMLGEN_POWERS16_2
/* Powers of n bins, or twice their magnitudes, at p, which may be where their mantissas z are: micromlgen/features/_frames.py. */
static inline void mml2_powers16(const mml2_int16_t *z, uint32_t *p, uint16_t n, uint8_t magnitude)
{
    for (; n; --n, z += 2) {
        const uint32_t square = mml2_bins16_square(z);
        *p++ = magnitude ? mml2_root(square << 2) : square;
    }
}
#endif
