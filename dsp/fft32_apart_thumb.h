/* The last pass of fft32.h for cores of Thumb-1: the same integers as in C. */
#include "thumb32.h"
#ifndef MICROMLGEN_FFT32_APART_THUMB_2
#define MICROMLGEN_FFT32_APART_THUMB_2
#if defined(MML2_THUMB_)
/* The pairs of bins of mml2_fft32_apart: of the numbers from `low` on and from `high` on backwards, by the twiddles from
   `table` on, until they meet. */
static inline void mml2_thumb_apart(int32_t *low, int32_t *high, const int16_t *table)
{
    register int32_t *at __asm__("r0") = low;
    register int32_t *up __asm__("r8") = high;
    register const int16_t *w __asm__("r10") = table;
    __asm__ volatile(
        ".syntax unified\n\t"
        "mov lr, r7\n"
        "1:\n\t"
        "ldr r3, [r0]\n\t"
        "ldr r4, [r0, #4]\n\t"
        "mov r7, r8\n\t"
        "ldmia r7!, {r5, r6}\n\t"
        "adds r1, r3, r5\n\t"
        "asrs r1, r1, #1\n\t"
        "mov r11, r1\n\t" /* r11: er */
        "subs r2, r4, r6\n\t"
        "asrs r2, r2, #1\n\t"
        "mov r12, r2\n\t" /* r12: ei */
        "subs r3, r3, r5\n\t" /* r3: dr */
        "adds r4, r4, r6\n\t" /* r4: si */
        "mov r5, r10\n\t"
        "movs r7, #0\n\t"
        "ldrsh r1, [r5, r7]\n\t"
        "movs r7, #2\n\t"
        "ldrsh r2, [r5, r7]\n\t"
        "adds r5, r5, #4\n\t"
        "mov r10, r5\n\t"
        MML2_THUMB_TIMES_("adds", "subs") /* r6: pi, r4: pr */
        "mov r1, r11\n\t"
        "mov r2, r12\n\t"
        "subs r3, r1, r4\n\t"
        "adds r5, r1, r4\n\t"
        "adds r4, r2, r6\n\t"
        "subs r6, r6, r2\n\t"
        "stmia r0!, {r3, r4}\n\t"
        "mov r7, r8\n\t"
        "stmia r7!, {r5, r6}\n\t"
        "subs r7, r7, #16\n\t"
        "mov r8, r7\n\t"
        "cmp r0, r7\n\t"
        "bne 1b\n\t"
        "mov r7, lr"
        : "+r"(at), "+r"(up), "+r"(w)
        :
        : "r1", "r2", "r3", "r4", "r5", "r6", "r11", "r12", "lr", "cc", "memory");
}
#endif
#endif
