/* AVR's own first pass of fft32.h, where it has a multiplier: the same integers as in C. */
#include "avr32.h"
#include "samples.h"
#ifndef MICROMLGEN_FFT32_FIRST_AVR_2
#define MICROMLGEN_FFT32_FIRST_AVR_2
#if defined(MML2_AVR_MUL_)
/* Transforms of 4 numbers, one behind the other up to `end`: 230 cycles each. */
#define MML2_AVR32_A_ "r2", "r3", "r4", "r5"
#define MML2_AVR32_B_ "r6", "r7", "r8", "r9"
#define MML2_AVR32_C_ "r10", "r11", "r12", "r13"
#define MML2_AVR32_D_ "r14", "r15", "r16", "r17"
#define MML2_AVR32_E_ "r18", "r19", "r20", "r21"
#define MML2_AVR32_F_ "r22", "r23", "r24", "r25"
static __attribute__((noinline, unused)) void mml2_avr32_of_4(int32_t *z, const int32_t *end)
{
    __asm__ volatile(
        "1:\n\t"
        MML2_AVR32_LOAD_(MML2_AVR32_A_, "Z+0") MML2_AVR32_LOAD_(MML2_AVR32_B_, "Z+16") MML2_AVR32_APART_(MML2_AVR32_A_, MML2_AVR32_B_)
        MML2_AVR32_LOAD_(MML2_AVR32_C_, "Z+8") MML2_AVR32_LOAD_(MML2_AVR32_D_, "Z+24") MML2_AVR32_APART_(MML2_AVR32_C_, MML2_AVR32_D_)
        MML2_AVR32_APART_(MML2_AVR32_B_, MML2_AVR32_D_) MML2_AVR32_STORE_(MML2_AVR32_B_, "Z+16") MML2_AVR32_STORE_(MML2_AVR32_D_, "Z+0")
        MML2_AVR32_LOAD_(MML2_AVR32_B_, "Z+4") MML2_AVR32_LOAD_(MML2_AVR32_D_, "Z+20") MML2_AVR32_APART_(MML2_AVR32_B_, MML2_AVR32_D_)
        MML2_AVR32_LOAD_(MML2_AVR32_E_, "Z+12") MML2_AVR32_LOAD_(MML2_AVR32_F_, "Z+28") MML2_AVR32_APART_(MML2_AVR32_E_, MML2_AVR32_F_)
        MML2_AVR32_APART_(MML2_AVR32_D_, MML2_AVR32_F_) MML2_AVR32_STORE_(MML2_AVR32_D_, "Z+20") MML2_AVR32_STORE_(MML2_AVR32_F_, "Z+4")
        MML2_AVR32_APART_(MML2_AVR32_A_, MML2_AVR32_E_) MML2_AVR32_STORE_(MML2_AVR32_A_, "Z+24") MML2_AVR32_STORE_(MML2_AVR32_E_, "Z+8")
        MML2_AVR32_APART_(MML2_AVR32_B_, MML2_AVR32_C_) MML2_AVR32_STORE_(MML2_AVR32_B_, "Z+12") MML2_AVR32_STORE_(MML2_AVR32_C_, "Z+28")
        "adiw r30,32\n\t cp r30,%A1\n\t cpc r31,%B1\n\t brsh 2f\n\t rjmp 1b\n2:"
        : "+z"(z)
        : "x"(end)
        : "r20", "r21", "r22", "r23", "r24", "r25", MML2_AVR32_USED_);
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
        : "+z"(z), "+r"(diagonal)
        : "x"(end)
        : MML2_AVR32_USED_);
}

/* How samples are scaled: shifted up, times the window or `one`, by 2^bits and then down by bytes. */
typedef struct {
    uint16_t up;
    int16_t one;
    uint8_t bits;
    int8_t bytes;
} mml2_avr32_scale_t;

static inline mml2_avr32_scale_t mml2_avr32_scale(const mml2_samples_t *in)
{
    const uint8_t more = (uint8_t)(in->framed || in->windowed || in->shift < 0 ? 0 : in->shift > 6 ? 14 : in->shift + 8);
    const int8_t shift = (int8_t)(in->shift - more);
    mml2_avr32_scale_t scale;
    scale.up = (uint16_t)(1u << in->up);
    scale.one = (int16_t)(1 << more);
    scale.bits = (uint8_t)(1u << (shift & 7));
    scale.bytes = (int8_t)(shift > 0 ? -(shift >> 3) : (7 - shift) >> 3);
    return scale;
}

