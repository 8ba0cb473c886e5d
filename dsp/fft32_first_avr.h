/* AVR's own first pass of fft32.h, where it has a multiplier: the same integers as in C. */
#include "avr32.h"
#include "fft32_first.h"
#ifndef MICROMLGEN_FFT32_FIRST_AVR_2
#define MICROMLGEN_FFT32_FIRST_AVR_2
#if defined(MML2_AVR_MUL_)
/* Samples, how they are scaled, and their number over 2: shifted up, times the window or `one`, and their sums and differences
   times `factor` over 2^8. */
typedef struct {
    const int16_t *x;
    uint16_t size, up;
    uint32_t ones; /* two of them, or 0 */
    uint8_t factor;
    MML2_FLASH_AT(int16_t) window;
    const mml2_samples_t *all; /* of framed ones */
} mml2_avr32_samples_t;

/* The exponent of `one`, if there is no window. */
#define MML2_AVR32_ONE_(in) ((in).shift < 0 ? 0 : (in).shift > 6 ? 14 : (in).shift + 8)
/* Whether that is all: samples are shifted down by 1 to 8 before `up` counts. It is constant where `in` is. */
#define MML2_AVR32_DOWN_(in) ((in).windowed || (in).framed ? -(in).shift : MML2_AVR32_ONE_(in) - (in).shift)
#define MML2_AVR32_FITS_(in) (MML2_AVR32_DOWN_(in) > 0 && MML2_AVR32_DOWN_(in) <= 8)

static inline mml2_avr32_samples_t mml2_avr32_samples(mml2_samples_t in, uint16_t size)
{
    const int8_t shift = (int8_t)((in.framed ? 0 : in.up) - MML2_AVR32_DOWN_(in)), up = (int8_t)(shift < 0 ? 0 : shift + 1);
    mml2_avr32_samples_t out;
    out.x = in.x;
    out.size = size;
    out.up = (uint16_t)(1u << (in.framed ? (int8_t)in.up : up));
    out.ones = in.windowed ? 0 : (uint32_t)0x10001 << MML2_AVR32_ONE_(in);
    out.factor = (uint8_t)(1u << ((shift - up) & 7));
    out.window = in.window;
    out.all = 0;
    return out;
}

/* p is the sample x, shifted up by r28 and r29, times w: 27 cycles. */
#define MML2_AVR32_SAMPLE_(x0, x1, w0, w1, p0, p1, p2, p3) \
    "mul " x0 ",r28\n\t movw r18,r0\n\t mul " x0 ",r29\n\t add r19,r0\n\t mul " x1 ",r28\n\t add r19,r0\n\t" \
    "mul r18," w0 "\n\t movw " p0 ",r0\n\t muls r19," w1 "\n\t movw " p2 ",r0\n\t" \
    "mulsu r19," w0 "\n\t sbc " p3 ",r2\n\t add " p1 ",r0\n\t adc " p2 ",r1\n\t adc " p3 ",r2\n\t" \
    "mulsu " w1 ",r18\n\t sbc " p3 ",r2\n\t add " p1 ",r0\n\t adc " p2 ",r1\n\t adc " p3 ",r2\n\t"
/* p times r3, over 2^8, to memory: 27 cycles. */
#define MML2_AVR32_SCALED4_(p0, p1, p2, p3, at) \
    "mov r18,r3\n\t movw r16," p2 "\n\t mul " p1 ",r18\n\t movw r24,r0\n\t mulsu r17,r18\n\t movw " p2 ",r0\n\t" \
    "mul " p0 ",r18\n\t add r24,r1\n\t adc r25,r2\n\t adc " p2 ",r2\n\t adc " p3 ",r2\n\t" \
    "mul r16,r18\n\t add r25,r0\n\t adc " p2 ",r1\n\t adc " p3 ",r2\n\t" \
    "std " at ",r24\n\t std " at "+1,r25\n\t std " at "+2," p2 "\n\t std " at "+3," p3 "\n\t"
