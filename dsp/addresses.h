#include "flash.h"
#ifndef MICROMLGEN_FLASH_AT_2
#define MICROMLGEN_FLASH_AT_2
/* An address in flash of elements of a type, the one where a table starts, the one n elements on, and element i
   from there. AVR's far flash has no pointers: an address there is a page and two bytes. */
#if defined(__AVR_HAVE_ELPM__)
__extension__ typedef __uint24 mml2_far_t;
#define MML2_FLASH_AT(type) mml2_far_t
#define MML2_FLASH_START(t) \
    (__extension__({ mml2_far_t start_##t; \
        __asm__("ldi %A0, lo8(%1)\n\tldi %B0, hi8(%1)\n\tldi %C0, hh8(%1)" : "=d"(start_##t) : "i"(t)); \
        start_##t; }))
#define MML2_FLASH_SKIP(type, at, n) ((mml2_far_t)((at) + (mml2_far_t)(n) * sizeof(type)))
/* Shifted down, an address would take a register for each of its bytes. */
#define MML2_FLASH_PAGE(at) \
    (__extension__({ uint8_t page_; __asm__("mov %0, %C1" : "=r"(page_) : "r"(at)); page_; }))
#define MML2_FLASH_IN(page, low) ((mml2_far_t)((mml2_far_t)(page) << 16 | (low)))
#define MML2_FLASH_GET_U8(at, i) pgm_read_byte_far((at) + (uint32_t)(i))
#define MML2_FLASH_GET_U16(at, i) pgm_read_word_far((at) + (uint32_t)(i) * 2u)
#define MML2_FLASH_GET_U32(at, i) pgm_read_dword_far((at) + (uint32_t)(i) * 4u)
#else
#define MML2_FLASH_AT(type) const type *
#define MML2_FLASH_PAGE(at) 0
#define MML2_FLASH_START(t) (t)
#define MML2_FLASH_SKIP(type, at, n) ((at) + (n))
#define MML2_FLASH_GET_U8(at, i) MML2_FLASH_U8(at, i)
#define MML2_FLASH_GET_U16(at, i) MML2_FLASH_U16(at, i)
#define MML2_FLASH_GET_U32(at, i) MML2_FLASH_U32(at, i)
#endif
#endif
