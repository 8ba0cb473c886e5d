/* AVR's own products and butterflies of fft16.h, where it has a multiplier: the same integers as in C.

   Numbers have a byte below, in registers of their own. r14 is 0. Products of int16 x and uint16 y gather in 32 bits, the
   lowest in r24: first x * y, or added, or taken off. MULSU wants its factors in r16 to r23. */
#include "addresses.h"
#include "complex16.h"
#if defined(__AVR__) && defined(__AVR_HAVE_MUL__) && !defined(MML2_FFT16_AVR_)
#define MML2_FFT16_AVR_
#define MML2_AVR_FIRST_(xl, xh, yl, yh, p0, p1, p2) \
    "mul " xl "," yl "\n\t mov r24,r0\n\t mov " p0 ",r1\n\t mulsu " xh "," yh "\n\t movw " p1 ",r0\n\t" \
    "mulsu " xh "," yl "\n\t sbc " p2 ",r14\n\t add " p0 ",r0\n\t adc " p1 ",r1\n\t adc " p2 ",r14\n\t" \
    "mul " xl "," yh "\n\t add " p0 ",r0\n\t adc " p1 ",r1\n\t adc " p2 ",r14\n\t"
#define MML2_AVR_THEN_(xl, xh, yl, yh, p0, p1, p2, add, adc, sbc) \
    "mul " xl "," yl "\n\t " add " r24,r0\n\t " adc " " p0 ",r1\n\t " adc " " p1 ",r14\n\t " adc " " p2 ",r14\n\t" \
    "mulsu " xh "," yh "\n\t " add " " p1 ",r0\n\t " adc " " p2 ",r1\n\t" \
    "mulsu " xh "," yl "\n\t " sbc " " p2 ",r14\n\t " add " " p0 ",r0\n\t " adc " " p1 ",r1\n\t " adc " " p2 ",r14\n\t" \
    "mul " xl "," yh "\n\t " add " " p0 ",r0\n\t " adc " " p1 ",r1\n\t " adc " " p2 ",r14\n\t"
/* Of a + j b in r16, r17 and r22, r23 and c - j s in r18 to r21: the real part, and the imaginary one. */
#define MML2_AVR_RE_(p0, p1, p2) \
    MML2_AVR_FIRST_("r16", "r17", "r18", "r19", p0, p1, p2) \
    MML2_AVR_THEN_("r22", "r23", "r20", "r21", p0, p1, p2, "add", "adc", "sbc")
#define MML2_AVR_IM_(p0, p1, p2) \
    MML2_AVR_FIRST_("r22", "r23", "r18", "r19", p0, p1, p2) \
    MML2_AVR_THEN_("r16", "r17", "r20", "r21", p0, p1, p2, "sub", "sbc", "adc")

/* What Z points at, whose upper byte on far flash is that of `wave` and the carry. */
#if defined(__AVR_HAVE_ELPM__)
#define MML2_AVR_WAVE_(l, h) "mov r0,%C[wave]\n\t adc r0,r1\n\t out %[rampz],r0\n\t elpm " l ",Z+\n\t elpm " h ",Z\n\t"
#define MML2_AVR_RAMPZ_ _SFR_IO_ADDR(RAMPZ)
#define MML2_AVR_ADDRESS_(at) ((uint32_t)(at))
#else
#define MML2_AVR_WAVE_(l, h) "lpm " l ",Z+\n\t lpm " h ",Z\n\t"
#define MML2_AVR_RAMPZ_ 0
#define MML2_AVR_ADDRESS_(at) ((uint32_t)(uint16_t)(at))
#endif

