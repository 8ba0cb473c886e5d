/* lx106_rom.c - the arithmetic that an ESP8266 has in its ROM, where it costs no flash.
 *
 * The compiler's library leaves these routines out for that reason; the names are those of the ROM (its addresses
 * are in eagle.rom.addr.v6.ld of the ESP8266's Arduino core). Results are those of IEEE 754, rounded to nearest
 * even; the ROM's own instructions are not public, so that their number here is an estimate.
 *
 * Each routine has a section of its own, so that only those in use are linked. None uses a 64-bit shift by a
 * variable or a 64-bit product, which the compiler would look for in the library, and so in flash.
 */
#include <stdint.h>

#define ROM(name) __attribute__((section(".rom." #name)))
#define HELPER static inline __attribute__((always_inline))

#define LOW(x) ((uint32_t)(x))
#define HIGH(x) ((uint32_t)((x) >> 32))
#define PAIR(high, low) ((uint64_t)(high) << 32 | (low))

HELPER uint64_t left(uint64_t x, unsigned n)
{
    if (n >= 32) {
        return PAIR(LOW(x) << (n - 32), 0u);
    }
    return n ? PAIR(HIGH(x) << n | LOW(x) >> (32 - n), LOW(x) << n) : x;
}

HELPER uint64_t right(uint64_t x, unsigned n)
{
    if (n >= 32) {
        return HIGH(x) >> (n - 32);
    }
    return n ? PAIR(HIGH(x) >> n, LOW(x) >> n | HIGH(x) << (32 - n)) : x;
}

/* The processor multiplies 32 bits to the lower 32 only. */
HELPER uint64_t product(uint32_t a, uint32_t b)
{
    const uint32_t al = a & 0xFFFFu, ah = a >> 16, bl = b & 0xFFFFu, bh = b >> 16;
    const uint32_t low = al * bl, first = ah * bl + (low >> 16), second = al * bh + (first & 0xFFFFu);
    return PAIR(ah * bh + (first >> 16) + (second >> 16), second << 16 | (low & 0xFFFFu));
}

/* Remainder in *rest. A division by zero ends, too: its divisor never grows, the bit leaves. */
HELPER uint32_t divide(uint32_t a, uint32_t b, uint32_t *rest)
{
    uint32_t quotient = 0, bit = 1;

    while (b < a && !(b >> 31) && bit) {
        b <<= 1;
        bit <<= 1;
    }
    for (; bit; bit >>= 1, b >>= 1) {
        if (a >= b) {
            a -= b;
            quotient |= bit;
        }
    }
    *rest = a;
    return quotient;
}

HELPER uint64_t divide_long(uint64_t a, uint64_t b, uint64_t *rest)
{
    uint64_t quotient = 0, bit = 1;

    while (b < a && !(HIGH(b) >> 31) && bit) {
        b <<= 1;
        bit <<= 1;
    }
    for (; bit; bit >>= 1, b >>= 1) {
        if (a >= b) {
            a -= b;
            quotient |= bit;
        }
    }
    *rest = a;
    return quotient;
}

ROM(udivsi3) uint32_t __udivsi3(uint32_t a, uint32_t b)
{
    uint32_t rest;
    return divide(a, b, &rest);
}

ROM(umodsi3) uint32_t __umodsi3(uint32_t a, uint32_t b)
{
    uint32_t rest;
    divide(a, b, &rest);
    return rest;
}

ROM(divsi3) int32_t __divsi3(int32_t a, int32_t b)
{
    uint32_t rest;
    const uint32_t quotient = divide(a < 0 ? 0u - LOW(a) : LOW(a), b < 0 ? 0u - LOW(b) : LOW(b), &rest);
    return (int32_t)((a ^ b) < 0 ? 0u - quotient : quotient);
}

ROM(udivdi3) uint64_t __udivdi3(uint64_t a, uint64_t b)
{
    uint64_t rest;
    return divide_long(a, b, &rest);
}

ROM(umoddi3) uint64_t __umoddi3(uint64_t a, uint64_t b)
{
    uint64_t rest;
    divide_long(a, b, &rest);
    return rest;
}

ROM(divdi3) int64_t __divdi3(int64_t a, int64_t b)
{
    uint64_t rest;
    const uint64_t quotient =
        divide_long(a < 0 ? 0u - (uint64_t)a : (uint64_t)a, b < 0 ? 0u - (uint64_t)b : (uint64_t)b, &rest);
    return (int64_t)((a ^ b) < 0 ? 0u - quotient : quotient);
}

ROM(muldi3) int64_t __muldi3(int64_t a, int64_t b)
{
    const uint64_t low = product(LOW(a), LOW(b));
    return (int64_t)PAIR(HIGH(low) + HIGH((uint64_t)a) * LOW(b) + LOW(a) * HIGH((uint64_t)b), LOW(low));
}

/* float */
#define BITS uint32_t
#define REAL float
#define NAME(operation) operation##_f
#define MANTISSA 23
#define INFINITE 255
#define SHIFT_LEFT(x, n) ((x) << (n))
#define SHIFT_RIGHT(x, n) ((x) >> (n))
#include "lx106_rom_float.h"

/* double */
#define BITS uint64_t
#define REAL double
#define NAME(operation) operation##_d
#define MANTISSA 52
#define INFINITE 2047
#define SHIFT_LEFT(x, n) left(x, n)
#define SHIFT_RIGHT(x, n) right(x, n)
#include "lx106_rom_float.h"

/* float */
ROM(addsf3) float __addsf3(float a, float b)
{
    return real_f(add_f(bits_f(a), bits_f(b)));
}

