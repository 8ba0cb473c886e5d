#include "log2.h"
#ifndef MICROMLGEN_ROOT_2
#define MICROMLGEN_ROOT_2
/* Square root of v, rounded down. Where division is an instruction by Newton's method from above, whose error is at most 1,
   2^-2, 2^-5, 2^-11 and 2^-24 of the root in turn; else digit by digit, as on paper. */
static inline uint16_t mml2_root(uint32_t v)
{
#if defined(__ARM_FEATURE_IDIV)
    const uint32_t odd = v | 1u; /* not 0 */
    uint32_t root = (uint32_t)1 << ((mml2_bit_length(odd) + 1u) / 2u);
    root = (root + odd / root) / 2u;
    root = (root + odd / root) / 2u;
    root = (root + odd / root) / 2u;
    root = (root + odd / root) / 2u;
    return (uint16_t)(root - (v / root < root));
#else
    uint32_t root = 0, digit = 0x40000000uL;
    while (digit > v) digit >>= 2;
    for (; digit; digit >>= 2) {
        const uint32_t tried = root + digit;
        root >>= 1;
        if (v >= tried) {
            v -= tried;
            root += digit;
        }
    }
    return (uint16_t)root;
#endif
}
#endif
