#include "addresses.h"
#ifndef MICROMLGEN_NN_2
#define MICROMLGEN_NN_2
/* Scaling of sums to int8, and what else layers of nets have in common. micromlgen/models/_graph_scale.py is the
   definition. */

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_ARCH) && __ARM_ARCH >= 7
#define MML2_NN_DSP 1
#else
#define MML2_NN_DSP 0
#endif

/* (a * b + half * 2^16) / 2^32, rounded down; b not negative. */
static inline int32_t mml2_nn_high(int32_t a, int32_t b, uint16_t half)
{
#if defined(__AVR__) || (defined(__ARM_ARCH) && __ARM_ARCH_ISA_THUMB == 1)
    /* By halves: these cores multiply 16 bits, or to 32. */
    const uint16_t al = (uint16_t)a, bl = (uint16_t)b, bh = (uint16_t)((uint32_t)b >> 16);
    const int16_t ah = (int16_t)(a >> 16);
    const uint32_t middle = (uint32_t)al * bh + ((uint32_t)al * bl >> 16) + half;
    const int32_t side = (int32_t)ah * bl;
    return (int32_t)ah * (int32_t)bh + (side >> 16) + (int32_t)((middle + ((uint32_t)side & 0xffffu)) >> 16);
#else
    return (int32_t)(((int64_t)a * b + ((int64_t)half << 16)) >> 32);
#endif
}

/* x / 2 within int8. */
static inline int8_t mml2_nn_whole(int32_t x)
{
#if MML2_NN_DSP
    int32_t y;
    __asm__("ssat %0, #8, %1, asr #1" : "=r"(y) : "r"(x));
    return (int8_t)y;
#else
    const int32_t half = x >> 1;
    const int8_t y = (int8_t)half;
    return y == half ? y : (int8_t)((half >> 31) ^ 127);
#endif
}

/* x / 2 within limits. */
static inline int8_t mml2_nn_clamped(int32_t twice, int16_t low, int16_t high)
{
    const int32_t x = twice >> 1;
    return (int8_t)(x < low ? low : x > high ? high : x);
}

#if defined(__ARM_ARCH) && __ARM_ARCH_ISA_THUMB == 1
/* sum * m / 2^24, rounded down: byte by byte, since the sum is within 24 bits, and of 32 bits the products. */
static inline int32_t mml2_nn_by_bytes_at(int32_t sum, const int32_t *m)
{
    int32_t x, t;
    __asm__(
        ".syntax unified\n\t"
        "ldrb %[x], [%[m]]\n\t"
        "muls %[x], %[sum], %[x]\n\t"
        "asrs %[x], %[x], #8\n\t"
        "ldrb %[t], [%[m], #1]\n\t"
        "muls %[t], %[sum], %[t]\n\t"
        "adds %[x], %[x], %[t]\n\t"
        "asrs %[x], %[x], #8\n\t"
        "ldrb %[t], [%[m], #2]\n\t"
        "muls %[t], %[sum], %[t]\n\t"
        "adds %[x], %[x], %[t]\n\t"
        "asrs %[x], %[x], #8\n\t"
        "ldrb %[t], [%[m], #3]\n\t"
        "muls %[t], %[sum], %[t]\n\t"
        "adds %[x], %[x], %[t]"
        : [x] "=&l"(x), [t] "=&l"(t)
        : [sum] "l"(sum), [m] "l"(m), "m"(*m)
        : "cc");
    return x;
}

static inline int32_t mml2_nn_by_bytes(int32_t sum, int32_t m)
{
    int32_t x, t;
    __asm__(
        ".syntax unified\n\t"
        "uxtb %[x], %[m]\n\t"
        "muls %[x], %[sum], %[x]\n\t"
        "asrs %[x], %[x], #8\n\t"
        "lsls %[t], %[m], #16\n\t"
        "lsrs %[t], %[t], #24\n\t"
        "muls %[t], %[sum], %[t]\n\t"
        "adds %[x], %[x], %[t]\n\t"
        "asrs %[x], %[x], #8\n\t"
        "lsls %[t], %[m], #8\n\t"
        "lsrs %[t], %[t], #24\n\t"
        "muls %[t], %[sum], %[t]\n\t"
        "adds %[x], %[x], %[t]\n\t"
        "asrs %[x], %[x], #8\n\t"
        "lsrs %[t], %[m], #24\n\t"
        "muls %[t], %[sum], %[t]\n\t"
        "adds %[x], %[x], %[t]"
        : [x] "=&l"(x), [t] "=&l"(t)
        : [sum] "l"(sum), [m] "l"(m)
        : "cc");
    return x;
}
#define MML2_NN_DOWN_(sum, m) mml2_nn_by_bytes(sum, m)
#define MML2_NN_DOWN_AT_(sum, m) mml2_nn_by_bytes_at(sum, m)
#elif defined(__AVR__)
/* sum * m / 2^24, rounded down; the sum within 24 bits. r10 to r15 add up the products of bytes but for the lowest,
   as if the sum had no sign; r21 is 0. */