/* a, times an element of a window in Q15, halved and rounded to nearest; at: its place in bytes. */
static inline int16_t mml2_avr_windowed(int16_t a, MML2_FLASH_AT(int16_t) wave, uint16_t at)
{
    int16_t w, out;
    uint8_t low, zero;
    __asm__(
        "movw r30,%A[wave]\n\t add r30,%A[at]\n\t adc r31,%B[at]\n\t" MML2_AVR_WAVE_("%A[w]", "%B[w]")
        "clr %[zero]\n\t mul %A[a],%A[w]\n\t mov %[low],r1\n\t muls %B[a],%B[w]\n\t movw %A[out],r0\n\t"
        "mulsu %B[a],%A[w]\n\t sbc %B[out],%[zero]\n\t add %[low],r0\n\t adc %A[out],r1\n\t adc %B[out],%[zero]\n\t"
        "mulsu %B[w],%A[a]\n\t sbc %B[out],%[zero]\n\t add %[low],r0\n\t adc %A[out],r1\n\t adc %B[out],%[zero]\n\t"
        "lsl %[low]\n\t adc %A[out],%[zero]\n\t adc %B[out],%[zero]\n\t clr r1"
        : [w] "=&a"(w), [out] "=&r"(out), [low] "=&r"(low), [zero] "=&r"(zero)
        : [a] "a"(a), [wave] "r"(wave), [at] "r"(at), [rampz] "I"(MML2_AVR_RAMPZ_)
        : "r0", "r30", "r31");
    return out;
}

/* Twice x * r18. */
#define MML2_AVR_ONE_(xl, xh, p0, p1, p2) \
    "mul " xl ",r18\n\t mov " p0 ",r0\n\t mov r24,r1\n\t mulsu " xh ",r18\n\t movw " p1 ",r0\n\t add " p1 ",r24\n\t" \
    "adc " p2 ",r14\n\t lsl " p0 "\n\t rol " p1 "\n\t rol " p2 "\n\t"

/* Cosine and sine in twice Q15. */
typedef struct {
    uint16_t c, s;
} mml2_avr_twiddle_t;

/* What the butterflies of a twiddle have in common, in the order in which they read it. */
typedef struct {
    uint8_t by_1; /* whether the twiddles are 1: then `one` is in both of their cosines */
    uint8_t one;  /* in Q7, shifted down */
    mml2_avr_twiddle_t w1, w2;
    uint8_t turned; /* whether the second is times -j */
    const mml2_int16_t *end;
} mml2_avr_butterfly_t;

/* The element of a wave in Q15 that is `at` bytes on, times %[one] in Q7, rounded to nearest: twice it, to X. */
#define MML2_AVR_ELEMENT_(at) \
    "movw r30,%A[wave]\n\t add r30,%A[" at "]\n\t adc r31,%B[" at "]\n\t" MML2_AVR_WAVE_("r24", "r25") \
    "lsl r24\n\t rol r25\n\t mul r24,%[one]\n\t mov r30,r0\n\t mov r24,r1\n\t mul r25,%[one]\n\t mov r25,r1\n\t add r24,r0\n\t" \
    "clr r1\n\t adc r25,r1\n\t lsl r30\n\t rol r24\n\t rol r25\n\t adiw r24,1\n\t andi r24,0xfe\n\t st X+,r24\n\t st X+,r25\n\t"

/* The twiddles of k, and whether the second is turned; size / 2: the elements of a quarter of a wave. */
static __attribute__((noinline, unused)) void mml2_avr_twiddles(
    mml2_avr_butterfly_t *of, MML2_FLASH_AT(int16_t) wave, uint16_t k, uint16_t size)
{
    const uint16_t c1 = 2u * k, s1 = size - c1, c2 = c1 < s1 ? 2u * c1 : 2u * c1 - size, s2 = size - c2;
    mml2_avr_twiddle_t *w = &of->w1;
    of->turned = c1 >= s1;
    __asm__ volatile(
        MML2_AVR_ELEMENT_("c1") MML2_AVR_ELEMENT_("s1") MML2_AVR_ELEMENT_("c2") MML2_AVR_ELEMENT_("s2")
        : "+&x"(w)
        : [wave] "r"(wave), [c1] "r"(c1), [s1] "r"(s1), [c2] "r"(c2), [s2] "r"(s2), [one] "r"(of->one), [rampz] "I"(MML2_AVR_RAMPZ_)
        : "r0", "r24", "r25", "r30", "r31", "memory");
}

