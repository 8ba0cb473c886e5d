/* Products of 16 bits where AVR has a multiplier. */
#ifndef MICROMLGEN_AVR16_2
#define MICROMLGEN_AVR16_2
/* What AVR calls: loops whose products are in assembler have registers of their own, and what is long is there once. */
#if defined(__AVR__)
#define MML2_APART static __attribute__((noinline, unused))
#else
#define MML2_APART static inline
#endif

#if defined(__AVR__) && defined(__AVR_HAVE_MUL__)
#define MML2_AVR_MUL_
/* a^2 + b^2. FMULSU doubles the product of the halves, and leaves its sign in the carry. */
static inline uint32_t mml2_avr_square(int16_t a, int16_t b)
{
    uint32_t out;
    uint8_t zero;
    __asm__("clr %1\n\t"
        "mul %A2,%A2\n\t movw %A0,r0\n\t muls %B2,%B2\n\t movw %C0,r0\n\t"
        "fmulsu %B2,%A2\n\t sbc %D0,%1\n\t add %B0,r0\n\t adc %C0,r1\n\t adc %D0,%1\n\t"
        "mul %A3,%A3\n\t add %A0,r0\n\t adc %B0,r1\n\t adc %C0,%1\n\t adc %D0,%1\n\t"
        "muls %B3,%B3\n\t add %C0,r0\n\t adc %D0,r1\n\t"
        "fmulsu %B3,%A3\n\t sbc %D0,%1\n\t add %B0,r0\n\t adc %C0,r1\n\t adc %D0,%1\n\t"
        "clr r1"
        : "=&r"(out), "=&r"(zero) : "a"(a), "a"(b) : "r0");
    return out;
}

/* a * b. */
static inline int32_t mml2_avr_times8(int16_t a, uint8_t b)
{
    int32_t out;
    __asm__("mul %A1,%2\n\t movw %A0,r0\n\t mulsu %B1,%2\n\t sbc %D0,%D0\n\t mov %C0,r1\n\t add %B0,r0\n\t"
        "clr r1\n\t adc %C0,r1\n\t adc %D0,r1"
        : "=&r"(out) : "a"(a), "a"(b) : "r0");
    return out;
}

/* a * b. */
static inline int32_t mml2_avr_product(int16_t a, uint16_t b)
{
    int32_t out;
    uint8_t zero;
    __asm__("clr %1\n\t mul %A2,%A3\n\t movw %A0,r0\n\t mulsu %B2,%B3\n\t movw %C0,r0\n\t"
        "mulsu %B2,%A3\n\t sbc %D0,%1\n\t add %B0,r0\n\t adc %C0,r1\n\t adc %D0,%1\n\t"
        "mul %A2,%B3\n\t add %B0,r0\n\t adc %C0,r1\n\t adc %D0,%1\n\t"
        "clr r1"
        : "=&r"(out), "=&r"(zero) : "a"(a), "a"(b) : "r0");
    return out;
}

/* a * b. */
static inline int32_t mml2_avr_signed(int16_t a, int16_t b)
{
    int32_t out;
    uint8_t zero;
    __asm__("clr %1\n\t mul %A2,%A3\n\t movw %A0,r0\n\t muls %B2,%B3\n\t movw %C0,r0\n\t"
        "mulsu %B2,%A3\n\t sbc %D0,%1\n\t add %B0,r0\n\t adc %C0,r1\n\t adc %D0,%1\n\t"
        "mulsu %B3,%A2\n\t sbc %D0,%1\n\t add %B0,r0\n\t adc %C0,r1\n\t adc %D0,%1\n\t"
        "clr r1"
        : "=&r"(out), "=&r"(zero) : "a"(a), "a"(b) : "r0");
    return out;
}

/* a * b / 2^16, rounded down, for products below 2^48. */
static inline uint32_t mml2_avr_high(uint32_t a, uint16_t b)
{
    uint32_t out;
    uint8_t low, zero;
    __asm__("clr %2\n\t mul %A3,%A4\n\t mov %1,r1\n\t mul %B3,%B4\n\t movw %A0,r0\n\t mul %D3,%B4\n\t movw %C0,r0\n\t"
        "mul %A3,%B4\n\t add %1,r0\n\t adc %A0,r1\n\t adc %B0,%2\n\t adc %C0,%2\n\t adc %D0,%2\n\t"
        "mul %B3,%A4\n\t add %1,r0\n\t adc %A0,r1\n\t adc %B0,%2\n\t adc %C0,%2\n\t adc %D0,%2\n\t"
        "mul %C3,%A4\n\t add %A0,r0\n\t adc %B0,r1\n\t adc %C0,%2\n\t adc %D0,%2\n\t"
        "mul %C3,%B4\n\t add %B0,r0\n\t adc %C0,r1\n\t adc %D0,%2\n\t"
        "mul %D3,%A4\n\t add %B0,r0\n\t adc %C0,r1\n\t adc %D0,%2\n\t"
        "clr r1"
        : "=&r"(out), "=&r"(low), "=&r"(zero) : "r"(a), "r"(b) : "r0");
    return out;
}
#endif
#endif
