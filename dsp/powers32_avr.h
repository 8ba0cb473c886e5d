/* AVR's own powers of bins, where it has a multiplier: the same integers as in powers32.h. */
#include "avr16.h"
#ifndef MICROMLGEN_POWERS32_AVR_2
#define MICROMLGEN_POWERS32_AVR_2
#if defined(MML2_AVR_MUL_)
/* The number at Z without its sign, times r22, into r8 to r11: some 35 cycles. */
#define MML2_AVR_RAISED_ \
    "ld r4,Z+\n\t ld r5,Z+\n\t ld r6,Z+\n\t ld r7,Z+\n\t" \
    "sbrs r7,7\n\t rjmp 2f\n\t com r4\n\t com r5\n\t com r6\n\t com r7\n\t" /* and the carry is set */ \
    "adc r4,r2\n\t adc r5,r2\n\t adc r6,r2\n\t adc r7,r2\n2:\n\t" \
    "mul r4,r22\n\t movw r8,r0\n\t mul r6,r22\n\t movw r10,r0\n\t" \
    "mul r5,r22\n\t add r9,r0\n\t adc r10,r1\n\t adc r11,r2\n\t mul r7,r22\n\t add r11,r0\n\t"
/* The square of r8 to r11 into r12 to r19: 53 cycles. Products of different bytes gather from byte 1 on in r4 to r7, r24 and
   r25, and count twice. */
#define MML2_AVR_SQUARED_ \
    "mul r8,r9\n\t movw r4,r0\n\t mul r8,r11\n\t movw r6,r0\n\t mul r10,r11\n\t movw r24,r0\n\t" \
    "mul r8,r10\n\t add r5,r0\n\t adc r6,r1\n\t adc r7,r2\n\t adc r24,r2\n\t adc r25,r2\n\t" \
    "mul r9,r10\n\t add r6,r0\n\t adc r7,r1\n\t adc r24,r2\n\t adc r25,r2\n\t" \
    "mul r9,r11\n\t add r7,r0\n\t adc r24,r1\n\t adc r25,r2\n\t" \
    "mul r8,r8\n\t movw r12,r0\n\t mul r9,r9\n\t movw r14,r0\n\t mul r10,r10\n\t movw r16,r0\n\t mul r11,r11\n\t movw r18,r0\n\t" \
    MML2_AVR_SQUARED_PLUS_ MML2_AVR_SQUARED_PLUS_
#define MML2_AVR_SQUARED_PLUS_ \
    "add r13,r4\n\t adc r14,r5\n\t adc r15,r6\n\t adc r16,r7\n\t adc r17,r24\n\t adc r18,r25\n\t adc r19,r2\n\t"

/* The square of what has r23 bytes more: two bytes further up each. */
#define MML2_AVR_MOVED_ \
    "mov r4,r23\n\t rjmp 5f\n" \
    "4:\t movw r18,r16\n\t movw r16,r14\n\t movw r14,r12\n\t clr r12\n\t clr r13\n\t dec r4\n" \
    "5:\t tst r4\n\t brne 4b\n\t"

/* Powers in Q-32 of n bins whose parts are shifted up, at `to`, which may be where they are: some 210 cycles each. */
static __attribute__((noinline, unused)) void mml2_avr_powers(const int32_t *z, uint32_t *to, uint16_t n, uint8_t up)
{
    register uint16_t left __asm__("r20") = n;
    register uint8_t factor __asm__("r22") = (uint8_t)(1u << (up & 7u));
    register uint8_t bytes __asm__("r23") = (uint8_t)(up >> 3);
    __asm__ volatile(
        "push r28\n\t push r29\n\t clr r2\n"
        "1:\n\t" MML2_AVR_RAISED_ MML2_AVR_SQUARED_ MML2_AVR_MOVED_ "movw r28,r16\n\t mov r3,r18\n\t push r19\n\t"
        MML2_AVR_RAISED_ MML2_AVR_SQUARED_ MML2_AVR_MOVED_
        "pop r0\n\t add r16,r28\n\t adc r17,r29\n\t adc r18,r3\n\t adc r19,r0\n\t"
        "st X+,r16\n\t st X+,r17\n\t st X+,r18\n\t st X+,r19\n\t"
        "subi r20,1\n\t sbci r21,0\n\t breq 3f\n\t rjmp 1b\n"
        "3:\n\t clr r1\n\t pop r29\n\t pop r28"
        : "+z"(z), "+x"(to), "+r"(left), "+r"(factor), "+r"(bytes)
        :
        : "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "r16", "r17", "r18",
          "r19", "r24", "r25", "memory");
}

/* The power of one bin, times 4^up of up = 8 * bytes + log2(factor). */
static inline uint32_t mml2_avr_power(const int32_t *z, uint8_t factor_, uint8_t bytes_)
{
    register uint8_t factor __asm__("r22") = factor_;
    register uint8_t bytes __asm__("r23") = bytes_;
    register uint32_t power __asm__("r16");
    __asm__ volatile("clr r2\n\t"
        MML2_AVR_RAISED_ MML2_AVR_SQUARED_ MML2_AVR_MOVED_ "movw r20,r16\n\t movw r26,r18\n\t"
        MML2_AVR_RAISED_ MML2_AVR_SQUARED_ MML2_AVR_MOVED_
        "add r16,r20\n\t adc r17,r21\n\t adc r18,r26\n\t adc r19,r27\n\t clr r1"
        : "+z"(z), "+r"(factor), "+r"(bytes), "=r"(power)
        :
        : "r0", "r2", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "r20", "r21", "r24", "r25",
          "r26", "r27", "memory");
    return power;
}

/* The bits of all numbers from z to `end` without their signs; 0 of none. */
static inline uint32_t mml2_avr_bits(const int32_t *z, const int32_t *end)
{
    uint32_t every = 0;
    if (z == end) return 0;
    __asm__ volatile(
        "1:\t ld r4,Z+\n\t ld r5,Z+\n\t ld r6,Z+\n\t ld r7,Z+\n\t"
        "sbrs r7,7\n\t rjmp 2f\n\t com r4\n\t com r5\n\t com r6\n\t com r7\n"
        "2:\t or %A0,r4\n\t or %B0,r5\n\t or %C0,r6\n\t or %D0,r7\n\t"
        "cp r30,%A2\n\t cpc r31,%B2\n\t brne 1b"
        : "+&r"(every), "+&z"(z)
        : "r"(end)
        : "r4", "r5", "r6", "r7", "memory");
    return every;
}
#endif
#endif