#define MML2_AVR32_SCALED_(...) MML2_AVR32_DO_(MML2_AVR32_SCALED4_, __VA_ARGS__)

/* Two samples from `at` on times those of w, and the two `size` behind times those of v the other way round: their sums to
   z[0] and z[1], the differences to z[2] and z[3]. 260 cycles. */
static inline void mml2_avr32_two(const mml2_avr32_samples_t *in, uint16_t at, int32_t *z, uint32_t w, uint32_t v)
{
    const int16_t *x = in->x + at;
    register uint32_t first __asm__("r20") = w;
    register uint32_t second __asm__("r4") = v;
    register uint16_t on __asm__("r24") = (uint16_t)(2u * in->size - 4u);
    register uint16_t up __asm__("r16") = in->up;
    register uint8_t factor __asm__("r3") = in->factor;
    __asm__ volatile(
        "push r28\n\t push r29\n\t movw r28,r16\n\t clr r2\n\t"
        "ld r16,X+\n\t ld r17,X+\n\t ld r0,X+\n\t push r0\n\t ld r0,X+\n\t push r0\n\t"
        "add r26,r24\n\t adc r27,r25\n\t ld r24,X+\n\t ld r25,X+\n\t ld r0,X+\n\t ld r1,X\n\t movw r26,r0\n\t"
        MML2_AVR32_SAMPLE_("r16", "r17", "r20", "r21", "r8", "r9", "r10", "r11") "movw r20,r6\n\t"
        MML2_AVR32_SAMPLE_("r24", "r25", "r20", "r21", "r12", "r13", "r14", "r15")
        MML2_AVR32_APART_(MML2_AVR32_P0_, MML2_AVR32_P1_)
        MML2_AVR32_SCALED_(MML2_AVR32_P1_, "Z+0") MML2_AVR32_SCALED_(MML2_AVR32_P0_, "Z+8")
        "pop r25\n\t pop r24\n\t movw r20,r4\n\t"
        MML2_AVR32_SAMPLE_("r24", "r25", "r22", "r23", "r8", "r9", "r10", "r11")
        MML2_AVR32_SAMPLE_("r26", "r27", "r20", "r21", "r12", "r13", "r14", "r15")
        MML2_AVR32_APART_(MML2_AVR32_P0_, MML2_AVR32_P1_)
        MML2_AVR32_SCALED_(MML2_AVR32_P1_, "Z+4") MML2_AVR32_SCALED_(MML2_AVR32_P0_, "Z+12")
        "pop r29\n\t pop r28\n\t clr r1"
        : "+&r"(first), "+&r"(second), "+&r"(on), "+&r"(up), "+&r"(factor), "+&x"(x)
        : "z"(z)
        : "r0", "r2", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "r18", "r19", "memory");
}

/* Sample `at` of a frame that is shorter than the transform, or with emphasis: as mml2_fft32_sample. */
static __attribute__((noinline, unused)) int32_t mml2_avr32_framed(const mml2_samples_t *in, uint16_t at, uint16_t factor)
{
    int32_t value;
    if (at >= in->length) return 0;
    value = (int32_t)(int16_t)((uint16_t)in->x[at] * factor) * 32768L;
    if (in->emphasis && (at || in->follows)) {
        value -= mml2_avr_signed((int16_t)((uint16_t)in->x[(int16_t)at - 1] * factor), in->emphasis);
    }
    if (!in->windowed) return value >> 1;
    if (at > in->length / 2u) at = (uint16_t)(in->length - at);
    return mml2_avr32_product(value, (int16_t)MML2_FLASH_GET_U16(in->window, at));
}

