/* lx106_rom_float.h - one width of IEEE 754, included by lx106_rom.c for each.
 *
 * BITS and REAL are the types, MANTISSA the stored bits, INFINITE the exponent field of infinity and NaN. Values
 * travel as their bits. A mantissa "in full" has its leading one and three more bits to round by.
 */
#define SIGN ((BITS)1 << (8 * sizeof(BITS) - 1))
#define ONE ((BITS)1 << MANTISSA)
#define FULL_ONE ((BITS)1 << (MANTISSA + 3))
#define NOT_A_NUMBER (((BITS)INFINITE << MANTISSA) | ONE >> 1)
#define EXPONENT(x) ((int)((x) >> MANTISSA) & INFINITE)

HELPER BITS NAME(bits)(REAL value)
{
    BITS x;
    __builtin_memcpy(&x, &value, sizeof x);
    return x;
}

HELPER REAL NAME(real)(BITS x)
{
    REAL value;
    __builtin_memcpy(&value, &x, sizeof value);
    return value;
}

HELPER int NAME(is_nan)(BITS x)
{
    return (x & ~SIGN) > (BITS)INFINITE << MANTISSA;
}

/* x moved down by n, the bits that leave it collected in its last one. */
HELPER BITS NAME(sticky)(BITS x, int n)
{
    if (n >= (int)(8 * sizeof x)) {
        return x != 0;
    }
    return n > 0 ? SHIFT_RIGHT(x, (unsigned)n) | (SHIFT_LEFT(x, 8 * sizeof x - (unsigned)n) != 0) : x;
}

/* Rounds a mantissa in full (or 0, or smaller: it is moved up) of that exponent field. */
HELPER BITS NAME(round)(BITS sign, int exponent, BITS full)
{
    BITS x;

    if (full == 0) {
        return sign;
    }
    while (full < FULL_ONE) {
        full <<= 1;
        exponent--;
    }
    if (exponent < 1) { /* denormal */
        full = NAME(sticky)(full, 1 - exponent);
        exponent = 1;
    }
    if (exponent >= INFINITE) {
        return sign | (BITS)INFINITE << MANTISSA;
    }
    /* The leading one adds 1 to the exponent; rounding up may carry into it. */
    x = ((BITS)(exponent - 1) << MANTISSA) + (full >> 3);
    return sign | (x + ((full & 7) + (x & 1) > 4));
}

/* Mantissa in full and exponent field of a finite number other than 0. */
HELPER BITS NAME(unpack)(BITS x, int *exponent)
{
    BITS full = (x & (ONE - 1)) << 3;

    *exponent = EXPONENT(x);
    if (*exponent) {
        return full | FULL_ONE;
    }
    for (*exponent = 1; full < FULL_ONE; full <<= 1) {
        --*exponent;
    }
    return full;
}

HELPER BITS NAME(add)(BITS a, BITS b)
{
    const BITS difference = (a ^ b) & SIGN;
    BITS full, less;
    int exponent, other;

    if (NAME(is_nan)(a) || NAME(is_nan)(b)) {
        return NOT_A_NUMBER;
    }
    if ((a & ~SIGN) < (b & ~SIGN)) {
        const BITS larger = b;
        b = a;
        a = larger;
    }
    if (EXPONENT(a) == INFINITE) {
        return difference && EXPONENT(b) == INFINITE ? NOT_A_NUMBER : a;
    }
    if (!(b & ~SIGN)) {
        return a & ~SIGN ? a : a & b;
    }
    full = NAME(unpack)(a, &exponent);
    less = NAME(sticky)(NAME(unpack)(b, &other), exponent - other);
    if (difference) {
        return full == less ? 0 : NAME(round)(a & SIGN, exponent, full - less);
    }
    full += less;
    if (full >= FULL_ONE << 1) {
        full = NAME(sticky)(full, 1);
        exponent++;
    }
    return NAME(round)(a & SIGN, exponent, full);
}

/* What a product or quotient is where that needs no arithmetic; 0 in *done where it does. */
HELPER BITS NAME(special)(BITS a, BITS b, int divides, int *done)
{
    const BITS sign = (a ^ b) & SIGN, infinity = (BITS)INFINITE << MANTISSA;
    const int a_large = EXPONENT(a) == INFINITE, b_large = EXPONENT(b) == INFINITE;
    const int a_zero = !(a & ~SIGN), b_zero = !(b & ~SIGN);

    *done = a_large || b_large || a_zero || b_zero;
    if (NAME(is_nan)(a) || NAME(is_nan)(b) || (divides && ((a_large && b_large) || (a_zero && b_zero))) ||
        (!divides && ((a_large && b_zero) || (a_zero && b_large)))) {
        return NOT_A_NUMBER;
    }
    return a_large || (divides ? b_zero : b_large) ? sign | infinity : sign;
}

HELPER BITS NAME(from_integer)(BITS sign, uint32_t magnitude)
{
    BITS full = magnitude;
    int exponent = INFINITE / 2 + MANTISSA + 3;

    while (full >= FULL_ONE << 1) {
        full = NAME(sticky)(full, 1);
        exponent++;
    }
    return NAME(round)(sign, exponent, full);
}

/* Towards zero; what is out of range gives the nearest integer, NaN gives 0. */
HELPER uint32_t NAME(magnitude)(BITS x, uint32_t largest)
{
    const int place = EXPONENT(x) - INFINITE / 2;
    BITS whole = (x & (ONE - 1)) | ONE;

    if (place < 0 || NAME(is_nan)(x)) {
        return 0;
    }
    if (place > 31) {
        return largest;
    }
    whole = place < MANTISSA ? SHIFT_RIGHT(whole, (unsigned)(MANTISSA - place))
                             : SHIFT_LEFT(whole, (unsigned)(place - MANTISSA));
    return whole > largest ? largest : (uint32_t)whole;
}

#undef SIGN
#undef ONE
#undef FULL_ONE
#undef NOT_A_NUMBER
#undef EXPONENT
#undef BITS
#undef REAL
#undef NAME
#undef MANTISSA
#undef INFINITE
#undef SHIFT_LEFT
#undef SHIFT_RIGHT
