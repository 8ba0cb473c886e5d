/* Butterflies of fft32.h for cores of Thumb-1: the same integers as in C. */
#include "thumb32.h"
#include "twiddle32.h"
#ifndef MICROMLGEN_FFT32_PASS_THUMB_2
#define MICROMLGEN_FFT32_PASS_THUMB_2
#if defined(MML2_THUMB_)
/* Butterflies by the twiddles w1 and w2 of the numbers at z and, 4 * quarter numbers on from there, of all below `size`. */
static inline void mml2_thumb_butterflies(
    int32_t *z, uint_fast16_t size, uint_fast16_t quarter, mml2_twiddle_t w1, mml2_twiddle_t w2)
{
    /* From one number to what is needed next: from the fourth to the second, and from the third to the first; to the
       next one; to the fourth of the next four. */
    register int32_t back __asm__("r8") = -16 * (int32_t)quarter - 8;
    register int32_t next __asm__("r9") = 8 * (int32_t)quarter - 8;
    register int32_t on __asm__("r10") = 32 * (int32_t)quarter - 8;
    register int32_t *at __asm__("r0") = z + 6u * quarter;
    register int32_t c1 __asm__("r1") = w1.cos;
    register int32_t s1 __asm__("r2") = w1.sin;
    register int32_t c2 __asm__("r3") = w2.cos;
    register int32_t s2 __asm__("r4") = w2.sin;
    register int32_t *end __asm__("r5") = at + 2u * size;
    __asm__ volatile(
        ".syntax unified\n\t"
        "push {r1-r7}\n"
        "1:\n\t"
        "ldmia r0!, {r3, r4}\n\t" /* c */
        "add r0, r8\n\t"
        "ldr r1, [sp]\n\t"
        "ldr r2, [sp, #4]\n\t"
        MML2_THUMB_TIMES_("subs", "adds")
        "mov r11, r6\n\t"
        "mov r12, r4\n\t"
        "ldmia r0!, {r3, r4}\n\t" /* a */
        "add r0, r9\n\t"
        MML2_THUMB_TIMES_("adds", "subs")
        "mov r5, r11\n\t"
        "subs r7, r6, r5\n\t"
        "add r11, r6\n\t" /* r11: t2r */
        "mov lr, r7\n\t" /* lr: t3r */
        "mov r5, r12\n\t"
        "subs r7, r4, r5\n\t"
        "add r12, r4\n\t" /* r12: t2i */
        "str r7, [sp, #20]\n\t" /* t3i */
        "ldmia r0!, {r3, r4}\n\t" /* b */
        "add r0, r8\n\t"
        "ldr r1, [sp, #8]\n\t"
        "ldr r2, [sp, #12]\n\t"
        MML2_THUMB_TIMES_("adds", "subs")
        "ldr r1, [r0]\n\t"
        "ldr r2, [r0, #4]\n\t"
        "asrs r1, r1, #1\n\t"
        "asrs r2, r2, #1\n\t"
        "subs r3, r1, r6\n\t" /* r3: t0r */
        "adds r1, r1, r6\n\t" /* r1: t1r */
        "subs r5, r2, r4\n\t" /* r5: t0i */
        "adds r2, r2, r4\n\t" /* r2: t1i */
        "mov r4, r11\n\t"
        "subs r6, r3, r4\n\t"
        "adds r3, r3, r4\n\t"
        "mov r4, r12\n\t"
        "subs r7, r5, r4\n\t"
        "adds r5, r5, r4\n\t"
        "stmia r0!, {r6, r7}\n\t"
        "add r0, r9\n\t"
        "ldr r4, [sp, #20]\n\t"
        "subs r6, r1, r4\n\t"
        "adds r1, r1, r4\n\t"
        "mov r4, lr\n\t"
        "adds r7, r2, r4\n\t"
        "subs r2, r2, r4\n\t"
        "stmia r0!, {r6, r7}\n\t"
        "add r0, r9\n\t"
        "stmia r0!, {r3, r5}\n\t"
        "add r0, r9\n\t"
        "stmia r0!, {r1, r2}\n\t"
        "add r0, r10\n\t"
        "ldr r4, [sp, #16]\n\t"
        "cmp r0, r4\n\t"
        "beq 2f\n\t"
        "b 1b\n"
        "2:\n\t"
        "add sp, #24\n\t"
        "pop {r7}"
        : "+r"(at), "+r"(c1), "+r"(s1), "+r"(c2), "+r"(s2), "+r"(end)
        : "r"(back), "r"(next), "r"(on)
        : "r6", "r11", "r12", "lr", "cc", "memory");
}

/* A butterfly by the eighth of a turn, whose cosine and sine are the same, and by the quarter. */
static inline int32_t *mml2_thumb_by_45(int32_t *z, uint_fast16_t quarter, mml2_twiddle_t w1)
{
    int32_t *const a = z + 2u * quarter, *const b = a + 2u * quarter, *const c = b + 2u * quarter;
    const int32_t a0 = mml2_times_cos(a[0], w1), a1 = mml2_times_cos(a[1], w1);
    const int32_t c0 = mml2_times_cos(c[0], w1), c1 = mml2_times_cos(c[1], w1);
    const int32_t ar = a0 + a1, ai = a1 - a0, cr = c0 - c1, ci = c1 + c0;
    const int32_t t2r = ar + cr, t2i = ai + ci, t3r = ar - cr, t3i = ai - ci;
    const int32_t br = (b[1] + 1) >> 1, bi = (b[0] + 1) >> 1;
    const int32_t t0r = (z[0] >> 1) + br, t0i = (z[1] >> 1) - bi, t1r = (z[0] >> 1) - br, t1i = (z[1] >> 1) + bi;
    z[0] = t0r - t2r;
    z[1] = t0i - t2i;
    a[0] = t1r - t3i;
    a[1] = t1i + t3r;
    b[0] = t0r + t2r;
    b[1] = t0i + t2i;
    c[0] = t1r + t3i;
    c[1] = t1i - t3r;
    return z + 8u * quarter;
}
#endif
#endif
