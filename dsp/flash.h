#ifndef MICROMLGEN_FLASH_2
#define MICROMLGEN_FLASH_2
/* AVR keeps constants in flash only when told so, and reads them with instructions of their own; where flash
   exceeds 64 KB the far ones, since a table may lie anywhere. */
#if defined(__AVR__)
#include <avr/pgmspace.h>
#define MML2_FLASH PROGMEM
#if defined(__AVR_HAVE_ELPM__)
/* Element at byte `at` of table t: Z becomes the low half of its address, RAMPZ the rest. Negated because AVR
   subtracts constants only; the names carry the table's, because reads may nest. */
#define MML2_FAR_(type, t, at, load) \
    (__extension__({ type value_##t; uint8_t high_##t; uint16_t low_##t = (uint16_t)(at); \
        __asm__("ldi %1, 0\n\tsubi %A2, lo8(-(%3))\n\tsbci %B2, hi8(-(%3))\n\tsbci %1, hh8(-(%3))\n\tout %4, %1\n\t" load \
            : "=&r"(value_##t), "=&d"(high_##t), "+z"(low_##t) : "i"(t), "I"(_SFR_IO_ADDR(RAMPZ))); \
        value_##t; }))
#define MML2_FAR_2_ "elpm %A0, Z+\n\telpm %B0, Z"
#define MML2_FAR_3_ "elpm %A0, Z+\n\telpm %B0, Z+\n\telpm %C0, Z"
#define MML2_FAR_4_ "elpm %A0, Z+\n\telpm %B0, Z+\n\telpm %C0, Z+\n\telpm %D0, Z"
#define MML2_FLASH_U8(t, i) MML2_FAR_(uint8_t, t, i, "elpm %0, Z")
#define MML2_FLASH_U16(t, i) MML2_FAR_(uint16_t, t, (uint16_t)(i) * 2u, MML2_FAR_2_)
#define MML2_FLASH_U24(t, i) ((uint32_t)MML2_FAR_(__uint24, t, (uint16_t)(i) * 3u, MML2_FAR_3_))
#define MML2_FLASH_U32(t, i) MML2_FAR_(uint32_t, t, (uint16_t)(i) * 4u, MML2_FAR_4_)
#define MML2_FLASH_U64(t, i) \
    ((uint64_t)MML2_FAR_(uint32_t, t, (uint16_t)(i) * 8u + 4u, MML2_FAR_4_) << 32 \
        | MML2_FAR_(uint32_t, t, (uint16_t)(i) * 8u, MML2_FAR_4_))
#define MML2_FLASH_F32(t, i) MML2_FAR_(float, t, (uint16_t)(i) * 4u, MML2_FAR_4_)
#else
#define MML2_FLASH_U8(t, i) pgm_read_byte(&(t)[i])
#define MML2_FLASH_U16(t, i) pgm_read_word(&(t)[i])
#define MML2_FLASH_U24(t, i) (pgm_read_dword(&(t)[(uint16_t)(i) * 3u]) & 0xffffffuL)
#define MML2_FLASH_U32(t, i) pgm_read_dword(&(t)[i])
#define MML2_FLASH_U64(t, i) \
    ((uint64_t)pgm_read_dword((uint16_t)&(t)[i] + 4u) << 32 | pgm_read_dword((uint16_t)&(t)[i]))
#define MML2_FLASH_F32(t, i) pgm_read_float(&(t)[i])
#endif
#elif defined(ESP8266) || defined(__XTENSA_CALL0_ABI__)
/* An ESP8266 keeps constants in RAM unless told so, and reads flash in aligned words only. The loads are asm
   because the compiler would narrow one of its own. */
#define MML2_TEXT_(x) #x
#define MML2_TEXT2_(x) MML2_TEXT_(x)
#define MML2_FLASH __attribute__((section(".irom.text.mml2." MML2_TEXT2_(__COUNTER__)), aligned(4)))
static inline __attribute__((always_inline)) uint32_t mml2_word(const void *p)
{
    uint32_t value;
    __asm__("l32i %0, %1, 0\n\tssa8l %2\n\tsrl %0, %0"
        : "=&r"(value) : "r"((uintptr_t)p & ~(uintptr_t)3), "r"(p));
    return value;
}
#define MML2_FLASH_U8(t, i) ((uint8_t)mml2_word(&(t)[i]))
#define MML2_FLASH_U16(t, i) ((uint16_t)mml2_word(&(t)[i]))
#define MML2_FLASH_U24(t, i) ((mml2_word(&(t)[(i) * 3u]) & 0xffu) \
    | (mml2_word(&(t)[(i) * 3u + 1u]) & 0xffu) << 8 | (mml2_word(&(t)[(i) * 3u + 2u]) & 0xffu) << 16)
#define MML2_FLASH_U32(t, i) mml2_word(&(t)[i])
#define MML2_FLASH_U64(t, i) ((t)[i])
#define MML2_FLASH_F32(t, i) ((t)[i])
#else
#define MML2_FLASH
#define MML2_FLASH_U8(t, i) ((uint8_t)(t)[i])
#define MML2_FLASH_U16(t, i) ((uint16_t)(t)[i])
#define MML2_FLASH_U24(t, i) mml2_u24(&(t)[(i) * 3u])
#define MML2_FLASH_U32(t, i) ((uint32_t)(t)[i])
#define MML2_FLASH_U64(t, i) ((uint64_t)(t)[i])
#define MML2_FLASH_F32(t, i) ((t)[i])
static inline uint32_t mml2_u24(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
}
#endif
#endif
