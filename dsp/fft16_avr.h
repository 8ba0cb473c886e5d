/* AVR's own products and butterflies of fft16.h, where it has a multiplier: the same integers as in C.

   r14 is 0. Products of int16 x and uint16 y gather in 32 bits, of which the lower half is in r24 and r25: first
   x * y, or added, or taken off. MULSU wants its factors in r16 to r23. */
#include "addresses.h"
#include "complex16.h"
#if defined(__AVR__) && defined(__AVR_HAVE_MUL__) && !defined(MML2_FFT16_AVR_)
#define MML2_FFT16_AVR_
#define MML2_AVR_FIRST_(xl, xh, yl, yh, pl, ph) \
    "mul " xl "," yl "\n\t movw r24,r0\n\t mulsu " xh "," yh "\n\t movw " pl ",r0\n\t" \
    "mulsu " xh "," yl "\n\t sbc " ph ",r14\n\t add r25,r0\n\t adc " pl ",r1\n\t adc " ph ",r14\n\t" \
    "mul " xl "," yh "\n\t add r25,r0\n\t adc " pl ",r1\n\t adc " ph ",r14\n\t"
#define MML2_AVR_THEN_(xl, xh, yl, yh, pl, ph, add, adc, sbc) \
    "mul " xl "," yl "\n\t " add " r24,r0\n\t " adc " r25,r1\n\t " adc " " pl ",r14\n\t " adc " " ph ",r14\n\t" \
    "mulsu " xh "," yh "\n\t " add " " pl ",r0\n\t " adc " " ph ",r1\n\t" \
    "mulsu " xh "," yl "\n\t " sbc " " ph ",r14\n\t " add " r25,r0\n\t " adc " " pl ",r1\n\t " adc " " ph ",r14\n\t" \
    "mul " xl "," yh "\n\t " add " r25,r0\n\t " adc " " pl ",r1\n\t " adc " " ph ",r14\n\t"
#define MML2_AVR_ROUND_(pl, ph) "lsl r25\n\t adc " pl ",r14\n\t adc " ph ",r14\n\t"
/* Of the number in r16, r17 and r22, r23 and the twiddle in r18 to r21, twice Q15. */
#define MML2_AVR_RE_C_(pl, ph) MML2_AVR_FIRST_("r16", "r17", "r18", "r19", pl, ph)
#define MML2_AVR_IM_C_(pl, ph) MML2_AVR_FIRST_("r22", "r23", "r18", "r19", pl, ph)
#define MML2_AVR_PLUS_RE_S_(pl, ph) \
    MML2_AVR_THEN_("r16", "r17", "r20", "r21", pl, ph, "add", "adc", "sbc") MML2_AVR_ROUND_(pl, ph)
#define MML2_AVR_PLUS_IM_S_(pl, ph) \
    MML2_AVR_THEN_("r22", "r23", "r20", "r21", pl, ph, "add", "adc", "sbc") MML2_AVR_ROUND_(pl, ph)
#define MML2_AVR_LESS_RE_S_(pl, ph) \
    MML2_AVR_THEN_("r16", "r17", "r20", "r21", pl, ph, "sub", "sbc", "adc") MML2_AVR_ROUND_(pl, ph)
#define MML2_AVR_LESS_IM_S_(pl, ph) \
    MML2_AVR_THEN_("r22", "r23", "r20", "r21", pl, ph, "sub", "sbc", "adc") MML2_AVR_ROUND_(pl, ph)

/* a * (c - j s) of w = (c, s), below 1, in Q15. */
static inline mml2_c16_t mml2_avr_times(mml2_c16_t a, mml2_c16_t w)
{
    register int16_t re __asm__("r16") = a.re;
    register int16_t im __asm__("r22") = a.im;
    register uint16_t c __asm__("r18") = (uint16_t)w.re << 1;
    register uint16_t s __asm__("r20") = (uint16_t)w.im << 1;
    int16_t out_re, out_im;
    __asm__("clr r14\n\t"
        MML2_AVR_RE_C_("%A0", "%B0") MML2_AVR_PLUS_IM_S_("%A0", "%B0")
        MML2_AVR_IM_C_("%A1", "%B1") MML2_AVR_LESS_RE_S_("%A1", "%B1")
        "clr r1"
        : "=&r"(out_re), "=&r"(out_im), "+r"(re), "+r"(im), "+r"(c), "+r"(s) : : "r0", "r14", "r24", "r25");
    return mml2_c16(out_re, out_im);
}

/* Cosine and sine in twice Q15. */
typedef struct {
    uint16_t c, s;
} mml2_avr_twiddle_t;

static inline uint16_t mml2_avr_twice(uint16_t value, uint8_t down)
{
    if (!down) return value << 1;
    if (down > 1u) value >>= 1;
    if (down > 2u) value >>= 1;
    return (value + 1u) & 0xfffeu;
}

