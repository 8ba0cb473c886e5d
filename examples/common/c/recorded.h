/* recorded.h - readings from the serial port in the place of a sensor: int16, low byte first. */
#ifndef RECORDED_H
#define RECORDED_H

#include <Arduino.h>

/* Takes one reading of n numbers, at most 31, if it has arrived as a whole; returns whether it has. */
static bool recorded(int16_t *reading, uint8_t n)
{
    if (Serial.available() < 2 * n) return false;
    for (uint8_t i = 0; i < n; ++i) {
        const uint16_t low = (uint16_t)Serial.read();
        const uint16_t high = (uint16_t)Serial.read();
        reading[i] = (int16_t)(low | high << 8);
    }
    return true;
}

#endif