static inline int32_t mml2_nn_by_bytes(int32_t sum, int32_t m)
{
    register int32_t u __asm__("r18") = sum;
    register int32_t factor __asm__("r22") = m;
    register int32_t p __asm__("r12");
    __asm__(
        "clr r21\n\t"
        "mul r18, r22\n\t"
        "mov r10, r1\n\t"
        "mul r19, r23\n\t"
        "mov r11, r0\n\t"
        "mov r12, r1\n\t"
        "mul r20, r24\n\t"
        "mov r13, r0\n\t"
        "mov r14, r1\n\t"
        "clr r15\n\t"
        "mul r20, r25\n\t"
        "add r14, r0\n\t"
        "adc r15, r1\n\t"
        "mul r19, r25\n\t"
        "add r13, r0\n\t"
        "adc r14, r1\n\t"
        "adc r15, r21\n\t"
        "mul r18, r25\n\t"
        "add r12, r0\n\t"
        "adc r13, r1\n\t"
        "adc r14, r21\n\t"
        "adc r15, r21\n\t"
        "mul r19, r24\n\t"
        "add r12, r0\n\t"
        "adc r13, r1\n\t"
        "adc r14, r21\n\t"
        "adc r15, r21\n\t"
        "mul r20, r23\n\t"
        "add r12, r0\n\t"
        "adc r13, r1\n\t"
        "adc r14, r21\n\t"
        "adc r15, r21\n\t"
        "mul r18, r24\n\t"
        "add r11, r0\n\t"
        "adc r12, r1\n\t"
        "adc r13, r21\n\t"
        "adc r14, r21\n\t"
        "adc r15, r21\n\t"
        "mul r20, r22\n\t"
        "add r11, r0\n\t"
        "adc r12, r1\n\t"
        "adc r13, r21\n\t"
        "adc r14, r21\n\t"
        "adc r15, r21\n\t"
        "mul r18, r23\n\t"
        "add r10, r0\n\t"
        "adc r11, r1\n\t"
        "adc r12, r21\n\t"
        "adc r13, r21\n\t"
        "adc r14, r21\n\t"
        "adc r15, r21\n\t"
        "mul r19, r22\n\t"
        "add r10, r0\n\t"
        "adc r11, r1\n\t"
        "adc r12, r21\n\t"
        "adc r13, r21\n\t"
        "adc r14, r21\n\t"
        "adc r15, r21\n\t"
        "sbrs r20, 7\n\t"
        "rjmp 1f\n\t"
        "sub r12, r22\n\t"
        "sbc r13, r23\n\t"
        "sbc r14, r24\n\t"
        "sbc r15, r25\n\t"
        "1:\n\t"
        "clr r1"
        : "=&r"(p), "+&r"(u) : "r"(factor) : "r10", "r11");
    return p;
}
#define MML2_NN_DOWN_(sum, m) mml2_nn_by_bytes(sum, m)
#define MML2_NN_DOWN_AT_(sum, m) mml2_nn_by_bytes(sum, (int32_t)MML2_FLASH_GET_U32(m, 0))
#else
#define MML2_NN_DOWN_(sum, m) mml2_nn_high((int32_t)((uint32_t)(sum) << 8), m, 0)
#define MML2_NN_DOWN_AT_(sum, m) MML2_NN_DOWN_(sum, (int32_t)MML2_FLASH_GET_U32(m, 0))
#endif