/* floor(v * factor / 2^8). */
static inline int32_t mml2_avr32_scaled(int32_t v, uint8_t factor)
{
    int32_t out;
    uint8_t zero;
    __asm__("clr %1\n\t mul %B2,%3\n\t movw %A0,r0\n\t mulsu %D2,%3\n\t movw %C0,r0\n\t"
        "mul %A2,%3\n\t add %A0,r1\n\t adc %B0,%1\n\t adc %C0,%1\n\t adc %D0,%1\n\t"
        "mul %C2,%3\n\t add %B0,r0\n\t adc %C0,r1\n\t adc %D0,%1\n\t clr r1"
        : "=&r"(out), "=&r"(zero) : "a"(v), "a"(factor) : "r0");
    return out;
}

/* mml2_avr32_two of framed samples. */
static inline void mml2_avr32_two_framed(const mml2_avr32_samples_t *in, uint16_t at, int32_t *z)
{
    uint8_t parts;
    for (parts = 2; parts; --parts, ++at, ++z) {
        const int32_t a = mml2_avr32_framed(in->all, at, in->up);
        const int32_t c = mml2_avr32_framed(in->all, at + in->size, in->up);
        z[0] = mml2_avr32_scaled(a + c, in->factor);
        z[2] = mml2_avr32_scaled(a - c, in->factor);
    }
}

/* Scaled sums and differences, as mml2_fft32_of_4 has them, of the even two numbers at z[0] and of the odd ones at z[4]. */
static inline __attribute__((always_inline)) void mml2_avr32_of_2(
    const mml2_avr32_samples_t *in, int32_t *z, int16_t start, const uint8_t framed)
{
    const uint16_t size = in->size;
    int16_t at = (int16_t)(2 * start);
    uint8_t odd;
    for (odd = 0; odd < 2u; ++odd, at = (int16_t)(at + (int16_t)(size / 2u))) {
        /* What lies before the first sample is at the end, where the later number is. */
        const uint16_t from = (uint16_t)(at < 0 ? at + (int16_t)size : at);
        if (framed) {
            mml2_avr32_two_framed(in, from, z + 4u * odd);
        } else {
            uint32_t w = in->ones, v = w;
            if (!(uint8_t)(w >> 24)) { /* the window's second half is the first, backwards */
                w = MML2_FLASH_GET_U32(MML2_FLASH_SKIP(int16_t, in->window, from), 0);
                v = MML2_FLASH_GET_U32(MML2_FLASH_SKIP(int16_t, in->window, size - from - 1u), 0);
            }
            mml2_avr32_two(in, from, z + 4u * odd, w, v);
        }
        if (at < 0) {
            z[2] = -z[2];
            z[3] = -z[3];
        }
    }
}

/* Transforms of 4 numbers of these, one behind the other up to `end`: 190 cycles each. */
#define MML2_AVR32_E_ "r20", "r21", "r18", "r19"
static __attribute__((noinline, unused)) void mml2_avr32_of_4(int32_t *z, const int32_t *end)
{
    __asm__ volatile(
        "1:\n\t"
        MML2_AVR32_LOAD_(MML2_AVR32_N0_, "Z+0") MML2_AVR32_LOAD_(MML2_AVR32_P0_, "Z+16") MML2_AVR32_APART_(MML2_AVR32_N0_, MML2_AVR32_P0_)
        MML2_AVR32_LOAD_(MML2_AVR32_P1_, "Z+4") MML2_AVR32_LOAD_(MML2_AVR32_E_, "Z+20") MML2_AVR32_APART_(MML2_AVR32_P1_, MML2_AVR32_E_)
        MML2_AVR32_STORE_(MML2_AVR32_P0_, "Z+0") MML2_AVR32_STORE_(MML2_AVR32_N0_, "Z+16")
        MML2_AVR32_STORE_(MML2_AVR32_E_, "Z+4") MML2_AVR32_STORE_(MML2_AVR32_P1_, "Z+20")
        MML2_AVR32_LOAD_(MML2_AVR32_N0_, "Z+8") MML2_AVR32_LOAD_(MML2_AVR32_P0_, "Z+28") MML2_AVR32_APART_(MML2_AVR32_N0_, MML2_AVR32_P0_)
        MML2_AVR32_LOAD_(MML2_AVR32_P1_, "Z+12") MML2_AVR32_LOAD_(MML2_AVR32_E_, "Z+24") MML2_AVR32_APART_(MML2_AVR32_P1_, MML2_AVR32_E_)
        MML2_AVR32_STORE_(MML2_AVR32_P0_, "Z+8") MML2_AVR32_STORE_(MML2_AVR32_N0_, "Z+24")
        MML2_AVR32_STORE_(MML2_AVR32_P1_, "Z+12") MML2_AVR32_STORE_(MML2_AVR32_E_, "Z+28")
        "adiw r30,32\n\t cp r30,%A1\n\t cpc r31,%B1\n\t brsh 2f\n\t rjmp 1b\n2:"
        : "+&z"(z)
        : "x"(end)
        : "r20", "r21", MML2_AVR32_USED_);
}

