/* AVR's own last pass of fft32.h, where it has a multiplier: the same integers as in C. */
#include "addresses.h"
#include "avr32.h"
#ifndef MICROMLGEN_FFT32_APART_AVR_2
#define MICROMLGEN_FFT32_APART_AVR_2
#if defined(MML2_AVR_MUL_)
/* The bits of a without its sign join those in r20 to r23: 13 cycles. */
#define MML2_AVR32_BITS4_(a0, a1, a2, a3) \
    "mov r3," a3 "\n\t lsl r3\n\t sbc r3,r3\n\t" \
    "movw r24," a0 "\n\t eor r24,r3\n\t eor r25,r3\n\t or r20,r24\n\t or r21,r25\n\t" \
    "movw r24," a2 "\n\t eor r24,r3\n\t eor r25,r3\n\t or r22,r24\n\t or r23,r25\n\t"
#define MML2_AVR32_BITS_(...) MML2_AVR32_DO_(MML2_AVR32_BITS4_, __VA_ARGS__)
/* Two bins from the numbers at the same distance from both ends, by the twiddle -cos, -sin: 410 cycles. Returns their bits. */
static inline uint32_t mml2_avr32_bins(int32_t *low, int32_t *high, uint16_t cos, uint16_t sin)
{
    register uint16_t y __asm__("r24") = (uint16_t)high;
    register uint32_t w __asm__("r20") = (uint32_t)sin << 16 | cos;
    __asm__ volatile(
        "push r28\n\t push r29\n\t movw r28,r24\n\t clr r2\n\t"
        MML2_AVR32_LOAD_(MML2_AVR32_P0_, "Z+0") MML2_AVR32_LOAD_(MML2_AVR32_N1_, "Y+0") MML2_AVR32_APART_(MML2_AVR32_N1_, MML2_AVR32_P0_)
        MML2_AVR32_HALF_(MML2_AVR32_P0_) MML2_AVR32_STORE_(MML2_AVR32_P0_, "Z+0")
        MML2_AVR32_LOAD_(MML2_AVR32_P1_, "Z+4") MML2_AVR32_LOAD_(MML2_AVR32_N0_, "Y+4") MML2_AVR32_APART_(MML2_AVR32_P1_, MML2_AVR32_N0_)
        MML2_AVR32_HALF_(MML2_AVR32_P1_) MML2_AVR32_STORE_(MML2_AVR32_P1_, "Z+4") MML2_AVR32_NEGATE_(MML2_AVR32_N0_)
        /* p0 becomes minus the product's real part, p1 the imaginary one */
        MML2_AVR32_IS_(MML2_AVR32_P0_, MML2_AVR32_N1_, MML2_AVR32_SIN_)
        MML2_AVR32_IS_(MML2_AVR32_P1_, MML2_AVR32_N0_, MML2_AVR32_SIN_)
        MML2_AVR32_LESS_(MML2_AVR32_P0_, MML2_AVR32_N0_, MML2_AVR32_COS_)
        MML2_AVR32_PLUS_(MML2_AVR32_P1_, MML2_AVR32_N1_, MML2_AVR32_COS_)
        MML2_AVR32_LOAD_(MML2_AVR32_N0_, "Z+0") MML2_AVR32_LOAD_(MML2_AVR32_N1_, "Z+4")
        MML2_AVR32_APART_(MML2_AVR32_N0_, MML2_AVR32_P0_) MML2_AVR32_APART_(MML2_AVR32_P1_, MML2_AVR32_N1_)
        MML2_AVR32_STORE_(MML2_AVR32_P0_, "Z+0") MML2_AVR32_STORE_(MML2_AVR32_N0_, "Y+0")
        MML2_AVR32_STORE_(MML2_AVR32_N1_, "Z+4") MML2_AVR32_STORE_(MML2_AVR32_P1_, "Y+4")
        "clr r20\n\t clr r21\n\t movw r22,r20\n\t"
        MML2_AVR32_BITS_(MML2_AVR32_P0_) MML2_AVR32_BITS_(MML2_AVR32_N0_)
        MML2_AVR32_BITS_(MML2_AVR32_N1_) MML2_AVR32_BITS_(MML2_AVR32_P1_)
        "clr r1\n\t pop r29\n\t pop r28"
        : "+&r"(w), "+&r"(y)
        : "z"(low)
        : MML2_AVR32_USED_);
    return w;
}

/* The same of all pairs of bins from the ends to the middle. */
static __attribute__((noinline, unused)) uint32_t mml2_avr32_apart(
    int32_t *low, int32_t *high, MML2_FLASH_AT(int16_t) table)
{
    uint32_t every = 0;
    uint16_t k;
    for (k = 2; low != high; low += 2, high -= 2, k = (uint16_t)(k + 2u)) {
        const uint32_t w = MML2_FLASH_GET_U32(MML2_FLASH_SKIP(int16_t, table, k), 0);
        every |= mml2_avr32_bins(low, high, (uint16_t)(0u - (uint16_t)w), (uint16_t)(0u - (uint16_t)(w >> 16)));
    }
    return every;
}
#endif
#endif
