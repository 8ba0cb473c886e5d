/* Arduino.h - what the peers' code uses of it, for cores without an Arduino environment and for this host. */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef max
#define max(a, b) ((a) > (b) ? (a) : (b))
#define min(a, b) ((a) < (b) ? (a) : (b))
#endif

/* everywhereml takes the time of its own predictions; here that costs it nothing. */
static inline unsigned long micros(void) { return 0; }

#endif
