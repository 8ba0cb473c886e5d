/* AVR's own passes of radix 4 of fft32.h, where it has a multiplier: the same integers as in C. */
#include "addresses.h"
#include "avr32.h"
#ifndef MICROMLGEN_FFT32_PASS_AVR_2
#define MICROMLGEN_FFT32_PASS_AVR_2
#if defined(MML2_AVR_MUL_)
/* What the butterflies of a twiddle have in common. */
typedef struct {
    uint16_t cos1, sin1, cos2, sin2; /* -cos and -sin, and where `turned` cos and -sin, in Q15 */
    uint8_t turned;
    const int32_t *end;
    int32_t room[4]; /* for t2 and t3 */
} mml2_avr32_twiddles_t;
#define MML2_AVR32_TURNED_ "Y+8"
#define MML2_AVR32_T2R_ "Y+11"
#define MML2_AVR32_T2I_ "Y+15"
#define MML2_AVR32_T3R_ "Y+19"
#define MML2_AVR32_T3I_ "Y+23" /* the negative */
#define MML2_AVR32_ON_ "add r30,r26\n\t adc r31,r27\n\t"
#define MML2_AVR32_BACK_ "sub r30,r26\n\t sbc r31,r27\n\t"

/* Of t0 or t1 in `of` and t2 or t3 in `room`: their sum or difference, which is stored, and in `of` the other. */
#define MML2_AVR32_W_ "r20", "r21", "r22", "r23"
#define MML2_AVR32_OUT_(of, first, other, room, at) \
    MML2_AVR32_LOAD_(MML2_AVR32_W_, room) first(of, MML2_AVR32_W_) MML2_AVR32_STORE_(of, at) \
    other(of, MML2_AVR32_W_) other(of, MML2_AVR32_W_)

