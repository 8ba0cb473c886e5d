/* The first transforms of fft32.h by the instructions that multiply two samples at a time: the same integers as in C. */
#include "samples.h"
#include "twiddle32.h"
#ifndef MICROMLGEN_FFT32_FIRST_DSP_2
#define MICROMLGEN_FFT32_FIRST_DSP_2
#if defined(MML2_FFT32_DSP_) && defined(__OPTIMIZE__) && defined(__ARM_FEATURE_UNALIGNED)
#define MML2_FFT32_DUAL_
/* Two of four numbers, of the samples at r0 and r1: r2 and r0 are their sum, r4 and r1 their difference, shifted. By
   the elements of the window at r2 and, the other way round, r3; or by those of w, which are 1, over t. */
#define MML2_DUAL_TWO_(r0, r1, r2, r3, r4, shift) \
    "pkhbt " r4 ", " r0 ", " r1 ", lsl #16\n\t pkhtb " r1 ", " r1 ", " r0 ", asr #16\n\t" \
    "pkhbt " r0 ", " r2 ", " r3 "\n\t pkhbt " r3 ", " r3 ", " r2 "\n\t" \
    "smuad " r2 ", " r4 ", " r0 "\n\t smusd " r4 ", " r4 ", " r0 "\n\t" \
    "smuadx " r0 ", " r1 ", " r3 "\n\t smusdx " r1 ", " r1 ", " r3 "\n\t" \
    MML2_DUAL_SHIFT_(r0, r1, r2, r2, r4, shift)
#define MML2_DUAL_PLAIN_(r0, r1, t, r2, r4, shift) \
    "pkhbt " r4 ", " r0 ", " r1 ", lsl #16\n\t pkhtb " r1 ", " r1 ", " r0 ", asr #16\n\t" \
    "smuad " t ", " r4 ", %[w]\n\t smusd " r4 ", " r4 ", %[w]\n\t" \
    "smuad " r0 ", " r1 ", %[w]\n\t smusd " r1 ", " r1 ", %[w]\n\t" \
    MML2_DUAL_SHIFT_(r0, r1, t, r2, r4, shift)
#define MML2_DUAL_SHIFT_(r0, r1, t, r2, r4, shift) \
    shift " " r2 ", " t ", %[by]\n\t " shift " " r0 ", " r0 ", %[by]\n\t" \
    shift " " r4 ", " r4 ", %[by]\n\t " shift " " r1 ", " r1 ", %[by]\n\t"

#define MML2_DUAL_EVEN_(shift) \
    "ldr %[r2], [%[w]]\n\t ldr %[r3], [%[v], %[half]]\n\t" \
    MML2_DUAL_TWO_("%[r0]", "%[r1]", "%[r2]", "%[r3]", "%[r4]", shift)
#define MML2_DUAL_ODD_(shift) \
    "ldr %[w], [%[w], %[half]]\n\t ldr %[v], [%[v]]\n\t" \
    MML2_DUAL_TWO_("%[r3]", "%[x]", "%[w]", "%[v]", "%[r5]", shift)
#define MML2_DUAL_ON_ "add %[w], %[w], %[r0]\n\t sub %[v], %[v], %[r0]\n\t"

/* Transforms of four, and of the next ones whose samples are as many bytes on as r0, until `late` is 1: `even` and `odd` are
   those of two, `on` moves w and v. The lowest bits of `late` are of those where the fourth number was to be the first. */
