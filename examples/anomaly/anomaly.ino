/* anomaly.ino - whether nine sensors of a machine, read together, say what they always say.
 *
 * Twice a second the serial port, 115200 baud, gets "normal" or "ANOMALY", and the score in thousandths: the lower,
 * the stranger. With RECORDED defined, readings come over that port instead of from the analog pins: nine int16
 * each, low byte first.
 */
#include "anomaly.h"

static const uint8_t SENSORS = 9;

#ifdef RECORDED
#include "recorded.h"

static bool read_sensors(int16_t *reading)
{
    return recorded(reading, SENSORS);
}
#else
/* Twice a second, A0 to A8: 0 to 1023 for 0 to 5 V. */
static bool read_sensors(int16_t *reading)
{
    static unsigned long due;
    if ((long)(millis() - due) < 0) return false;
    due = millis() + 500;
    for (uint8_t i = 0; i < SENSORS; ++i) reading[i] = (int16_t)analogRead(A0 + i);
    return true;
}
#endif

void setup()
{
    Serial.begin(115200);
    Serial.println(F("ready"));
}

void loop()
{
    anomaly_input_t reading[SENSORS];
    if (!read_sensors(reading)) return;
    Serial.print(anomaly_predict(reading) < 0 ? F("ANOMALY ") : F("normal "));
    Serial.println((anomaly_score(reading) >> 10) * 1000 >> 20); /* from 30 bits behind the point */
}