/* All butterflies of two twiddles from z on, `quarter` complex numbers between the four of each: some 870 cycles each. */
static inline void mml2_avr32_butterflies(int32_t *z, uint16_t quarter, mml2_avr32_twiddles_t *of)
{
    register uint16_t twiddles __asm__("r24") = (uint16_t)of;
    __asm__ volatile(
        "push r28\n\t push r29\n\t movw r28,r24\n\t clr r2\n"
        "1:\n\t ldd r20,Y+0\n\t ldd r21,Y+1\n\t ldd r22,Y+2\n\t ldd r23,Y+3\n\t"
        MML2_AVR32_ON_ /* a: p0 is its real part, p1 minus its imaginary one */
        MML2_AVR32_LOAD_NEGATIVE_(MML2_AVR32_N0_, "Z+0") MML2_AVR32_LOAD_NEGATIVE_(MML2_AVR32_N1_, "Z+4")
        MML2_AVR32_IS_(MML2_AVR32_P0_, MML2_AVR32_N1_, MML2_AVR32_SIN_)
        MML2_AVR32_IS_(MML2_AVR32_P1_, MML2_AVR32_N0_, MML2_AVR32_SIN_)
        MML2_AVR32_PLUS_(MML2_AVR32_P0_, MML2_AVR32_N0_, MML2_AVR32_COS_)
        MML2_AVR32_LESS_(MML2_AVR32_P1_, MML2_AVR32_N1_, MML2_AVR32_COS_)
        MML2_AVR32_STORE_(MML2_AVR32_P0_, MML2_AVR32_T2R_) MML2_AVR32_STORE_(MML2_AVR32_P1_, MML2_AVR32_T2I_)
        MML2_AVR32_ON_ MML2_AVR32_ON_ /* c: p0 is minus its real part, p1 its imaginary one */
        MML2_AVR32_LOAD_NEGATIVE_(MML2_AVR32_N0_, "Z+0") MML2_AVR32_LOAD_NEGATIVE_(MML2_AVR32_N1_, "Z+4")
        MML2_AVR32_IS_(MML2_AVR32_P0_, MML2_AVR32_N1_, MML2_AVR32_SIN_)
        MML2_AVR32_IS_(MML2_AVR32_P1_, MML2_AVR32_N0_, MML2_AVR32_SIN_)
        MML2_AVR32_LESS_(MML2_AVR32_P0_, MML2_AVR32_N0_, MML2_AVR32_COS_)
        MML2_AVR32_PLUS_(MML2_AVR32_P1_, MML2_AVR32_N1_, MML2_AVR32_COS_)
        MML2_AVR32_LOAD_(MML2_AVR32_N0_, MML2_AVR32_T2R_) MML2_AVR32_LOAD_(MML2_AVR32_N1_, MML2_AVR32_T2I_)
        MML2_AVR32_APART_(MML2_AVR32_N0_, MML2_AVR32_P0_) MML2_AVR32_APART_(MML2_AVR32_P1_, MML2_AVR32_N1_)
        MML2_AVR32_STORE_(MML2_AVR32_N0_, MML2_AVR32_T2R_) MML2_AVR32_STORE_(MML2_AVR32_P0_, MML2_AVR32_T3R_)
        MML2_AVR32_STORE_(MML2_AVR32_P1_, MML2_AVR32_T2I_) MML2_AVR32_STORE_(MML2_AVR32_N1_, MML2_AVR32_T3I_)
        "ldd r20,Y+4\n\t ldd r21,Y+5\n\t ldd r22,Y+6\n\t ldd r23,Y+7\n\t"
        MML2_AVR32_BACK_ /* b: as a */
        MML2_AVR32_LOAD_NEGATIVE_(MML2_AVR32_N0_, "Z+0") MML2_AVR32_LOAD_NEGATIVE_(MML2_AVR32_N1_, "Z+4")
        MML2_AVR32_IS_(MML2_AVR32_P0_, MML2_AVR32_N1_, MML2_AVR32_SIN_)
        MML2_AVR32_IS_(MML2_AVR32_P1_, MML2_AVR32_N0_, MML2_AVR32_SIN_)
        "ldd r24," MML2_AVR32_TURNED_ "\n\t sbrs r24,0\n\t rjmp 2f\n\t"
        MML2_AVR32_NEGATE_(MML2_AVR32_N0_) MML2_AVR32_NEGATE_(MML2_AVR32_N1_)
        "\n2:\n\t"
        MML2_AVR32_PLUS_(MML2_AVR32_P0_, MML2_AVR32_N0_, MML2_AVR32_COS_)
        MML2_AVR32_LESS_(MML2_AVR32_P1_, MML2_AVR32_N1_, MML2_AVR32_COS_)
        MML2_AVR32_BACK_ MML2_AVR32_BACK_
        MML2_AVR32_LOAD_(MML2_AVR32_N0_, "Z+0") MML2_AVR32_LOAD_(MML2_AVR32_N1_, "Z+4")
        MML2_AVR32_HALF_(MML2_AVR32_N0_) MML2_AVR32_HALF_(MML2_AVR32_N1_)
        /* n0 and p1 are t0, p0 and n1 are t1 */
        MML2_AVR32_APART_(MML2_AVR32_N0_, MML2_AVR32_P0_) MML2_AVR32_APART_(MML2_AVR32_N1_, MML2_AVR32_P1_)
        MML2_AVR32_OUT_(MML2_AVR32_N0_, MML2_AVR32_SUB_, MML2_AVR32_ADD_, MML2_AVR32_T2R_, "Z+0")
        MML2_AVR32_OUT_(MML2_AVR32_P1_, MML2_AVR32_SUB_, MML2_AVR32_ADD_, MML2_AVR32_T2I_, "Z+4")
        MML2_AVR32_ON_
        MML2_AVR32_OUT_(MML2_AVR32_P0_, MML2_AVR32_ADD_, MML2_AVR32_SUB_, MML2_AVR32_T3I_, "Z+0")
        MML2_AVR32_OUT_(MML2_AVR32_N1_, MML2_AVR32_ADD_, MML2_AVR32_SUB_, MML2_AVR32_T3R_, "Z+4")
        MML2_AVR32_ON_ MML2_AVR32_STORE_(MML2_AVR32_N0_, "Z+0") MML2_AVR32_STORE_(MML2_AVR32_P1_, "Z+4")
        MML2_AVR32_ON_ MML2_AVR32_STORE_(MML2_AVR32_P0_, "Z+0") MML2_AVR32_STORE_(MML2_AVR32_N1_, "Z+4")
        MML2_AVR32_ON_
        "ldd r24,Y+9\n\t ldd r25,Y+10\n\t cp r30,r24\n\t cpc r31,r25\n\t brsh 3f\n\t rjmp 1b\n"
        "3:\n\t clr r1\n\t pop r29\n\t pop r28"
        : "+z"(z), "+r"(twiddles)
        : "x"(8u * quarter)
        : "r20", "r21", "r22", "r23", MML2_AVR32_USED_);
}

/* A pass of such. Twiddles of 1 are as others: half of a negative number, rounded down. */
static __attribute__((noinline, unused)) void mml2_avr32_pass(
    int32_t *z, uint16_t size, uint16_t quarter, MML2_FLASH_AT(int16_t) table)
{
    const uint16_t step = (uint16_t)(size / 2u / quarter);
    mml2_avr32_twiddles_t of;
    uint16_t k;
    of.end = z + 2u * size;
    for (k = 0; k != size / 2u; k = (uint16_t)(k + step), z += 2) {
        const uint8_t turned = k > size / 4u;
        const uint16_t twice = turned ? 2u * k - size / 2u : 2u * k;
        const uint32_t w1 = MML2_FLASH_GET_U32(MML2_FLASH_SKIP(int16_t, table, 2u * k), 0);
        const uint32_t w2 = MML2_FLASH_GET_U32(MML2_FLASH_SKIP(int16_t, table, 2u * twice), 0);
        const uint16_t c = (uint16_t)(0u - (uint16_t)w2), s = (uint16_t)(0u - (uint16_t)(w2 >> 16));
        of.cos1 = (uint16_t)(0u - (uint16_t)w1);
        of.sin1 = (uint16_t)(0u - (uint16_t)(w1 >> 16));
        of.cos2 = turned ? s : c;
        of.sin2 = turned ? c : s;
        of.turned = turned;
        mml2_avr32_butterflies(z, quarter, &of);
    }
}
#endif
#endif
