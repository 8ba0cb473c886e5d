/* colour.ino - which of 24 coloured cards lies before a TCS34725.
 *
 * Twice a second the serial port, 115200 baud, gets the name of a card. With RECORDED defined, counts come over that
 * port instead of from the sensor: red, green, blue, clear, int16, low byte first.
 */
#include "colour.h"

static const uint8_t CHANNELS = 4;

#ifdef RECORDED
#include "recorded.h"

static void begin_colour() {}

static bool read_colour(int16_t *counts)
{
    return recorded(counts, CHANNELS);
}
#else
#include <Adafruit_TCS34725.h>

/* In 24 ms it counts up to 10240, which an int16 holds. */
static Adafruit_TCS34725 sensor(TCS34725_INTEGRATIONTIME_24MS, TCS34725_GAIN_4X);

static void begin_colour()
{
    while (!sensor.begin()) {
        Serial.println(F("no TCS34725"));
        delay(1000);
    }
}

static bool read_colour(int16_t *counts)
{
    static unsigned long due;
    uint16_t red, green, blue, clear;
    if ((long)(millis() - due) < 0) return false;
    due = millis() + 500;
    sensor.getRawData(&red, &green, &blue, &clear);
    counts[0] = (int16_t)red;
    counts[1] = (int16_t)green;
    counts[2] = (int16_t)blue;
    counts[3] = (int16_t)clear;
    return true;
}
#endif

void setup()
{
    Serial.begin(115200);
    begin_colour();
    Serial.println(F("ready"));
}

void loop()
{
    colour_input_t counts[CHANNELS];
    if (read_colour(counts)) Serial.println(colour_label(colour_predict(counts)));
}