/* Transforms of even and odd numbers, 4 of each, become those of 8: 540 cycles each. */
static __attribute__((noinline, unused)) void mml2_avr32_of_8(int32_t *z, const int32_t *end)
{
    register uint16_t diagonal __asm__("r20") = 46340u; /* sqrt(1/2) in twice Q15 */
    __asm__ volatile(
        "clr r2\n"
        "1:\n\t"
        MML2_AVR32_LOAD_(MML2_AVR32_N0_, "Z+0") MML2_AVR32_LOAD_(MML2_AVR32_N1_, "Z+32") MML2_AVR32_APART_(MML2_AVR32_N0_, MML2_AVR32_N1_)
        MML2_AVR32_STORE_(MML2_AVR32_N0_, "Z+32") MML2_AVR32_STORE_(MML2_AVR32_N1_, "Z+0")
        MML2_AVR32_LOAD_(MML2_AVR32_N0_, "Z+4") MML2_AVR32_LOAD_(MML2_AVR32_N1_, "Z+36") MML2_AVR32_APART_(MML2_AVR32_N0_, MML2_AVR32_N1_)
        MML2_AVR32_STORE_(MML2_AVR32_N0_, "Z+36") MML2_AVR32_STORE_(MML2_AVR32_N1_, "Z+4")
        /* by -j */
        MML2_AVR32_LOAD_(MML2_AVR32_N0_, "Z+16") MML2_AVR32_LOAD_(MML2_AVR32_N1_, "Z+52") MML2_AVR32_APART_(MML2_AVR32_N0_, MML2_AVR32_N1_)
        MML2_AVR32_LOAD_(MML2_AVR32_P0_, "Z+20") MML2_AVR32_LOAD_(MML2_AVR32_P1_, "Z+48") MML2_AVR32_APART_(MML2_AVR32_P0_, MML2_AVR32_P1_)
        MML2_AVR32_STORE_(MML2_AVR32_N0_, "Z+48") MML2_AVR32_STORE_(MML2_AVR32_N1_, "Z+16")
        MML2_AVR32_STORE_(MML2_AVR32_P0_, "Z+20") MML2_AVR32_STORE_(MML2_AVR32_P1_, "Z+52")
        /* by (1 - j) sqrt(1/2) */
        MML2_AVR32_LOAD_(MML2_AVR32_N0_, "Z+40") MML2_AVR32_LOAD_(MML2_AVR32_N1_, "Z+44") MML2_AVR32_APART_(MML2_AVR32_N1_, MML2_AVR32_N0_)
        MML2_AVR32_IS_(MML2_AVR32_P0_, MML2_AVR32_N0_, MML2_AVR32_COS_) MML2_AVR32_IS_(MML2_AVR32_P1_, MML2_AVR32_N1_, MML2_AVR32_COS_)
        MML2_AVR32_LOAD_(MML2_AVR32_N0_, "Z+8") MML2_AVR32_LOAD_(MML2_AVR32_N1_, "Z+12")
        MML2_AVR32_APART_(MML2_AVR32_N0_, MML2_AVR32_P0_) MML2_AVR32_APART_(MML2_AVR32_N1_, MML2_AVR32_P1_)
        MML2_AVR32_STORE_(MML2_AVR32_N0_, "Z+40") MML2_AVR32_STORE_(MML2_AVR32_P0_, "Z+8")
        MML2_AVR32_STORE_(MML2_AVR32_N1_, "Z+44") MML2_AVR32_STORE_(MML2_AVR32_P1_, "Z+12")
        /* by (-1 - j) sqrt(1/2) */
        MML2_AVR32_LOAD_(MML2_AVR32_N0_, "Z+56") MML2_AVR32_LOAD_(MML2_AVR32_N1_, "Z+60") MML2_AVR32_APART_(MML2_AVR32_N1_, MML2_AVR32_N0_)
        MML2_AVR32_IS_(MML2_AVR32_P0_, MML2_AVR32_N1_, MML2_AVR32_COS_) MML2_AVR32_IS_(MML2_AVR32_P1_, MML2_AVR32_N0_, MML2_AVR32_COS_)
        MML2_AVR32_LOAD_(MML2_AVR32_N0_, "Z+24") MML2_AVR32_LOAD_(MML2_AVR32_N1_, "Z+28")
        MML2_AVR32_APART_(MML2_AVR32_N0_, MML2_AVR32_P0_) MML2_AVR32_APART_(MML2_AVR32_N1_, MML2_AVR32_P1_)
        MML2_AVR32_STORE_(MML2_AVR32_N0_, "Z+56") MML2_AVR32_STORE_(MML2_AVR32_P0_, "Z+24")
        MML2_AVR32_STORE_(MML2_AVR32_N1_, "Z+28") MML2_AVR32_STORE_(MML2_AVR32_P1_, "Z+60")
        "subi r30,-64\n\t sbci r31,-1\n\t cp r30,%A2\n\t cpc r31,%B2\n\t brsh 2f\n\t rjmp 1b\n"
        "2:\n\t clr r1"
        : "+&z"(z), "+&r"(diagonal)
        : "x"(end)
        : MML2_AVR32_USED_);
}

