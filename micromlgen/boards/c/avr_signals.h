/* avr_signals.h - what the AVR firmware tells its simulator by writing GPIOR0. */
#ifndef AVR_SIGNALS_H
#define AVR_SIGNALS_H

enum signal {
    VARIABLES_END = 1, /* these four come with an address in GPIOR2:GPIOR1 */
    INPUT_AT,
    OUTPUT_AT,
    CALL_AT,
    NEXT_ROW, /* wants a row in its input and the index of its call */
    START,
    STOP
};

#endif
