/* The FFT of real int16 samples in int32 with Q15 twiddles, as micromlgen/features/_fft32.py defines it.

   N samples are M = N / 2 complex numbers z, in place: real parts at even places, imaginary ones at odd. No sum
   leaves 31 bits, because the samples come in shifted so that the largest possible output stays within 2^30. */
#include "fft32_first.h"
#include "fft32_pass.h"
#include "fft32_apart.h"
#include "fft32_pass_avr.h"
#include "fft32_first_avr.h"
#ifndef MICROMLGEN_FFT32_2
#define MICROMLGEN_FFT32_2
/* Bins 0 to N / 2 of N = 2 * size samples: real and imaginary parts in z[0] to z[N + 1].

   table: -cos and -sin of 2 pi k / N in Q15, k = 0 to N / 4. Input Q0, output Q(shift - passes), passes being those
   of radix 4 behind the first; with a window Q15 above that, with a framed input Q14. Every product and half
   is rounded down. |z| <= 2^30 by the choice of the shift. Returns the bits of all. */
static inline uint32_t mml2_fft32(
    mml2_samples_t in, int32_t *z, uint16_t size, uint8_t radix, MML2_FLASH_AT(int16_t) table)
{
    uint16_t quarter = radix;
#if defined(MML2_AVR_MUL_)
    if (MML2_AVR32_FITS_(in)) {
        mml2_avr32_samples_t samples = mml2_avr32_samples(in, size);
        if (in.framed) {
            samples.all = &in;
            mml2_avr32_first_framed(&samples, z, radix);
        } else {
            mml2_avr32_first(&samples, z, radix);
        }
    } else {
        mml2_fft32_first(in, z, size, radix);
    }
    for (; quarter < size; quarter = (uint16_t)(4u * quarter)) mml2_avr32_pass(z, size, quarter, table);
#else
    uint16_t step = (uint16_t)(size / 2u / radix);
    mml2_fft32_first(in, z, size, radix);
#if defined(MML2_FFT32_UNROLLED_)
    if (radix == 4) {
        if (size > 4u) mml2_fft32_pass(z, size, 4, size / 8u, table);
        if (size > 16u) mml2_fft32_pass(z, size, 16, size / 32u, table);
        if (size > 64u) mml2_fft32_pass(z, size, 64, size / 128u, table);
        quarter = 256;
        step = (uint16_t)(size / 512u);
    } else {
        if (size > 8u) mml2_fft32_pass(z, size, 8, size / 16u, table);
        if (size > 32u) mml2_fft32_pass(z, size, 32, size / 64u, table);
        quarter = 128;
        step = (uint16_t)(size / 256u);
    }
#endif
    for (; quarter < size; quarter = (uint16_t)(4u * quarter), step = (uint16_t)(step / 4u)) {
        mml2_fft32_pass(z, size, quarter, step, table);
    }
#endif
    return mml2_fft32_apart(z, size, table);
}
#endif