#define MML2_AVR_TWIDDLE_ "ld r18,X+\n\t ld r19,X+\n\t ld r20,X+\n\t ld r21,X+\n\t"
#define MML2_AVR_LOAD_ "ld r16,Z\n\t ldd r17,Z+1\n\t ldd r22,Z+2\n\t ldd r23,Z+3\n\t"
#define MML2_AVR_LOAD_IM_RE_ "ld r22,Z\n\t ldd r23,Z+1\n\t ldd r16,Z+2\n\t ldd r17,Z+3\n\t"
#define MML2_AVR_ON_ "add r30,r28\n\t adc r31,r29\n\t"
#define MML2_AVR_BACK_ "sub r30,r28\n\t sbc r31,r29\n\t"
#define MML2_AVR_COPY_(t0, t1, p0, p1) "mov " t0 "," p0 "\n\t movw " t1 "," p1 "\n\t"
#define MML2_AVR_ADD_(a0, a1, a2, b0, b1, b2) "add " a0 "," b0 "\n\t adc " a1 "," b1 "\n\t adc " a2 "," b2 "\n\t"
#define MML2_AVR_SUB_(a0, a1, a2, b0, b1, b2) "sub " a0 "," b0 "\n\t sbc " a1 "," b1 "\n\t sbc " a2 "," b2 "\n\t"
#define MML2_AVR_STORE_RE_(l, h) "st Z," l "\n\t std Z+1," h "\n\t"
#define MML2_AVR_STORE_IM_(l, h) "std Z+2," l "\n\t std Z+3," h "\n\t"
/* The square of an upper byte; that of the other and 384 more, all into r15. */
#define MML2_AVR_FIRST_SQUARE_(h) "muls " h "," h "\n\t movw r24,r0\n\t"
#define MML2_AVR_SQUARES_(h) \
    "muls " h "," h "\n\t add r24,r0\n\t adc r25,r1\n\t subi r24,0x80\n\t sbci r25,0xfe\n\t or r15,r25\n\t"

/* All butterflies of one twiddle from z on, `quarter` complex numbers between its four. Returns the bits of their `every`
   from 8 on. In a butterfly, a is in r10, r2, r3 and r11, r4, r5, then a + c; a - c is on the stack meanwhile. */
