#ifndef MICROMLGEN_ROOT_2
#define MICROMLGEN_ROOT_2
/* Square root of v, rounded down: digit by digit, as on paper. */
static inline uint16_t mml2_root(uint32_t v)
{
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
}
#endif
