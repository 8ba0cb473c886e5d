/* avr.c - the firmware on AVR: the simulator puts rows into `input` and reads `output` itself. */
#include <avr/io.h>

#include "avr_signals.h"

static volatile uint16_t call; /* written by the simulator */
extern uint8_t __heap_start; /* the linker's: the end of all variables */

static void tell(enum signal signal, uintptr_t address)
{
    GPIOR1 = (uint8_t)address;
    GPIOR2 = (uint8_t)(address >> 8);
    GPIOR0 = (uint8_t)signal;
}

int main(void)
{
    tell(VARIABLES_END, (uintptr_t)&__heap_start);
    tell(INPUT_AT, (uintptr_t)input);
    tell(OUTPUT_AT, (uintptr_t)output);
    tell(CALL_AT, (uintptr_t)&call);
    for (;;) {
        void (*run)(void);
        GPIOR0 = NEXT_ROW;
        run = calls[call];
        GPIOR0 = START;
        run();
        GPIOR0 = STOP;
    }
}
