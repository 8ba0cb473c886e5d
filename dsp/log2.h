#include "addresses.h"
#ifndef MICROMLGEN_LOG2_2
#define MICROMLGEN_LOG2_2
/* Bits of v. */
static inline uint8_t mml2_bit_length(uint32_t v)
{
#if defined(__GNUC__) && (defined(__thumb2__) || defined(__x86_64__))
    return (uint8_t)(v ? 32 - __builtin_clzl(v) + (int)(8 * (sizeof(long) - 4)) : 0);
#else
    uint8_t bits = 0;
#if defined(__AVR__) /* where bytes move, and shifts by many are loops */
    for (; v >> 8; v >>= 8) bits = (uint8_t)(bits + 8u);
    for (; v >> 1; v >>= 1) ++bits;
#else
    if (v >> 16) v >>= 16, bits = 16;
    if (v >> 8) v >>= 8, bits = (uint8_t)(bits + 8u);
    if (v >> 4) v >>= 4, bits = (uint8_t)(bits + 4u);
    if (v >> 2) v >>= 2, bits = (uint8_t)(bits + 2u);
    if (v >> 1) v >>= 1, ++bits;
#endif
    return (uint8_t)(bits + v);
#endif
}

/* log2(v) in Q11, from 0 to 2^16, rounded to nearest, within 1.5 steps; 0 of 0. By lines between the 33 entries of the table,
   log2(1 + i / 32) in Q16. */
static inline uint32_t mml2_log2(uint32_t v, MML2_FLASH_AT(uint16_t) table)
{
#if defined(__AVR__)
    uint8_t at, exponent = 31;
    uint16_t rest;
    v |= (uint32_t)!v;
    for (; !(v >> 24); v <<= 8) exponent = (uint8_t)(exponent - 8u);
    for (; !(v >> 31); v <<= 1) --exponent;
    at = (uint8_t)(v >> 24) >> 2 & 31u;
    rest = ((uint16_t)(v >> 16) << 1 | (uint8_t)(v >> 8) >> 7) & 0x7ffu;
#else
#if defined(__thumb__) && !defined(__thumb2__) /* which has no clz */
    uint_fast8_t exponent = 31;
    uint32_t fraction = v | (uint32_t)!v;
    if (!(fraction >> 16)) fraction <<= 16, exponent -= 16u;
    if (!(fraction >> 24)) fraction <<= 8, exponent -= 8u;
    if (!(fraction >> 28)) fraction <<= 4, exponent -= 4u;
    if (!(fraction >> 30)) fraction <<= 2, exponent -= 2u;
    if (!(fraction >> 31)) fraction <<= 1, exponent -= 1u;
#else
    const uint8_t exponent = (uint8_t)(mml2_bit_length(v | 1u) - 1u);
    const uint32_t fraction = (v | (uint32_t)!v) << (31 - exponent);
#endif
    const uint8_t at = (uint8_t)(fraction << 1 >> 27);
    const uint16_t rest = (uint16_t)(fraction >> 15 & 0x7ffu);
#endif
    const uint16_t low = (uint16_t)MML2_FLASH_GET_U16(table, at), high = (uint16_t)MML2_FLASH_GET_U16(table, at + 1u);
    const uint32_t mantissa = low + ((uint32_t)(uint16_t)(high - low) * rest >> 11);
    return ((uint32_t)exponent << 11) + ((mantissa + 16u) >> 5);
}
#endif