/* A sum within 24 bits times a factor, rounded once; twice the result. `add` is twice the zero of the output, plus
   one; the multiplier is a number, or where one is in flash. */
static inline int32_t mml2_nn_once(int32_t sum, int32_t m, uint8_t bits, int16_t add)
{
    return (MML2_NN_DOWN_(sum, m) >> bits) + add;
}

static inline int32_t mml2_nn_once_at(int32_t sum, MML2_FLASH_AT(int32_t) m, uint8_t bits, int16_t add)
{
    return (MML2_NN_DOWN_AT_(sum, m) >> bits) + add;
}

/* x / 2^7 to the nearest, of x within 31 bits; AVR shifts by bytes. */
#if defined(__AVR__)
#define MML2_NN_DOWN_7_(x) ((int32_t)((uint32_t)((x) + 64) << 1) >> 8)
#else
#define MML2_NN_DOWN_7_(x) (((x) + 64) >> 7)
#endif

/* The same, rounded to 32 bits, then again, halves away from zero. */
static inline int32_t mml2_nn_again(int32_t x, uint8_t bits, int16_t add)
{
    return ((x - (x < 0)) >> bits) + add;
}

static inline int32_t mml2_nn_twice(int32_t sum, int32_t m, uint8_t bits, int16_t add)
{
#if MML2_NN_DSP
    int32_t x;
    __asm__("smmulr %0, %1, %2" : "=r"(x) : "r"((int32_t)((uint32_t)sum << 1)), "r"(m));
    return mml2_nn_again(x, bits, add);
#elif defined(__AVR__) || (defined(__ARM_ARCH) && __ARM_ARCH_ISA_THUMB == 1)
    return mml2_nn_again(MML2_NN_DOWN_7_(MML2_NN_DOWN_(sum, m)), bits, add);
#else
    return mml2_nn_again(mml2_nn_high((int32_t)((uint32_t)sum << 1), m, 0x8000u), bits, add);
#endif
}

static inline int32_t mml2_nn_twice_at(int32_t sum, MML2_FLASH_AT(int32_t) m, uint8_t bits, int16_t add)
{
#if defined(__AVR__) || (defined(__ARM_ARCH) && __ARM_ARCH_ISA_THUMB == 1)
    return mml2_nn_again(MML2_NN_DOWN_7_(MML2_NN_DOWN_AT_(sum, m)), bits, add);
#else
    return mml2_nn_twice(sum, (int32_t)MML2_FLASH_GET_U32(m, 0), bits, add);
#endif
}

#if MML2_NN_DSP
/* The same of 256 times a sum. */
static inline int32_t mml2_nn_pairs_once(int32_t sum, int32_t m, uint8_t bits, int16_t add)
{
    int32_t x;
    __asm__("smmul %0, %1, %2" : "=r"(x) : "r"(sum), "r"(m));
    return (x >> bits) + add;
}

static inline int32_t mml2_nn_pairs_twice(int32_t sum, int32_t m, uint8_t bits, int16_t add)
{
    return mml2_nn_twice(sum >> 8, m, bits, add);
}
#endif

/* The same of any sum and factor, as int8 before the zero of the output is added. */
static inline int32_t mml2_nn_wide_once(int32_t sum, int32_t multiplier, int8_t shift)
{
    return (int32_t)(((int64_t)sum * multiplier + ((int64_t)1 << (30 - shift))) >> (31 - shift));
}

/* a * b / 2^31 to the nearest, halves up. */
static inline int32_t mml2_nn_doubling(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* x / 2^bits to the nearest, halves away from zero. */
static inline int32_t mml2_nn_divided(int32_t x, uint8_t bits)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << bits) - 1u);
    return bits > 30 ? 0 : (x >> bits) + ((x & mask) > (mask >> 1) + (x < 0));
}

static inline int32_t mml2_nn_wide_twice(int32_t sum, int32_t multiplier, int8_t shift)
{
    const int32_t x = shift > 0 ? (int32_t)((uint32_t)sum << shift) : sum;
    return mml2_nn_divided(mml2_nn_doubling(x, multiplier), shift < 0 ? (uint8_t)-shift : 0);
}

static inline int8_t mml2_nn_saturated(int32_t x, int16_t low, int16_t high)
{
    return (int8_t)(x < low ? low : x > high ? high : x);
}
#endif
