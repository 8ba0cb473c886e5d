/* Numbers of 32 bits in AVR's registers, and their products with 16 bits, where it has a multiplier.

   r2 is 0, r0 and r1 have products of bytes. floor(a * b / 2^16) of int32 a and uint16 b is of 8 of these; r3 is byte 1,
   of which only the carry counts, and then byte 4. MULSU wants its factors in r16 to r23: the highest byte of a, and b.
   Numbers are lists of four registers, the lowest byte first. */
#include "avr16.h"
#ifndef MICROMLGEN_AVR32_2
#define MICROMLGEN_AVR32_2
#if defined(MML2_AVR_MUL_)
#define MML2_AVR32_N0_ "r4", "r5", "r16", "r17"
#define MML2_AVR32_N1_ "r6", "r7", "r18", "r19"
#define MML2_AVR32_P0_ "r8", "r9", "r10", "r11"
#define MML2_AVR32_P1_ "r12", "r13", "r14", "r15"
#define MML2_AVR32_COS_ "r20", "r21"
#define MML2_AVR32_SIN_ "r22", "r23"
/* Lists of registers become arguments. */
#define MML2_AVR32_DO_(macro, ...) macro(__VA_ARGS__)

/* Bytes 1 to 3 of the product of the lower halves, in r3 and l: 16 cycles. */
#define MML2_AVR32_LOW_(a0, a1, b0, b1, l0, l1) \
    "mul " a0 "," b0 "\n\t mov r3,r1\n\t mul " a1 "," b1 "\n\t movw " l0 ",r0\n\t" \
    "mul " a0 "," b1 "\n\t add r3,r0\n\t adc " l0 ",r1\n\t adc " l1 ",r2\n\t" \
    "mul " a1 "," b0 "\n\t add r3,r0\n\t adc " l0 ",r1\n\t adc " l1 ",r2\n\t"
/* p = a * b: 36 cycles. MULSU leaves the product's sign in the carry. */
#define MML2_AVR32_FIRST_(p0, p1, p2, p3, a0, a1, a2, a3, b0, b1) \
    MML2_AVR32_LOW_(a0, a1, b0, b1, p0, p1) \
    "mulsu " a3 "," b1 "\n\t movw " p2 ",r0\n\t" \
    "mulsu " a3 "," b0 "\n\t sbc " p3 ",r2\n\t add " p1 ",r0\n\t adc " p2 ",r1\n\t adc " p3 ",r2\n\t" \
    "mul " a2 "," b0 "\n\t add " p0 ",r0\n\t adc " p1 ",r1\n\t adc " p2 ",r2\n\t adc " p3 ",r2\n\t" \
    "mul " a2 "," b1 "\n\t add " p1 ",r0\n\t adc " p2 ",r1\n\t adc " p3 ",r2\n\t"
/* p += a * b, or p -= a * b: 40 cycles. */
#define MML2_AVR32_THEN_(p0, p1, p2, p3, a0, a1, a2, a3, b0, b1, add, adc, sbc) \
    MML2_AVR32_LOW_(a0, a1, b0, b1, "r24", "r25") \
    "mul " a2 "," b1 "\n\t add r25,r0\n\t mov r3,r1\n\t adc r3,r2\n\t" \
    "mul " a2 "," b0 "\n\t add r24,r0\n\t adc r25,r1\n\t adc r3,r2\n\t" \
    add " " p0 ",r24\n\t " adc " " p1 ",r25\n\t " adc " " p2 ",r3\n\t " adc " " p3 ",r2\n\t" \
    "mulsu " a3 "," b0 "\n\t " sbc " " p3 ",r2\n\t " add " " p1 ",r0\n\t " adc " " p2 ",r1\n\t " adc " " p3 ",r2\n\t" \
    "mulsu " a3 "," b1 "\n\t " add " " p2 ",r0\n\t " adc " " p3 ",r1\n\t"
#define MML2_AVR32_IS_(...) MML2_AVR32_DO_(MML2_AVR32_FIRST_, __VA_ARGS__)
#define MML2_AVR32_PLUS_(...) MML2_AVR32_DO_(MML2_AVR32_THEN_, __VA_ARGS__, "add", "adc", "sbc")
#define MML2_AVR32_LESS_(...) MML2_AVR32_DO_(MML2_AVR32_THEN_, __VA_ARGS__, "sub", "sbc", "adc")