/* Elements k and turn - k of a quarter of a wave in Q15, after a shift down, rounded to nearest. */
static __attribute__((noinline, unused)) void mml2_avr_twiddle(
    mml2_avr_twiddle_t *w, MML2_FLASH_AT(int16_t) wave, uint16_t k, uint16_t turn, uint8_t down)
{
    w->c = mml2_avr_twice(MML2_FLASH_GET_U16(wave, k), down);
    w->s = mml2_avr_twice(MML2_FLASH_GET_U16(wave, turn - k), down);
}

/* What the butterflies of a twiddle have in common, in the order in which they read it. */
typedef struct {
    mml2_avr_twiddle_t w1, w2;
    uint8_t down, turned;
    const mml2_int16_t *end;
} mml2_avr_butterfly_t;

#define MML2_AVR_TWIDDLE_ "ld r18,X+\n\t ld r19,X+\n\t ld r20,X+\n\t ld r21,X+\n\t"
#define MML2_AVR_LOAD_ "ld r16,Z\n\t ldd r17,Z+1\n\t ldd r22,Z+2\n\t ldd r23,Z+3\n\t"
#define MML2_AVR_ON_ "add r30,r28\n\t adc r31,r29\n\t"
#define MML2_AVR_BACK_ "sub r30,r28\n\t sbc r31,r29\n\t"
/* (a, b) becomes (a + b, a - b). */
#define MML2_AVR_SUM_(al, ah, bl, bh) \
    "movw r24," al "\n\t add " al "," bl "\n\t adc " ah "," bh "\n\t sub r24," bl "\n\t sbc r25," bh "\n\t movw " bl ",r24\n\t"
#define MML2_AVR_ADD_(al, ah, bl, bh) "add " al "," bl "\n\t adc " ah "," bh "\n\t"
#define MML2_AVR_SUB_(al, ah, bl, bh) "sub " al "," bl "\n\t sbc " ah "," bh "\n\t"
#define MML2_AVR_BITS_(h) "mov r0," h "\n\t lsl r0\n\t eor r0," h "\n\t or r15,r0\n\t"
#define MML2_AVR_STORE_(al, ah, bl, bh) \
    "st Z," al "\n\t std Z+1," ah "\n\t std Z+2," bl "\n\t std Z+3," bh "\n\t" MML2_AVR_BITS_(ah) MML2_AVR_BITS_(bh)
#define MML2_AVR_HALF_ "asr r17\n\t ror r16\n\t asr r23\n\t ror r22\n\t"

/* The number in r16, r17 and r22, r23 shifted down by r20, rounded to nearest. */
#define MML2_AVR_DOWN_ \
    "cpi r20,1\n\t brlo 5f\n\t breq 4f\n\t sbrs r20,0\n\t rjmp 3f\n\t" MML2_AVR_HALF_ \
    "3:\n\t" MML2_AVR_HALF_ \
    "4:\n\t asr r17\n\t ror r16\n\t adc r16,r14\n\t adc r17,r14\n\t" /* halves up */ \
    "asr r23\n\t ror r22\n\t adc r22,r14\n\t adc r23,r14\n" \
    "5:\n\t"
/* The butterfly's sums: z is in r16, r17 and r22, r23, b in r10 to r13, a + c in r2 to r5, a - c in r6 to r9. */
#define MML2_AVR_COMBINE_ \
    "movw r18,r16\n\t movw r20,r22\n\t" \
    MML2_AVR_ADD_("r18", "r19", "r10", "r11") MML2_AVR_ADD_("r20", "r21", "r12", "r13") \
    MML2_AVR_SUB_("r16", "r17", "r10", "r11") MML2_AVR_SUB_("r22", "r23", "r12", "r13") \
    "movw r10,r18\n\t movw r12,r20\n\t" \
    MML2_AVR_ADD_("r10", "r11", "r2", "r3") MML2_AVR_ADD_("r12", "r13", "r4", "r5") \
    MML2_AVR_STORE_("r10", "r11", "r12", "r13") MML2_AVR_ON_ \
    "movw r10,r16\n\t movw r12,r22\n\t" \
    MML2_AVR_ADD_("r10", "r11", "r8", "r9") MML2_AVR_SUB_("r12", "r13", "r6", "r7") \
    MML2_AVR_STORE_("r10", "r11", "r12", "r13") MML2_AVR_ON_ \
    MML2_AVR_SUB_("r18", "r19", "r2", "r3") MML2_AVR_SUB_("r20", "r21", "r4", "r5") \
    MML2_AVR_STORE_("r18", "r19", "r20", "r21") MML2_AVR_ON_ \
    MML2_AVR_SUB_("r16", "r17", "r8", "r9") MML2_AVR_ADD_("r22", "r23", "r6", "r7") \
    MML2_AVR_STORE_("r16", "r17", "r22", "r23") MML2_AVR_ON_
