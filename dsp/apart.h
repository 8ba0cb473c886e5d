#ifndef MICROMLGEN_APART_2
#define MICROMLGEN_APART_2
/* Functions that are no part of their callers on AVR: their loops have all registers, and their stack is given back
   before the next one takes its own. */
#if defined(__AVR__)
#define MML2_APART_ static __attribute__((noinline, unused))
#else
#define MML2_APART_ static inline
#endif
#endif
