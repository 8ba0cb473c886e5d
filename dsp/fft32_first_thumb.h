/* The first transforms of fft32.h for cores of Thumb-1: the same integers as in C. */
#include "samples.h"
#include "thumb32.h"
#ifndef MICROMLGEN_FFT32_FIRST_THUMB_2
#define MICROMLGEN_FFT32_FIRST_THUMB_2
#if defined(MML2_THUMB_)
/* One part of four numbers: samples from r0 on times elements of the window from r1 on and, backwards, r2, r10 bytes
   apart, two of which are shifted by r9. r5 and r3 are the sum and the difference of the even two, r7 and r4 of the odd. */
#define MML2_THUMB_PARTS_(shift) \
    "movs r7, #0\n\t ldrsh r3, [r0, r7]\n\t ldrsh r4, [r1, r7]\n\t muls r3, r4\n\t" \
    "mov r7, r10\n\t ldrsh r5, [r2, r7]\n\t lsls r7, r7, #1\n\t ldrsh r4, [r0, r7]\n\t muls r4, r5\n\t" \
    "adds r5, r3, r4\n\t subs r3, r3, r4\n\t" \
    "mov r7, r9\n\t " shift " r5, r7\n\t " shift " r3, r7\n\t" \
    "mov r7, r10\n\t ldrsh r4, [r0, r7]\n\t ldrsh r6, [r1, r7]\n\t muls r4, r6\n\t" \
    "lsls r6, r7, #1\n\t adds r7, r7, r6\n\t ldrsh r6, [r0, r7]\n\t movs r7, #0\n\t ldrsh r7, [r2, r7]\n\t muls r6, r7\n\t" \
    "adds r7, r4, r6\n\t subs r4, r4, r6\n\t" \
    "mov r6, r9\n\t " shift " r7, r6\n\t " shift " r4, r6\n\t"
/* Transforms of four, and of the next ones whose samples are two more than r3 bytes on, until r12 is 1: its lowest bits
   are of those where the fourth number was to be the first. */
#define MML2_THUMB_FOURS_(shift) \
    ".syntax unified\n\t" \
    "push {r3, r7}\n" \
    "1:\n\t" \
    MML2_THUMB_PARTS_(shift) \
    "adds r6, r5, r7\n\t" \
    "subs r5, r5, r7\n\t" \
    "mov r7, r8\n\t" \
    "str r6, [r7]\n\t" \
    "str r5, [r7, #16]\n\t" \
    "mov r11, r3\n\t" \
    "mov lr, r4\n\t" \
    "adds r0, r0, #2\n\t" \
    "adds r1, r1, #2\n\t" \
    "subs r2, r2, #2\n\t" \
    MML2_THUMB_PARTS_(shift) \
    "adds r6, r5, r7\n\t" \
    "subs r5, r5, r7\n\t" \
    "mov r7, r8\n\t" \
    "str r6, [r7, #4]\n\t" \
    "str r5, [r7, #20]\n\t" \
    "mov r6, r12\n\t" \
    "lsrs r6, r6, #1\n\t" \
    "mov r12, r6\n\t" \
    "mov r5, r11\n\t" /* real parts: r5 and r6; imaginary ones: r3 and r4 */ \
    "mov r6, lr\n\t" \
    "bcs 2f\n\t" \
    "adds r5, r5, r4\n\t" \
    "str r5, [r7, #8]\n\t" \
    "lsls r4, r4, #1\n\t" \
    "subs r5, r5, r4\n\t" \
    "str r5, [r7, #24]\n\t" \
    "subs r3, r3, r6\n\t" \
    "str r3, [r7, #12]\n\t" \
    "lsls r6, r6, #1\n\t" \
    "adds r3, r3, r6\n\t" \
    "str r3, [r7, #28]\n" \
    "3:\n\t" \
    "adds r7, r7, #32\n\t" \
    "mov r8, r7\n\t" \
    "ldr r3, [sp]\n\t" \
    "adds r0, r0, r3\n\t" \
    "adds r1, r1, r3\n\t" \
    "subs r2, r2, r3\n\t" \
    "mov r3, r12\n\t" \
    "cmp r3, #1\n\t" \
    "bne 1b\n\t" \
    "b 4f\n" \
    "2:\n\t" \
    "adds r5, r5, r4\n\t" \
    "lsls r4, r4, #1\n\t" \
    "subs r4, r5, r4\n\t" \
    "str r4, [r7, #28]\n\t" \
    "rsbs r5, r5, #0\n\t" \
    "str r5, [r7, #12]\n\t" \
    "subs r3, r3, r6\n\t" \
    "str r3, [r7, #8]\n\t" \
    "lsls r6, r6, #1\n\t" \
    "adds r3, r3, r6\n\t" \
    "rsbs r3, r3, #0\n\t" \
    "str r3, [r7, #24]\n\t" \
    "ldr r3, [r7, #16]\n\t" \
    "rsbs r3, r3, #0\n\t" \
    "str r3, [r7, #16]\n\t" \
    "ldr r3, [r7, #20]\n\t" \
    "rsbs r3, r3, #0\n\t" \
    "str r3, [r7, #20]\n\t" \
    "b 3b\n" \
    "4:\n\t" \
    "pop {r3, r7}"
#define MML2_THUMB_RUN_(shift) \
    __asm__ volatile(MML2_THUMB_FOURS_(shift) \
        : "+&r"(x), "+&r"(w), "+&r"(v), "+&r"(on), "+&r"(at), "+&r"(after) \
        : "r"(by), "r"(apart) \
        : "r4", "r5", "r6", "r11", "lr", "cc", "memory")

/* Transforms of the numbers first, first + M / 4, first + M / 2, first + 3 M / 4 of M = size and, `digit` on, of more:
   as many as `late` has bits below the highest. Returns what is behind them. */
static inline int32_t *mml2_thumb_fours(
    mml2_samples_t in, int32_t *z, int32_t first, int32_t digit, uint32_t late, uint32_t size)
{
    const int32_t up = in.shift + in.up;
    register const int16_t *x __asm__("r0") = in.x + 2 * first;
    register const int16_t *w __asm__("r1") = in.window + 2 * first;
    register const int16_t *v __asm__("r2") = in.window + (size / 2u - (uint32_t)(2 * first));
    register int32_t on __asm__("r3") = 4 * digit - 2;
    register int32_t *at __asm__("r8") = z;
    register int32_t by __asm__("r9") = up < 0 ? -up : up;
    register uint32_t apart __asm__("r10") = size;
    register uint32_t after __asm__("r12") = late;
    if (up < 0) MML2_THUMB_RUN_("asrs");
    else MML2_THUMB_RUN_("lsls");
    return at;
}
#endif
#endif
