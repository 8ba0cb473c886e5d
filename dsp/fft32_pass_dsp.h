/* Butterflies of fft32.h by the instructions that multiply 32 by 16 bits: the same integers as in C. */
#include "twiddle32.h"
#ifndef MICROMLGEN_FFT32_PASS_DSP_2
#define MICROMLGEN_FFT32_PASS_DSP_2
#if defined(MML2_FFT32_DSP_) && defined(__OPTIMIZE__)
#define MML2_FFT32_UNROLLED_ /* passes whose distances are constants */
/* That of fft32_butterfly.h, in an order that needs no more registers than there are. */
static inline int32_t *mml2_dsp_butterfly(int32_t *z, uint_fast16_t quarter, mml2_twiddle_t w1, mml2_twiddle_t w2)
{
    int32_t r0, r1, r2, r3, r4, r5, r6, r7, r8;
    __asm__ volatile(
        "add %[z], %[z], %[apart]\n\t"
        "ldrd %[r0], %[r1], [%[z]]\n\t" /* a */
        "add %[z], %[z], %[apart], lsl #1\n\t"
        "smulwb %[r2], %[r0], %[w1]\n\t"
        "smlawt %[r2], %[r1], %[w1], %[r2]\n\t" /* r2: ar */
        "smulwb %[r1], %[r1], %[w1]\n\t"
        "smulwt %[r0], %[r0], %[w1]\n\t"
        "sub %[r1], %[r1], %[r0]\n\t" /* r1: ai */
        "ldrd %[r3], %[r4], [%[z]]\n\t" /* c */
        "sub %[z], %[z], %[apart]\n\t"
        "smulwb %[r0], %[r3], %[w1]\n\t"
        "smulwt %[r5], %[r4], %[w1]\n\t"
        "sub %[r0], %[r0], %[r5]\n\t" /* r0: cr */
        "smulwb %[r4], %[r4], %[w1]\n\t"
        "smlawt %[r4], %[r3], %[w1], %[r4]\n\t" /* r4: ci */
        "add %[r3], %[r2], %[r0]\n\t" /* r3: t2r */
        "sub %[r2], %[r2], %[r0]\n\t" /* r2: t3r */
        "add %[r5], %[r1], %[r4]\n\t" /* r5: t2i */
        "sub %[r1], %[r1], %[r4]\n\t" /* r1: t3i */
        "ldrd %[r0], %[r4], [%[z]]\n\t" /* b */
        "sub %[z], %[z], %[apart], lsl #1\n\t"
        "smulwb %[r6], %[r0], %[w2]\n\t"
        "smlawt %[r6], %[r4], %[w2], %[r6]\n\t" /* r6: br */
        "smulwb %[r4], %[r4], %[w2]\n\t"
        "smulwt %[r0], %[r0], %[w2]\n\t"
        "sub %[r4], %[r4], %[r0]\n\t" /* r4: bi */
        "ldrd %[r0], %[r7], [%[z]]\n\t"
        "rsb %[r8], %[r6], %[r0], asr #1\n\t" /* r8: t0r */
        "add %[r0], %[r6], %[r0], asr #1\n\t" /* r0: t1r */
        "rsb %[r6], %[r4], %[r7], asr #1\n\t" /* r6: t0i */
        "add %[r7], %[r4], %[r7], asr #1\n\t" /* r7: t1i */
        "sub %[r4], %[r8], %[r3]\n\t"
        "add %[r8], %[r8], %[r3]\n\t"
        "sub %[r3], %[r6], %[r5]\n\t"
        "add %[r6], %[r6], %[r5]\n\t"
        "strd %[r4], %[r3], [%[z]]\n\t"
        "add %[z], %[z], %[apart]\n\t"
        "sub %[r4], %[r0], %[r1]\n\t"
        "add %[r3], %[r7], %[r2]\n\t"
        "strd %[r4], %[r3], [%[z]]\n\t"
        "add %[z], %[z], %[apart]\n\t"
        "strd %[r8], %[r6], [%[z]]\n\t"
        "add %[z], %[z], %[apart]\n\t"
        "add %[r0], %[r0], %[r1]\n\t"
        "sub %[r7], %[r7], %[r2]\n\t"
        "strd %[r0], %[r7], [%[z]]\n\t"
        "add %[z], %[z], %[apart]\n\t"
        : [z] "+r"(z), [r0] "=&r"(r0), [r1] "=&r"(r1), [r2] "=&r"(r2), [r3] "=&r"(r3), [r4] "=&r"(r4),
          [r5] "=&r"(r5), [r6] "=&r"(r6), [r7] "=&r"(r7), [r8] "=&r"(r8)
        : [w1] "r"(w1), [w2] "r"(w2), [apart] "r"(8u * quarter)
        : "memory");
    return z;
}
/* The same for distances up to 64, which are constants: z is 516 bytes further where it is 64. */
static inline __attribute__((always_inline)) int32_t *mml2_dsp_butterfly_at(
    int32_t *z, const int quarter, mml2_twiddle_t w1, mml2_twiddle_t w2)
{
    int32_t r0, r1, r2, r3, r4, r5, r6, r7, r8;
    __asm__ volatile(
        "ldrd %[r0], %[r1], [%[z], %[a]]\n\t" /* a */
        "smulwb %[r2], %[r0], %[w1]\n\t"
        "smlawt %[r2], %[r1], %[w1], %[r2]\n\t" /* r2: ar */
        "smulwb %[r1], %[r1], %[w1]\n\t"
        "smulwt %[r0], %[r0], %[w1]\n\t"
        "sub %[r1], %[r1], %[r0]\n\t" /* r1: ai */
        "ldrd %[r3], %[r4], [%[z], %[c]]\n\t" /* c */
        "smulwb %[r0], %[r3], %[w1]\n\t"
        "smulwt %[r5], %[r4], %[w1]\n\t"
        "sub %[r0], %[r0], %[r5]\n\t" /* r0: cr */
        "smulwb %[r4], %[r4], %[w1]\n\t"
        "smlawt %[r4], %[r3], %[w1], %[r4]\n\t" /* r4: ci */
        "add %[r3], %[r2], %[r0]\n\t" /* r3: t2r */
        "sub %[r2], %[r2], %[r0]\n\t" /* r2: t3r */
        "add %[r5], %[r1], %[r4]\n\t" /* r5: t2i */
        "sub %[r1], %[r1], %[r4]\n\t" /* r1: t3i */
        "ldrd %[r0], %[r4], [%[z], %[b]]\n\t" /* b */
        "smulwb %[r6], %[r0], %[w2]\n\t"
        "smlawt %[r6], %[r4], %[w2], %[r6]\n\t" /* r6: br */
        "smulwb %[r4], %[r4], %[w2]\n\t"
        "smulwt %[r0], %[r0], %[w2]\n\t"
        "sub %[r4], %[r4], %[r0]\n\t" /* r4: bi */
        "ldrd %[r0], %[r7], [%[z], %[o]]\n\t"
        "rsb %[r8], %[r6], %[r0], asr #1\n\t" /* r8: t0r */
        "add %[r0], %[r6], %[r0], asr #1\n\t" /* r0: t1r */
        "rsb %[r6], %[r4], %[r7], asr #1\n\t" /* r6: t0i */
        "add %[r7], %[r4], %[r7], asr #1\n\t" /* r7: t1i */
        "sub %[r4], %[r8], %[r3]\n\t"
        "add %[r8], %[r8], %[r3]\n\t"
        "sub %[r3], %[r6], %[r5]\n\t"
        "add %[r6], %[r6], %[r5]\n\t"
        "strd %[r4], %[r3], [%[z], %[o]]\n\t"
        "sub %[r4], %[r0], %[r1]\n\t"
        "add %[r3], %[r7], %[r2]\n\t"
        "strd %[r4], %[r3], [%[z], %[a]]\n\t"
        "strd %[r8], %[r6], [%[z], %[b]]\n\t"
        "add %[r0], %[r0], %[r1]\n\t"
        "sub %[r7], %[r7], %[r2]\n\t"
        "strd %[r0], %[r7], [%[z], %[c]]\n\t"
        : [z] "+r"(z), [r0] "=&r"(r0), [r1] "=&r"(r1), [r2] "=&r"(r2), [r3] "=&r"(r3), [r4] "=&r"(r4),
          [r5] "=&r"(r5), [r6] "=&r"(r6), [r7] "=&r"(r7), [r8] "=&r"(r8)
        : [w1] "r"(w1), [w2] "r"(w2), [o] "i"(quarter > 32 ? -516 : 0),
          [a] "i"(quarter > 32 ? 8 * quarter - 516 : 8 * quarter),
          [b] "i"(quarter > 32 ? 16 * quarter - 516 : 16 * quarter),
          [c] "i"(quarter > 32 ? 24 * quarter - 516 : 24 * quarter)
        : "memory");
    return z + 8 * quarter;
}
#endif
#endif