static __attribute__((noinline, unused)) uint8_t mml2_avr_butterflies(
    mml2_int16_t *z, uint16_t quarter, const mml2_avr_butterfly_t *of)
{
    register uint16_t apart __asm__("r24") = 4u * quarter;
    __asm__ volatile(
        "push r28\n\t push r29\n\t movw r28,r24\n\t clr r14\n\t clr r15\n\t ld r24,X+\n\t bst r24,0\n\t rjmp 1f\n"
        /* For twiddles of 1: the number into r12, r6, r7 and r13, r8, r9. */
        "8:\n\t" MML2_AVR_ONE_("r16", "r17", "r12", "r6", "r7") MML2_AVR_ONE_("r22", "r23", "r13", "r8", "r9") "ret\n"
        "1:\n\t ld r25,X+\n\t" MML2_AVR_TWIDDLE_ MML2_AVR_ON_ MML2_AVR_LOAD_
        "brtc 2f\n\t rcall 8b\n\t movw r2,r6\n\t movw r4,r8\n\t movw r10,r12\n\t rjmp 3f\n"
        "2:\n\t" MML2_AVR_RE_("r10", "r2", "r3") MML2_AVR_IM_("r11", "r4", "r5")
        "3:\n\t" MML2_AVR_ON_ MML2_AVR_ON_ MML2_AVR_LOAD_IM_RE_
        "brtc 2f\n\t rcall 8b\n\t rjmp 3f\n"
        "2:\n\t" MML2_AVR_RE_("r12", "r6", "r7") MML2_AVR_IM_("r13", "r8", "r9") "3:\n\t"
        MML2_AVR_COPY_("r0", "r16", "r10", "r2") MML2_AVR_ADD_("r10", "r2", "r3", "r13", "r8", "r9")
        MML2_AVR_SUB_("r0", "r16", "r17", "r13", "r8", "r9") "push r0\n\t push r16\n\t push r17\n\t"
        MML2_AVR_COPY_("r0", "r16", "r11", "r4") MML2_AVR_ADD_("r11", "r4", "r5", "r12", "r6", "r7")
        MML2_AVR_SUB_("r0", "r16", "r17", "r12", "r6", "r7") "push r0\n\t push r16\n\t push r17\n\t"
        MML2_AVR_TWIDDLE_ MML2_AVR_BACK_ MML2_AVR_LOAD_
        "brtc 2f\n\t rcall 8b\n\t rjmp 3f\n"
        "2:\n\t" MML2_AVR_RE_("r12", "r6", "r7") MML2_AVR_IM_("r13", "r8", "r9")
        "3:\n\t ld r24,X+\n\t sbrs r24,0\n\t rjmp 4f\n\t" /* by -j */
        MML2_AVR_COPY_("r0", "r16", "r13", "r8") "mov r13,r12\n\t movw r8,r6\n\t"
        "neg r9\n\t neg r8\n\t sbc r9,r14\n\t neg r13\n\t sbc r8,r14\n\t sbc r9,r14\n\t"
        MML2_AVR_COPY_("r12", "r6", "r0", "r16")
        "4:\n\t" MML2_AVR_BACK_ MML2_AVR_BACK_ MML2_AVR_LOAD_ "mov r18,r25\n\t"
        MML2_AVR_ONE_("r16", "r17", "r20", "r16", "r17") MML2_AVR_ONE_("r22", "r23", "r21", "r22", "r23")
        "subi r20,0x80\n\t sbci r16,0xff\n\t sbci r17,0xff\n\t subi r21,0x80\n\t sbci r22,0xff\n\t sbci r23,0xff\n\t"
        MML2_AVR_COPY_("r0", "r18", "r12", "r6") MML2_AVR_ADD_("r12", "r6", "r7", "r20", "r16", "r17")
        MML2_AVR_SUB_("r20", "r16", "r17", "r0", "r18", "r19")
        MML2_AVR_COPY_("r0", "r18", "r13", "r8") MML2_AVR_ADD_("r13", "r8", "r9", "r21", "r22", "r23")
        MML2_AVR_SUB_("r21", "r22", "r23", "r0", "r18", "r19")
        MML2_AVR_COPY_("r0", "r18", "r12", "r6") MML2_AVR_ADD_("r0", "r18", "r19", "r10", "r2", "r3")
        MML2_AVR_STORE_RE_("r18", "r19") MML2_AVR_FIRST_SQUARE_("r19")
        MML2_AVR_COPY_("r0", "r18", "r13", "r8") MML2_AVR_ADD_("r0", "r18", "r19", "r11", "r4", "r5")
        MML2_AVR_STORE_IM_("r18", "r19") MML2_AVR_SQUARES_("r19") MML2_AVR_ON_ MML2_AVR_ON_
        MML2_AVR_SUB_("r12", "r6", "r7", "r10", "r2", "r3")
        MML2_AVR_STORE_RE_("r6", "r7") "mov r19,r7\n\t" MML2_AVR_FIRST_SQUARE_("r19")
        MML2_AVR_SUB_("r13", "r8", "r9", "r11", "r4", "r5")
        MML2_AVR_STORE_IM_("r8", "r9") "mov r19,r9\n\t" MML2_AVR_SQUARES_("r19")
        "pop r5\n\t pop r4\n\t pop r11\n\t pop r3\n\t pop r2\n\t pop r10\n\t" MML2_AVR_BACK_
        MML2_AVR_COPY_("r0", "r18", "r20", "r16") MML2_AVR_ADD_("r0", "r18", "r19", "r11", "r4", "r5")
        MML2_AVR_STORE_RE_("r18", "r19") MML2_AVR_FIRST_SQUARE_("r19")
        MML2_AVR_COPY_("r0", "r18", "r21", "r22") MML2_AVR_SUB_("r0", "r18", "r19", "r10", "r2", "r3")
        MML2_AVR_STORE_IM_("r18", "r19") MML2_AVR_SQUARES_("r19") MML2_AVR_ON_ MML2_AVR_ON_
        MML2_AVR_SUB_("r20", "r16", "r17", "r11", "r4", "r5") MML2_AVR_STORE_RE_("r16", "r17") MML2_AVR_FIRST_SQUARE_("r17")
        MML2_AVR_ADD_("r21", "r22", "r23", "r10", "r2", "r3") MML2_AVR_STORE_IM_("r22", "r23") MML2_AVR_SQUARES_("r23")
        MML2_AVR_ON_ "ld r18,X+\n\t ld r19,X+\n\t sbiw r26,12\n\t cp r30,r18\n\t cpc r31,r19\n\t brsh 6f\n\t rjmp 1b\n"
        "6:\n\t clr r1\n\t mov r24,r15\n\t pop r29\n\t pop r28"
        : "+r"(apart), "+z"(z), "+x"(of)
        :
        : "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "r16", "r17", "r18",
        "r19", "r20", "r21", "r22", "r23", "memory");
    return (uint8_t)apart;
}

