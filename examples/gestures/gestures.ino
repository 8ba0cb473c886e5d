/* gestures.ino - which of seven shoulder exercises an arm does, by the accelerometer and gyroscope on its wrist.
 *
 * Every 4 seconds the serial port, 115200 baud, gets the name of an exercise. With RECORDED defined, readings come
 * over that port instead of from the sensor: six int16 each, low byte first.
 */
#include "gestures.h"

static const uint8_t CHANNELS = 6;  /* acceleration x, y, z in 1/4096 g; rotation x, y, z in 1/1000 rad/s */
static const uint16_t SAMPLES = 100; /* 4 seconds at 25 Hz */

static gestures_input_t window[SAMPLES * CHANNELS];
static uint16_t samples;

#ifdef RECORDED
#include "recorded.h"

static void begin_imu() {}

static bool read_imu(int16_t *reading)
{
    return recorded(reading, CHANNELS);
}
#else
#include <Arduino_LSM9DS1.h>

static int16_t rounded(float value)
{
    if (value > 32767.0f) return 32767;
    if (value < -32768.0f) return -32768;
    return (int16_t)(value < 0.0f ? value - 0.5f : value + 0.5f);
}

static void begin_imu()
{
    while (!IMU.begin()) {
        Serial.println(F("no LSM9DS1"));
        delay(1000);
    }
}

/* One reading every 40 ms; the library gives g and degrees per second. */
static bool read_imu(int16_t *reading)
{
    static unsigned long due;
    float a[3], w[3];
    if ((long)(millis() - due) < 0 || !IMU.accelerationAvailable() || !IMU.gyroscopeAvailable()) return false;
    due = millis() + 40;
    IMU.readAcceleration(a[0], a[1], a[2]);
    IMU.readGyroscope(w[0], w[1], w[2]);
    for (uint8_t i = 0; i < 3; ++i) {
        reading[i] = rounded(a[i] * 4096.0f);
        reading[3 + i] = rounded(w[i] * 17.4533f);
    }
    return true;
}
#endif

void setup()
{
    Serial.begin(115200);
    begin_imu();
    Serial.println(F("ready"));
}

void loop()
{
    if (!read_imu(window + samples * CHANNELS) || ++samples < SAMPLES) return;
    samples = 0;
    Serial.println(gestures_label(gestures_predict(window)));
}
