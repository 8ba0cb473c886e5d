/* fusion.ino - whether the air of a room is stale, from its temperature, humidity and light.
 *
 * For each reading, every 16 minutes, the serial port, 115200 baud, gets "stale air" or "fine"; before there are
 * four readings, "wait". With RECORDED defined, readings come over that port instead of from the sensors: three
 * int16 each, low byte first.
 */
#include "fusion.h"

static const uint8_t SENSORS = 3; /* temperature in 1/100 degrees Celsius, humidity in 1/100 %, light in 1/10 lux */
static const uint8_t HISTORY = FUSION_N_FEATURES / SENSORS;

static fusion_input_t history[FUSION_N_FEATURES]; /* the oldest reading first */
static uint8_t readings;

#ifdef RECORDED
#include "recorded.h"

static void begin_air() {}

static bool read_air(int16_t *reading)
{
    return recorded(reading, SENSORS);
}
#else
#include <Adafruit_SHT31.h>
#include <BH1750.h>
#include <Wire.h>

static const unsigned long PERIOD = 16ul * 60 * 1000;
static Adafruit_SHT31 sht31;
static BH1750 bh1750;

static int16_t rounded(float value)
{
    if (!(value < 32767.0f)) return 32767; /* NaN, of a sensor that is silent, too */
    if (value < -32768.0f) return -32768;
    return (int16_t)(value < 0.0f ? value - 0.5f : value + 0.5f);
}

static void begin_air()
{
    Wire.begin();
    while (!sht31.begin(0x44) || !bh1750.begin()) {
        Serial.println(F("no SHT31, or no BH1750"));
        delay(1000);
    }
}

static bool read_air(int16_t *reading)
{
    static unsigned long due;
    if ((long)(millis() - due) < 0) return false;
    due = millis() + PERIOD;
    reading[0] = rounded(sht31.readTemperature() * 100.0f);
    reading[1] = rounded(sht31.readHumidity() * 100.0f);
    reading[2] = rounded(bh1750.readLightLevel() * 10.0f);
    return true;
}
#endif

void setup()
{
    Serial.begin(115200);
    begin_air();
    Serial.println(F("ready"));
}

void loop()
{
    int16_t reading[SENSORS];
    if (!read_air(reading)) return;
    memmove(history, history + SENSORS, sizeof history - sizeof reading);
    memcpy(history + FUSION_N_FEATURES - SENSORS, reading, sizeof reading);
    if (readings < HISTORY) ++readings;
    if (readings < HISTORY)
        Serial.println(F("wait"));
    else
        Serial.println(fusion_predict(history) ? F("stale air") : F("fine"));
}