#define MML2_DUAL_FOURS_(even, odd, on) \
    __asm__ volatile( \
        "push {%[r0]}\n" \
        "1:\n\t" \
        "push {%[x], %[w], %[v]}\n\t" \
        "ldr %[r0], [%[x]]\n\t" \
        "ldr %[r1], [%[x], %[half], lsl #1]\n\t" \
        even \
        "ldr %[r3], [%[x], %[half]]\n\t" \
        "add %[x], %[x], %[half]\n\t" \
        "ldr %[x], [%[x], %[half], lsl #1]\n\t" \
        odd \
        "add %[v], %[r2], %[w]\n\t" /* v and r2: number 0; w and r3: number 2 */ \
        "sub %[w], %[r2], %[w]\n\t" \
        "add %[r2], %[r0], %[r3]\n\t" \
        "sub %[r3], %[r0], %[r3]\n\t" \
        "add %[r0], %[r4], %[x]\n\t" /* r0 and r4: number 1; x and r5: number 3 */ \
        "sub %[x], %[r4], %[x]\n\t" \
        "sub %[r4], %[r1], %[r5]\n\t" \
        "add %[r5], %[r1], %[r5]\n\t" \
        "strd %[v], %[r2], [%[z]], #8\n\t" \
        "lsrs %[late], %[late], #1\n\t" \
        "bcs 2f\n\t" \
        "strd %[r0], %[r4], [%[z]], #8\n\t" \
        "strd %[w], %[r3], [%[z]], #8\n\t" \
        "strd %[x], %[r5], [%[z]], #8\n" \
        "3:\n\t" \
        "pop {%[x], %[w], %[v]}\n\t" \
        "ldr %[r0], [sp]\n\t" \
        "add %[x], %[x], %[r0]\n\t" \
        on \
        "cmp %[late], #1\n\t" \
        "bne 1b\n\t" \
        "b 4f\n" \
        "2:\n\t" \
        "rsb %[r0], %[r0], #0\n\t" \
        "rsb %[w], %[w], #0\n\t" \
        "rsb %[r3], %[r3], #0\n\t" \
        "rsb %[r5], %[r5], #0\n\t" \
        "strd %[r4], %[r0], [%[z]], #8\n\t" \
        "strd %[w], %[r3], [%[z]], #8\n\t" \
        "strd %[r5], %[x], [%[z]], #8\n\t" \
        "b 3b\n" \
        "4:\n\t" \
        "add sp, #4" \
        : [x] "+&r"(x), [w] "+&r"(w), [v] "+&r"(v), [z] "+&r"(z), [late] "+&r"(late), [r0] "+&r"(r0), [r1] "=&r"(r1), \
          [r2] "=&r"(r2), [r3] "=&r"(r3), [r4] "=&r"(r4), [r5] "=&r"(r5) \
        : [half] "r"(size), [by] "r"(by) \
        : "cc", "memory")

/* Transforms of the numbers first, first + M / 4, first + M / 2, first + 3 M / 4 of M = size and, `digit` on, of more:
   as many as `late` has bits below the highest. Returns what is behind them. Without a window nothing is shifted down. */
static inline int32_t *mml2_dual_fours(
    mml2_samples_t in, int32_t *z, int32_t first, int32_t digit, uint32_t late, uint32_t size)
{
    register const int16_t *x __asm__("r4") = in.x + 2 * first;
    register uintptr_t w __asm__("r5") = in.windowed ? (uintptr_t)(in.window + 2 * first) : 0x10001u;
    register uintptr_t v __asm__("r6") = (uintptr_t)(in.window + size / 2u - 1 - 2 * first); /* backwards */
    const int32_t shift = in.shift + in.up, by = shift < 0 ? -shift : shift;
    int32_t r0 = 4 * digit, r1, r2, r3, r4, r5;
    if (!in.windowed) {
        MML2_DUAL_FOURS_(
            MML2_DUAL_PLAIN_("%[r0]", "%[r1]", "%[r2]", "%[r2]", "%[r4]", "lsl"),
            MML2_DUAL_PLAIN_("%[r3]", "%[x]", "%[v]", "%[w]", "%[r5]", "lsl"), "");
    } else if (shift < 0) {
        MML2_DUAL_FOURS_(MML2_DUAL_EVEN_("asr"), MML2_DUAL_ODD_("asr"), MML2_DUAL_ON_);
    } else {
        MML2_DUAL_FOURS_(MML2_DUAL_EVEN_("lsl"), MML2_DUAL_ODD_("lsl"), MML2_DUAL_ON_);
    }
    return z;
}
#endif
#endif