/* The first pass: transforms of `radix` numbers, 4 or 8, each where the others want it. */
static inline __attribute__((always_inline)) void mml2_avr32_first_of(
    const mml2_avr32_samples_t *in, int32_t *z, uint8_t radix, const uint8_t framed)
{
    const uint16_t blocks = (uint16_t)(in->size / radix), digit = blocks / 4u;
    int32_t *const end = z + 2u * in->size, *to = z;
    uint16_t reversed = 0;
    for (;;) {
        /* The fourth of four counts as -1. */
        int16_t start = (int16_t)(reversed - ((reversed & reversed >> 1 & 0x5555u) << 2));
        uint8_t left = digit ? 4 : 1;
        for (; left; start = (int16_t)(--left == 1u ? start - 3 * (int16_t)digit : start + (int16_t)digit)) {
            const int32_t *const last = to + 2u * radix;
            int16_t of = start;
            for (; to != last; to += 8, of = (int16_t)(of + (int16_t)blocks)) {
                mml2_avr32_of_2(in, to, of, framed);
            }
        }
        if (to == end) break;
        reversed = mml2_fft_next(reversed, digit / 4u);
    }
    mml2_avr32_of_4(z, end);
    if (radix == 8) mml2_avr32_of_8(z, end);
}
static __attribute__((noinline, unused)) void mml2_avr32_first(const mml2_avr32_samples_t *in, int32_t *z, uint8_t radix)
{
    mml2_avr32_first_of(in, z, radix, 0);
}
static __attribute__((noinline, unused)) void mml2_avr32_first_framed(const mml2_avr32_samples_t *in, int32_t *z, uint8_t radix)
{
    mml2_avr32_first_of(in, z, radix, 1);
}
#endif
#endif
