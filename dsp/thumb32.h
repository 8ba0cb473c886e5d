/* Products for cores of Thumb-1, which have 32 bits and few registers. */
#ifndef MICROMLGEN_THUMB32_2
#define MICROMLGEN_THUMB32_2
#if defined(__thumb__) && !defined(__thumb2__) && __ARM_ARCH >= 6 && defined(__OPTIMIZE__)
#define MML2_THUMB_
/* Half of the product of r3 + i r4 with c - i s or, where `plus` and `minus` are the other way round, c + i s, in r1 and
   r2: its parts are r6 and r4. Changes r5 and r7. */
#define MML2_THUMB_TIMES_(plus, minus) \
    "uxth r5, r3\n\t asrs r3, r3, #16\n\t" \
    "mov r6, r5\n\t muls r6, r1\n\t asrs r6, r6, #16\n\t mov r7, r3\n\t muls r7, r1\n\t adds r6, r6, r7\n\t" \
    "muls r5, r2\n\t asrs r5, r5, #16\n\t muls r3, r2\n\t adds r3, r3, r5\n\t" \
    "uxth r5, r4\n\t asrs r4, r4, #16\n\t" \
    "mov r7, r5\n\t muls r7, r2\n\t asrs r7, r7, #16\n\t " plus " r6, r6, r7\n\t" \
    "mov r7, r4\n\t muls r7, r2\n\t " plus " r6, r6, r7\n\t" \
    "muls r5, r1\n\t asrs r5, r5, #16\n\t muls r4, r1\n\t adds r4, r4, r5\n\t " minus " r4, r4, r3\n\t"
#endif
#endif