/* Sample `at`, times the window. */
static inline int32_t mml2_avr32_sample(mml2_samples_t in, mml2_avr32_scale_t scale, uint16_t at)
{
    int32_t value, out;
    uint16_t place = at;
    uint8_t below;
    int16_t own, w = scale.one;
    if (in.framed && at >= in.length) return 0;
    if (place > in.length / 2u) place = (uint16_t)(in.length - place); /* the second half is the first, backwards */
    if (in.windowed) w = (int16_t)MML2_FLASH_GET_U16(in.window, place);
    own = (int16_t)((uint16_t)in.x[at] * scale.up);
    if (in.framed) {
        value = (int32_t)own * 32768L;
        if (in.emphasis && (at || in.follows)) {
            value -= mml2_avr_signed((int16_t)((uint16_t)in.x[(int16_t)at - 1] * scale.up), in.emphasis);
        }
        value = in.windowed ? mml2_avr32_product(value, (uint16_t)w) - (w < 0 ? value : 0) : value >> 1;
    } else {
        value = mml2_avr_signed(own, w);
    }
    out = mml2_avr32_times8(value, scale.bits, &below);
    if (scale.bytes == 1) return out;
    if (scale.bytes > 1) return out >> 8;
    out = (int32_t)((uint32_t)out << 8 | below);
    return scale.bytes ? out * 256L : out;
}

/* The sample at Z times the window's wl and wh, scaled, into X: 57 cycles. */
#define MML2_AVR32_SAMPLE_(wl, wh) \
    "ld r24,Z+\n\t ld r25,Z+\n\t" \
    "mul r24,%A3\n\t movw r18,r0\n\t mul r24,%B3\n\t add r19,r0\n\t mul r25,%A3\n\t add r19,r0\n\t" /* shifted up */ \
    "mul r18," wl "\n\t movw r4,r0\n\t muls r19," wh "\n\t movw r16,r0\n\t" \
    "mulsu r19," wl "\n\t sbc r17,r2\n\t add r5,r0\n\t adc r16,r1\n\t adc r17,r2\n\t" \
    "mulsu " wh ",r18\n\t sbc r17,r2\n\t add r5,r0\n\t adc r16,r1\n\t adc r17,r2\n\t" \
    "mov r18,%4\n\t mul r5,r18\n\t movw r24,r0\n\t mulsu r17,r18\n\t movw r6,r0\n\t" /* over 2^8 */ \
    "mul r4,r18\n\t add r24,r1\n\t adc r25,r2\n\t adc r6,r2\n\t adc r7,r2\n\t" \
    "mul r16,r18\n\t add r25,r0\n\t adc r6,r1\n\t adc r7,r2\n\t" \
    "st X+,r24\n\t st X+,r25\n\t st X+,r6\n\t st X+,r7\n\t"

/* Two samples at x by the window's elements in the halves of w. */
static inline void mml2_avr32_pair(const int16_t *x, int32_t *z, uint32_t w, mml2_avr32_scale_t scale)
{
    register uint32_t both __asm__("r20") = w;
    __asm__ volatile("clr r2\n\t" MML2_AVR32_SAMPLE_("r20", "r21") MML2_AVR32_SAMPLE_("r22", "r23") "clr r1"
        : "+z"(x), "+x"(z), "+r"(both)
        : "r"(scale.up), "r"(scale.bits)
        : "r0", "r2", "r4", "r5", "r6", "r7", "r16", "r17", "r18", "r19", "r24", "r25", "memory");
}

/* Elements `at` and the one behind of a window of n samples, of which there is the first half: the second is that, backwards. */
static inline uint32_t mml2_avr32_window(MML2_FLASH_AT(int16_t) window, uint16_t at, uint16_t n)
{
    uint32_t both;
    if (at < n / 2u) return MML2_FLASH_GET_U32(MML2_FLASH_SKIP(int16_t, window, at), 0);
    both = MML2_FLASH_GET_U32(MML2_FLASH_SKIP(int16_t, window, n - at - 1u), 0);
    return both << 16 | both >> 16;
}

/* Samples times the window, where the first pass wants them. */
static inline void mml2_avr32_load(mml2_samples_t in, int32_t *z, uint16_t size, uint8_t radix)
{
    const uint16_t blocks = (uint16_t)(size / radix), digit = blocks / 4u, around = (uint16_t)(2u * size - 1u);
    const int32_t *const end = z + 2u * size;
    uint16_t reversed = 0;
    const mml2_avr32_scale_t scale = mml2_avr32_scale(&in);
    for (;;) {
        /* The fourth of four counts as -1. */
        uint16_t start = (uint16_t)(reversed - ((reversed & reversed >> 1 & 0x5555u) << 2));
        uint8_t left = digit ? 4 : 1;
        for (; left; start = (uint16_t)(--left == 1u ? start - 3u * digit : start + digit)) {
            const int32_t *const last = z + 2u * radix;
            uint16_t at = (uint16_t)(2u * start & around);
            do {
                const int32_t *const fourth = z + 8;
                do {
                    if (in.framed || scale.bytes != 1) {
                        z[0] = mml2_avr32_sample(in, scale, at);
                        z[1] = mml2_avr32_sample(in, scale, (uint16_t)(at + 1u));
                    } else {
                        mml2_avr32_pair(in.x + at, z, in.windowed ? mml2_avr32_window(in.window, at, in.length) : (uint32_t)scale.one * 0x10001uL, scale);
                    }
                    z += 2;
                    at = (uint16_t)((at + size / 2u) & around);
                } while (z != fourth);
                at = (uint16_t)((at + 2u * blocks) & around); /* even numbers, then odd ones */
            } while (z != last);
        }
        if (z == end) break;
        reversed = mml2_fft_next(reversed, digit / 4u);
    }
}
#endif
#endif
