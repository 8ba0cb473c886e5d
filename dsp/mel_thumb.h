/* Sums of mel.h for cores of Thumb-1: the same integers as in C. */
#include "thumb32.h"
#ifndef MICROMLGEN_MEL_THUMB_2
#define MICROMLGEN_MEL_THUMB_2
#if defined(MML2_THUMB_)
/* The square of `a` over 2^32, over `low` and `square`. */
#define MML2_THUMB_SQUARE_(a, low, square) \
    "uxth " low ", " a "\n\t asrs " a ", " a ", #16\n\t mov " square ", " low "\n\t muls " square ", " low "\n\t" \
    "lsrs " square ", " square ", #17\n\t muls " low ", " a "\n\t adds " low ", " low ", " square "\n\t" \
    "asrs " low ", " low ", #15\n\t muls " a ", " a "\n\t adds " a ", " a ", " low "\n\t"

/* The sum of the powers of the bins from z to `end`, of which there are some, and in `rising` of half of them times their
   weights. Parts are shifted up by `up`. */
static inline uint32_t mml2_thumb_powers(
    const int32_t *z, const int32_t *end, uint32_t up, const int16_t *weights, uint32_t *rising)
{
    register const int32_t *at __asm__("r0") = z;
    register const int16_t *w __asm__("r1") = weights;
    register uint32_t every __asm__("r2") = 0;
    register uint32_t halves __asm__("r3") = 0;
    register const int32_t *last __asm__("r8") = end;
    register uint32_t by __asm__("r9") = up;
    __asm__ volatile(
        ".syntax unified\n\t"
        "mov r12, r7\n"
        "1:\n\t"
        "ldmia r0!, {r5, r6}\n\t"
        "mov r7, r9\n\t"
        "lsls r5, r7\n\t"
        "lsls r6, r7\n\t"
        MML2_THUMB_SQUARE_("r5", "r7", "r4")
        MML2_THUMB_SQUARE_("r6", "r7", "r4")
        "adds r5, r5, r6\n\t"
        "ldrh r6, [r1]\n\t"
        "adds r1, r1, #2\n\t"
        "adds r2, r2, r5\n\t"
        "uxth r4, r5\n\t"
        "muls r4, r6\n\t"
        "lsrs r4, r4, #16\n\t"
        "adds r3, r3, r4\n\t"
        "lsrs r5, r5, #16\n\t"
        "muls r5, r6\n\t"
        "adds r3, r3, r5\n\t"
        "cmp r0, r8\n\t"
        "bne 1b\n\t"
        "mov r7, r12"
        : "+&r"(at), "+&r"(w), "+&r"(every), "+&r"(halves)
        : "r"(last), "r"(by)
        : "r4", "r5", "r6", "r12", "cc", "memory");
    *rising = halves;
    return every;
}
#endif
#endif
