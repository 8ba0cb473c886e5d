#include "nn.h"
#ifndef MICROMLGEN_NN_COLUMNS_2
#define MICROMLGEN_NN_COLUMNS_2
/* Products of columns with four outputs at a time. micromlgen/models/_graph_pack.py says how both are laid out. */

/* n bytes plus 128 to a column; returns their sum. */
static inline uint32_t mml2_nn_offset(const int8_t *x, uint16_t n, uint8_t *column)
{
    uint32_t sum = 0;
    for (; n > 3; n = (uint16_t)(n - 4u), x += 4, column += 4) {
        const uint8_t a = (uint8_t)((uint8_t)x[0] ^ 0x80u), b = (uint8_t)((uint8_t)x[1] ^ 0x80u);
        const uint8_t c = (uint8_t)((uint8_t)x[2] ^ 0x80u), d = (uint8_t)((uint8_t)x[3] ^ 0x80u);
        column[0] = a;
        column[1] = b;
        column[2] = c;
        column[3] = d;
        sum += (uint16_t)(a + b + c + d);
    }
    for (; n; --n) {
        const uint8_t u = (uint8_t)((uint8_t)*x++ ^ 0x80u);
        *column++ = u;
        sum += u;
    }
    return sum;
}

#if defined(__ARM_ARCH) && __ARM_ARCH_ISA_THUMB == 1
/* Input k for four outputs. */
#define MML2_NN_INPUT_(k) \
    "ldrb %[x], [%[column], #" #k "]\n\t" \
    MML2_NN_PRODUCT_("a", "4 * " #k) MML2_NN_PRODUCT_("b", "4 * " #k " + 1") \
    MML2_NN_PRODUCT_("c", "4 * " #k " + 2") MML2_NN_PRODUCT_("d", "4 * " #k " + 3")
#define MML2_NN_PRODUCT_(sum, at) \
    "ldrb %[t], [%[w], #" at "]\n\t" \
    "muls %[t], %[x], %[t]\n\t" \
    "add %[" sum "], %[t]\n\t"
#endif

#if defined(__ARM_ARCH) && __ARM_ARCH_ISA_THUMB == 1
/* Tap k of a depthwise convolution: adds up what is c bytes behind address k. */
#define MML2_NN_TAP_(k) \
    "ldr %[x], [%[at], #4 * " #k "]\n\t" \
    "ldrsb %[x], [%[x], %[c]]\n\t" \
    "movs %[t], #" #k "\n\t" \
    "ldrsb %[t], [%[w], %[t]]\n\t" \
    "muls %[x], %[t], %[x]\n\t" \
    "adds %[s], %[s], %[x]\n\t"
#endif

#if defined(__AVR__)
#if defined(__AVR_HAVE_ELPM__)
#define MML2_NN_LPM_ "elpm"
#define MML2_NN_RAMPZ_ _SFR_IO_ADDR(RAMPZ)
#define MML2_NN_OPEN_ "out %[rampz], r22\n\t"
#else
#define MML2_NN_LPM_ "lpm"
#define MML2_NN_RAMPZ_ 0
#define MML2_NN_OPEN_
#endif
/* The product with an input, added to three registers; r22 is 0. */
#define MML2_NN_PRODUCT_(low, middle, high) \
    MML2_NN_LPM_ " r21, Z+\n\t" \
    "mul r21, r20\n\t" \
    "add " low ", r0\n\t" \
    "adc " middle ", r1\n\t" \
    "adc " high ", r22\n\t"

/* Sums of four outputs in 24 bits each, of up to 256 inputs; 0 stands for 256. */
static inline void mml2_nn_some(const uint8_t *column, uint8_t inputs, MML2_FLASH_AT(uint8_t) w, uint8_t *sums)
{
    uint16_t z = (uint16_t)w;
    register uint8_t page __asm__("r22") = MML2_FLASH_PAGE(w);
    register uint8_t count __asm__("r23") = inputs;
    register uint8_t *to __asm__("r24") = sums;
    __asm__ volatile(
        MML2_NN_OPEN_
        "clr r22\n\t"
        "clr r8\n\t"
        "clr r9\n\t"
        "movw r10, r8\n\t"
        "movw r12, r8\n\t"
        "movw r14, r8\n\t"
        "movw r16, r8\n\t"
        "movw r18, r8\n\t"
        "1:\n\t"
        "ld r20, X+\n\t"
        MML2_NN_PRODUCT_("r8", "r9", "r10")
        MML2_NN_PRODUCT_("r11", "r12", "r13")
        MML2_NN_PRODUCT_("r14", "r15", "r16")
        MML2_NN_PRODUCT_("r17", "r18", "r19")
        "dec r23\n\t"
        "brne 1b\n\t"
        "movw r26, r24\n\t"
        "st X+, r8\n\t"
        "st X+, r9\n\t"
        "st X+, r10\n\t"
        "st X+, r11\n\t"
        "st X+, r12\n\t"
        "st X+, r13\n\t"
        "st X+, r14\n\t"
        "st X+, r15\n\t"
        "st X+, r16\n\t"
        "st X+, r17\n\t"
        "st X+, r18\n\t"
        "st X+, r19\n\t"
        "clr r1"
        : "+&x"(column), "+&z"(z), "+&r"(page), "+&r"(count)
        : "r"(to), [rampz] "I"(MML2_NN_RAMPZ_)
        : "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "r16", "r17", "r18", "r19", "r20", "r21", "memory");
}
#endif

/* Sums of four outputs, of 4 n inputs. */
static inline MML2_FLASH_AT(uint8_t) mml2_nn_four(const uint8_t *column, uint16_t n, MML2_FLASH_AT(uint8_t) w, uint32_t *sums)
{
#if defined(__ARM_ARCH) && __ARM_ARCH_ISA_THUMB == 1
    /* Eight inputs a turn, whose weights a load reaches; an odd four first. Sums are in registers that add, and do
       little else. */
    register uint32_t a __asm__("r8") = sums[0];
    register uint32_t b __asm__("r9") = sums[1];
    register uint32_t c __asm__("r10") = sums[2];
    register uint32_t d __asm__("r11") = sums[3];
    register const uint8_t *end __asm__("ip") = column + 4u * n;
    uint32_t x, t;
    __asm__(
        ".syntax unified\n\t"
        "lsrs %[x], %[x], #1\n\t"
        "bcc 3f\n\t"
        MML2_NN_INPUT_(0) MML2_NN_INPUT_(1) MML2_NN_INPUT_(2) MML2_NN_INPUT_(3)
        "adds %[column], #4\n\t"
        "adds %[w], #16\n\t"
        "3:\n\t"
        "b 2f\n\t"
        "1:\n\t"
        MML2_NN_INPUT_(0) MML2_NN_INPUT_(1) MML2_NN_INPUT_(2) MML2_NN_INPUT_(3)
        MML2_NN_INPUT_(4) MML2_NN_INPUT_(5) MML2_NN_INPUT_(6) MML2_NN_INPUT_(7)
        "adds %[column], #8\n\t"
        "adds %[w], #32\n\t"
        "2:\n\t"
        "cmp %[column], %[end]\n\t"
        "bne 1b"
        : [column] "+&l"(column), [w] "+&l"(w), [x] "=&l"(x), [t] "=&l"(t), [a] "+&r"(a), [b] "+&r"(b), [c] "+&r"(c), [d] "+&r"(d)
        : "2"((uint32_t)n), [end] "r"(end)
        : "cc", "memory");
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
#elif defined(__AVR__)
    while (n) {
        const uint8_t blocks = n > 64u ? 64u : (uint8_t)n;
        uint8_t some[12], k;
        mml2_nn_some(column, (uint8_t)(4u * blocks), w, some);
        for (k = 0; k < 4u; ++k)
            sums[k] += some[3u * k] | (uint16_t)(some[3u * k + 1u] << 8) | (uint32_t)some[3u * k + 2u] << 16;
        column += 4u * blocks;
        w = MML2_FLASH_SKIP(uint8_t, w, 4u * 4u * blocks);
        n = (uint16_t)(n - blocks);
    }
#else
    uint32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];
    for (; n; --n) {
        uint_fast8_t k;
        for (k = 0; k < 4; ++k) {
            const uint16_t x = *column++;
            a += (uint16_t)(x * MML2_FLASH_GET_U8(w, 0));
            b += (uint16_t)(x * MML2_FLASH_GET_U8(w, 1));
            c += (uint16_t)(x * MML2_FLASH_GET_U8(w, 2));
            d += (uint16_t)(x * MML2_FLASH_GET_U8(w, 3));
            w = MML2_FLASH_SKIP(uint8_t, w, 4);
        }
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
#endif
    return w;
}

#if MML2_NN_DSP
/* 4 n bytes as a column of 2 n words; x may lie anywhere. */
static inline void mml2_nn_pairs(const int8_t *x, uint16_t n, uint32_t *column)
{
    const uint32_t least = 0xff81ff81u; /* -127, twice */
    for (; n; --n, x += 4, column += 2) {
        uint32_t four, u, v;
        memcpy(&four, x, 4);
        v = (four & 0x00ff00ffu) << 8;
        __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(u) : "r"(least), "r"(four));
        __asm__("ssub16 %0, %1, %2" : "=r"(v) : "r"(v), "r"(u));
        __asm__("sxtb16 %0, %1, ror #8" : "=r"(u) : "r"(four));
        column[0] = u;
        column[1] = v;
    }
}

/* One tap of a depthwise convolution, of four channels; x may lie anywhere. */
static inline __attribute__((always_inline)) const uint32_t *mml2_nn_tap(const int8_t *x, const uint32_t *w, int32_t *a, int32_t *b, int32_t *c, int32_t *d)
{
    uint32_t four, even, u, v;
    memcpy(&four, x, 4);
    __asm__(
        "ldrd %[u], %[v], [%[w]], #8\n\t"
        "sxtb16 %[even], %[four]\n\t"
        "sxtb16 %[four], %[four], ror #8\n\t"
        "smlabb %[a], %[even], %[u], %[a]\n\t"
        "smlatt %[c], %[even], %[u], %[c]\n\t"
        "smlabb %[b], %[four], %[v], %[b]\n\t"
        "smlatt %[d], %[four], %[v], %[d]"
        : [w] "+r"(w), [four] "+r"(four), [even] "=&r"(even), [u] "=&r"(u), [v] "=&r"(v), [a] "+r"(*a), [b] "+r"(*b),
          [c] "+r"(*c), [d] "+r"(*d)
        :
        : "memory");
    return w;
}

/* Four inputs for four outputs. */
#define MML2_NN_BLOCK_ \
    "ldrd %[u], %[v], [%[column]], #8\n\t" \
    "ldmia %[w]!, {r8, r9, r10, r11}\n\t" \
    "smlad %[a], %[u], %[p], %[a]\n\t" \
    "sxtb16 %[p], %[p]\n\t" \
    "smlad %[b], %[u], %[q], %[b]\n\t" \
    "sxtb16 %[q], %[q]\n\t" \
    "smlad %[c], %[u], %[r], %[c]\n\t" \
    "sxtb16 %[r], %[r]\n\t" \
    "smlad %[d], %[u], %[s], %[d]\n\t" \
    "sxtb16 %[s], %[s]\n\t" \
    "smlad %[a], %[v], %[p], %[a]\n\t" \
    "smlad %[b], %[v], %[q], %[b]\n\t" \
    "smlad %[c], %[v], %[r], %[c]\n\t" \
    "smlad %[d], %[v], %[s], %[d]\n\t"

/* 256 times the sums of four outputs, of 4 n inputs. */
static inline const uint32_t *mml2_nn_four_pairs(const uint32_t *column, uint16_t n, const uint32_t *w, uint32_t *sums)
{
    /* Named, so that enough are left where r7 is the frame's. */
    uint32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];
    const uint32_t *const end = column + 2u * n;
    register uint32_t u __asm__("ip") = n;
    register uint32_t v __asm__("lr");
    register uint32_t p __asm__("r8"), q __asm__("r9"), r __asm__("r10"), s __asm__("r11");
    __asm__(
        "tst %[u], #1\n\t"
        "bne 2f\n\t" /* an odd count enters in the middle */
        "1:\n\t"
        MML2_NN_BLOCK_
        "2:\n\t"
        MML2_NN_BLOCK_
        "cmp %[column], %[end]\n\t"
        "bne 1b"
        : [column] "+&r"(column), [w] "+&r"(w), [u] "+&r"(u), [v] "=&r"(v), [a] "+&r"(a), [b] "+&r"(b), [c] "+&r"(c),
          [d] "+&r"(d), [p] "=&r"(p), [q] "=&r"(q), [r] "=&r"(r), [s] "=&r"(s)
        : [end] "r"(end)
        : "cc", "memory");
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    return w;
}
#endif
#endif