/* (a + b) / 2 or (a - b) / 2 of the sum or difference whose flags are set, if T says so. */
#define MML2_AVR_HALF_(l, h) "brtc 1f\n\t clc\n\t brge 2f\n\t sec\n2:\n\t ror " h "\n\t ror " l "\n1:\n\t"

/* Of bins k and M - k, at low and high, of the transform of even + j * odd samples: twice those of all. at: 2 k; turn: M. */
static inline void mml2_avr_apart(
    mml2_int16_t *low, mml2_int16_t *high, uint8_t halved, MML2_FLASH_AT(int16_t) wave, uint16_t at, uint16_t turn)
{
    register uint32_t table __asm__("r8") = MML2_AVR_ADDRESS_(wave);
    register uint16_t of_c __asm__("r16") = at;
    register uint16_t of_s __asm__("r22") = turn - at;
    register mml2_int16_t *other __asm__("r12") = high;
    register uint8_t more __asm__("r24") = halved;
    __asm__ volatile(
        "push r28\n\t push r29\n\t bst r24,0\n\t"
        "movw r30,r8\n\t add r30,r16\n\t adc r31,r17\n\t" MML2_AVR_WAVE_("r18", "r19")
        "movw r30,r8\n\t add r30,r22\n\t adc r31,r23\n\t" MML2_AVR_WAVE_("r20", "r21")
        "movw r28,r12\n\t clr r14\n\t"
        "ld r8,X+\n\t ld r9,X+\n\t ld r10,X+\n\t ld r11,X+\n\t"
        "ld r24,Y\n\t ldd r25,Y+1\n\t ldd r22,Y+2\n\t ldd r23,Y+3\n\t"
        "movw r16,r8\n\t sub r16,r24\n\t sbc r17,r25\n\t" MML2_AVR_HALF_("r16", "r17")
        "add r8,r24\n\t adc r9,r25\n\t" MML2_AVR_HALF_("r8", "r9")
        "movw r24,r10\n\t sub r10,r22\n\t sbc r11,r23\n\t" MML2_AVR_HALF_("r10", "r11")
        "add r22,r24\n\t adc r23,r25\n\t" MML2_AVR_HALF_("r22", "r23")
        MML2_AVR_RE_("r12", "r2", "r3") MML2_AVR_IM_("r13", "r4", "r5")
        "sec\n\t adc r8,r14\n\t adc r9,r14\n\t asr r9\n\t ror r8\n\t clr r6\n\t ror r6\n\t"
        "sec\n\t adc r10,r14\n\t adc r11,r14\n\t asr r11\n\t ror r10\n\t clr r7\n\t ror r7\n\t"
        MML2_AVR_COPY_("r0", "r16", "r6", "r8") MML2_AVR_SUB_("r0", "r16", "r17", "r13", "r4", "r5")
        MML2_AVR_ADD_("r6", "r8", "r9", "r13", "r4", "r5")
        MML2_AVR_COPY_("r0", "r22", "r12", "r2") MML2_AVR_ADD_("r0", "r22", "r23", "r7", "r10", "r11")
        "clr r24\n\t ldi r18,1\n\t clr r19\n\t" MML2_AVR_SUB_("r24", "r18", "r19", "r0", "r22", "r23")
        MML2_AVR_SUB_("r7", "r10", "r11", "r12", "r2", "r3")
        "st -X,r11\n\t st -X,r10\n\t st -X,r9\n\t st -X,r8\n\t"
        "st Y,r16\n\t std Y+1,r17\n\t std Y+2,r18\n\t std Y+3,r19\n\t"
        "clr r1\n\t pop r29\n\t pop r28"
        : "+x"(low), [wave] "+r"(table), "+r"(of_c), "+r"(of_s), "+r"(other), "+r"(more)
        : [rampz] "I"(MML2_AVR_RAMPZ_)
        : "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r14", "r18", "r19", "r20", "r21", "r25", "r30", "r31",
        "memory");
}
#endif