#define MML2_AVR_LEAVE_ "clr r1\n\t mov r24,r15\n\t pop r29\n\t pop r28"
#define MML2_AVR_USED_ \
    "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "r16", "r17", "r18", \
        "r19", "r21", "r22", "r23", "memory"

/* Butterflies of twiddles of 1 from z on, `quarter` complex numbers between the four of each. Returns their `every`. */
static __attribute__((noinline, unused)) uint8_t mml2_avr_by_1(
    mml2_int16_t *z, uint16_t quarter, uint8_t down, const mml2_int16_t *end)
{
    register uint16_t apart __asm__("r24") = 4u * quarter;
    register uint8_t shift __asm__("r20") = down;
    __asm__ volatile(
        "push r28\n\t push r29\n\t movw r28,r24\n\t clr r14\n\t clr r15\n"
        "1:\n\t push r20\n\t"
        MML2_AVR_ON_ MML2_AVR_LOAD_ MML2_AVR_DOWN_ "movw r2,r16\n\t movw r4,r22\n\t"
        MML2_AVR_ON_ MML2_AVR_LOAD_ MML2_AVR_DOWN_ "movw r10,r16\n\t movw r12,r22\n\t"
        MML2_AVR_ON_ MML2_AVR_LOAD_ MML2_AVR_DOWN_ "movw r6,r16\n\t movw r8,r22\n\t"
        MML2_AVR_SUM_("r2", "r3", "r6", "r7") MML2_AVR_SUM_("r4", "r5", "r8", "r9")
        MML2_AVR_BACK_ MML2_AVR_BACK_ MML2_AVR_BACK_ MML2_AVR_LOAD_ MML2_AVR_DOWN_
        MML2_AVR_COMBINE_
        "pop r20\n\t cp r30,%A3\n\t cpc r31,%B3\n\t brsh 6f\n\t rjmp 1b\n"
        "6:\n\t" MML2_AVR_LEAVE_
        : "+r"(apart), "+z"(z), "+r"(shift)
        : "x"(end)
        : MML2_AVR_USED_);
    return (uint8_t)apart;
}

/* All butterflies of one twiddle from z on, `quarter` complex numbers between its four. Returns their `every`. */
static inline uint8_t mml2_avr_butterflies(mml2_int16_t *z, uint16_t quarter, const mml2_avr_butterfly_t *of)
{
    register uint16_t apart __asm__("r24") = 4u * quarter;
    __asm__ volatile(
        "push r28\n\t push r29\n\t movw r28,r24\n\t clr r14\n\t clr r15\n"
        "1:\n\t" MML2_AVR_TWIDDLE_ MML2_AVR_ON_ MML2_AVR_LOAD_
        MML2_AVR_RE_C_("r2", "r3") MML2_AVR_PLUS_IM_S_("r2", "r3")
        MML2_AVR_IM_C_("r4", "r5") MML2_AVR_LESS_RE_S_("r4", "r5")
        MML2_AVR_ON_ MML2_AVR_ON_ MML2_AVR_LOAD_
        MML2_AVR_RE_C_("r6", "r7") MML2_AVR_LESS_IM_S_("r6", "r7")
        MML2_AVR_IM_C_("r8", "r9") MML2_AVR_PLUS_RE_S_("r8", "r9")
        MML2_AVR_SUM_("r2", "r3", "r6", "r7") MML2_AVR_SUM_("r4", "r5", "r8", "r9")
        MML2_AVR_TWIDDLE_ MML2_AVR_BACK_ MML2_AVR_LOAD_
        MML2_AVR_RE_C_("r10", "r11") MML2_AVR_PLUS_IM_S_("r10", "r11")
        MML2_AVR_IM_C_("r12", "r13") MML2_AVR_LESS_RE_S_("r12", "r13")
        "ld r20,X+\n\t ld r19,X+\n\t"
        "sbrs r19,0\n\t rjmp 2f\n\t" /* by -j */
        "movw r24,r10\n\t movw r10,r12\n\t neg r25\n\t neg r24\n\t sbc r25,r14\n\t movw r12,r24\n"
        "2:\n\t" MML2_AVR_BACK_ MML2_AVR_BACK_ MML2_AVR_LOAD_ MML2_AVR_DOWN_
        MML2_AVR_COMBINE_
        "ld r18,X+\n\t ld r19,X+\n\t sbiw r26,12\n\t cp r30,r18\n\t cpc r31,r19\n\t brsh 6f\n\t rjmp 1b\n"
        "6:\n\t" MML2_AVR_LEAVE_
        : "+r"(apart), "+z"(z), "+x"(of)
        :
        : "r20", MML2_AVR_USED_);
    return (uint8_t)apart;
}
#endif