ROM(subsf3) float __subsf3(float a, float b)
{
    return real_f(add_f(bits_f(a), bits_f(b) ^ 0x80000000u));
}

ROM(mulsf3) float __mulsf3(float a, float b)
{
    const uint32_t x = bits_f(a), y = bits_f(b);
    uint32_t result;
    uint64_t wide;
    int done, exponent, other;

    result = special_f(x, y, 0, &done);
    if (done) {
        return real_f(result);
    }
    wide = product(unpack_f(x, &exponent), unpack_f(y, &other)); /* 52 bits below the leading one: less 27, 25 */
    exponent += other - 127 + 1;
    return real_f(round_f((x ^ y) & 0x80000000u, exponent, (uint32_t)sticky_d(wide, 27)));
}

ROM(floatsisf) float __floatsisf(int32_t i)
{
    return real_f(from_integer_f(i < 0 ? 0x80000000u : 0u, i < 0 ? 0u - (uint32_t)i : (uint32_t)i));
}

ROM(floatunsisf) float __floatunsisf(uint32_t i)
{
    return real_f(from_integer_f(0, i));
}

ROM(fixunssfsi) uint32_t __fixunssfsi(float a)
{
    return bits_f(a) >> 31 ? 0 : magnitude_f(bits_f(a), 0xFFFFFFFFu);
}

/* double */
#define NEGATIVE ((uint64_t)1 << 63)

ROM(adddf3) double __adddf3(double a, double b)
{
    return real_d(add_d(bits_d(a), bits_d(b)));
}

ROM(subdf3) double __subdf3(double a, double b)
{
    return real_d(add_d(bits_d(a), bits_d(b) ^ NEGATIVE));
}

ROM(muldf3) double __muldf3(double a, double b)
{
    const uint64_t x = bits_d(a), y = bits_d(b);
    uint64_t result, first, second, high, low, middle;
    int done, exponent, other;

    result = special_d(x, y, 0, &done);
    if (done) {
        return real_d(result);
    }
    first = unpack_d(x, &exponent) << 4; /* 59 bits below the leading one: twice that, less 64, leaves 54 */
    second = unpack_d(y, &other) << 4;
    exponent += other - 1023 + 1;
    low = product(LOW(first), LOW(second));
    middle = product(HIGH(first), LOW(second)) + HIGH(low);
    high = product(LOW(first), HIGH(second)) + LOW(middle);
    low = PAIR(LOW(high), LOW(low));
    high = product(HIGH(first), HIGH(second)) + HIGH(middle) + HIGH(high);
    return real_d(round_d((x ^ y) & NEGATIVE, exponent, high | (low != 0)));
}

ROM(divdf3) double __divdf3(double a, double b)
{
    const uint64_t x = bits_d(a), y = bits_d(b);
    uint64_t result, rest, divisor, quotient = 0;
    int done, exponent, other, i;

    result = special_d(x, y, 1, &done);
    if (done) {
        return real_d(result);
    }
    rest = unpack_d(x, &exponent);
    divisor = unpack_d(y, &other);
    for (i = 0; i < 57; i++) { /* the first bit is 2 ** 0, the last one of them 2 ** -56 */
        quotient <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            quotient |= 1;
        }
        rest <<= 1;
    }
    quotient = sticky_d(quotient, 1) | (rest != 0);
    return real_d(round_d((x ^ y) & NEGATIVE, exponent - other + 1023, quotient));
}

ROM(floatsidf) double __floatsidf(int32_t i)
{
    return real_d(from_integer_d(i < 0 ? NEGATIVE : 0, i < 0 ? 0u - (uint32_t)i : (uint32_t)i));
}

ROM(floatunsidf) double __floatunsidf(uint32_t i)
{
    return real_d(from_integer_d(0, i));
}

ROM(fixdfsi) int32_t __fixdfsi(double a)
{
    const uint64_t x = bits_d(a);
    const uint32_t size = magnitude_d(x, x & NEGATIVE ? 0x80000000u : 0x7FFFFFFFu);
    return (int32_t)(x & NEGATIVE ? 0u - size : size);
}

ROM(fixunsdfsi) uint32_t __fixunsdfsi(double a)
{
    return bits_d(a) & NEGATIVE ? 0 : magnitude_d(bits_d(a), 0xFFFFFFFFu);
}

ROM(extendsfdf2) double __extendsfdf2(float a)
{
    const uint32_t x = bits_f(a);
    const uint64_t sign = PAIR(x & 0x80000000u, 0u);
    uint64_t full;
    int exponent;

    if (!(x << 1) || (x << 1) >> 24 == 255) { /* 0, infinity, NaN */
        return real_d(sign | (x << 1 ? (uint64_t)2047 << 52 | (uint64_t)(x & 0x7FFFFFu) << 29 : 0));
    }
    full = (uint64_t)unpack_f(x, &exponent) << 29;
    return real_d(round_d(sign, exponent - 127 + 1023, full));
}

ROM(truncdfsf2) float __truncdfsf2(double a)
{
    const uint64_t x = bits_d(a);
    const uint32_t sign = HIGH(x) & 0x80000000u;
    uint32_t full;
    int exponent;

    if (!(x << 1) || (HIGH(x) << 1) >> 21 == 2047) {
        return real_f(sign | (!(x << 1) ? 0u : is_nan_d(x) ? 0x7FC00000u : 0x7F800000u));
    }
    full = (uint32_t)sticky_d(unpack_d(x, &exponent), 29);
    return real_f(round_f(sign, exponent - 1023 + 127, full));
}