/* Numbers in memory: 8 cycles, and 15 for the negative. */
#define MML2_AVR32_LD_(r0_, r1_, r2_, r3_, at) \
    "ldd " r0_ "," at "\n\t ldd " r1_ "," at "+1\n\t ldd " r2_ "," at "+2\n\t ldd " r3_ "," at "+3\n\t"
#define MML2_AVR32_ST_(r0_, r1_, r2_, r3_, at) \
    "std " at "," r0_ "\n\t std " at "+1," r1_ "\n\t std " at "+2," r2_ "\n\t std " at "+3," r3_ "\n\t"
#define MML2_AVR32_LDN_(r0_, r1_, r2_, r3_, at) \
    "clr " r0_ "\n\t clr " r1_ "\n\t movw " r2_ "," r0_ "\n\t" \
    "ldd r0," at "\n\t sub " r0_ ",r0\n\t ldd r0," at "+1\n\t sbc " r1_ ",r0\n\t" \
    "ldd r0," at "+2\n\t sbc " r2_ ",r0\n\t ldd r0," at "+3\n\t sbc " r3_ ",r0\n\t"
#define MML2_AVR32_LOAD_(...) MML2_AVR32_DO_(MML2_AVR32_LD_, __VA_ARGS__)
#define MML2_AVR32_STORE_(...) MML2_AVR32_DO_(MML2_AVR32_ST_, __VA_ARGS__)
#define MML2_AVR32_LOAD_NEGATIVE_(...) MML2_AVR32_DO_(MML2_AVR32_LDN_, __VA_ARGS__)

/* a += b, a -= b, a /= 2, a = -a. */
#define MML2_AVR32_ADD4_(a0, a1, a2, a3, b0, b1, b2, b3) \
    "add " a0 "," b0 "\n\t adc " a1 "," b1 "\n\t adc " a2 "," b2 "\n\t adc " a3 "," b3 "\n\t"
#define MML2_AVR32_SUB4_(a0, a1, a2, a3, b0, b1, b2, b3) \
    "sub " a0 "," b0 "\n\t sbc " a1 "," b1 "\n\t sbc " a2 "," b2 "\n\t sbc " a3 "," b3 "\n\t"
#define MML2_AVR32_ASR4_(a0, a1, a2, a3) "asr " a3 "\n\t ror " a2 "\n\t ror " a1 "\n\t ror " a0 "\n\t"
#define MML2_AVR32_NEG4_(a0, a1, a2, a3) \
    "clr r24\n\t clr r25\n\t sub r24," a0 "\n\t sbc r25," a1 "\n\t clr " a0 "\n\t clr " a1 "\n\t" \
    "sbc " a0 "," a2 "\n\t sbc " a1 "," a3 "\n\t movw " a2 "," a0 "\n\t movw " a0 ",r24\n\t"
#define MML2_AVR32_ADD_(...) MML2_AVR32_DO_(MML2_AVR32_ADD4_, __VA_ARGS__)
#define MML2_AVR32_SUB_(...) MML2_AVR32_DO_(MML2_AVR32_SUB4_, __VA_ARGS__)
#define MML2_AVR32_HALF_(...) MML2_AVR32_DO_(MML2_AVR32_ASR4_, __VA_ARGS__)
#define MML2_AVR32_NEGATE_(...) MML2_AVR32_DO_(MML2_AVR32_NEG4_, __VA_ARGS__)
/* (a, b) becomes (a - b, a + b): 12 cycles. */
#define MML2_AVR32_APART8_(a0, a1, a2, a3, b0, b1, b2, b3) \
    MML2_AVR32_ADD4_(b0, b1, b2, b3, a0, a1, a2, a3) MML2_AVR32_ADD4_(a0, a1, a2, a3, a0, a1, a2, a3) \
    MML2_AVR32_SUB4_(a0, a1, a2, a3, b0, b1, b2, b3)
#define MML2_AVR32_APART_(...) MML2_AVR32_DO_(MML2_AVR32_APART8_, __VA_ARGS__)
#define MML2_AVR32_USED_ \
    "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "r16", "r17", "r18", \
        "r19", "memory"

/* floor(a * b / 2^16). */
static inline int32_t mml2_avr32_product(int32_t a, int16_t b)
{
    int32_t p;
    __asm__("clr r2\n\t"
        MML2_AVR32_IS_("%A0", "%B0", "%C0", "%D0", "%A1", "%B1", "%C1", "%D1", "%A2", "%B2") "clr r1"
        : "=&r"(p) : "a"(a), "a"(b) : "r0", "r2", "r3");
    return b < 0 ? p - a : p;
}

#endif
#endif
