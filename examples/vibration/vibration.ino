/* vibration.ino - whether a machine vibrates as it always does.
 *
 * For each window, 256 samples at 1600 Hz, the serial port, 115200 baud, gets "ok" or "ALARM", and the score in
 * thousandths: the lower, the stranger. With RECORDED defined, samples come over that port instead of from the
 * sensor: int16, low byte first.
 */
#include "vibration.h"

static vibration_stream_t machine;

#ifdef RECORDED
#include "recorded.h"

static void begin_sensor() {}

static bool read_sensor(int16_t *sample)
{
    return recorded(sample, 1);
}
#else
#include <SPI.h>

/* An ADXL345. It keeps 32 samples, less than come while a window is judged: an interrupt fetches them. */
static const uint8_t SELECT = 10, INTERRUPT = 2;
static const uint8_t DEVICE = 0x00, RATE = 0x2c, POWER = 0x2d, ENABLE = 0x2e, MAP = 0x2f, FORMAT = 0x31;
static const uint8_t DATA = 0x32, FIFO = 0x38, KEPT = 0x39; /* registers */
static const uint8_t READ = 0x80, SEVERAL = 0x40;
static const SPISettings WIRES(4000000, MSBFIRST, SPI_MODE3);

static volatile int16_t ring[256]; /* 160 ms; its indices wrap around by themselves */
static volatile uint8_t written, taken;

static void select()
{
    SPI.beginTransaction(WIRES);
    digitalWrite(SELECT, LOW);
}

static void release()
{
    digitalWrite(SELECT, HIGH);
    SPI.endTransaction();
}

static void write_register(uint8_t which, uint8_t value)
{
    select();
    SPI.transfer(which);
    SPI.transfer(value);
    release();
}

static uint8_t read_register(uint8_t which)
{
    select();
    SPI.transfer(which | READ);
    const uint8_t value = SPI.transfer(0);
    release();
    return value;
}

/* Empties the sensor, until it no longer asks for that. */
static void on_samples()
{
    while (read_register(KEPT) & 0x3f) {
        uint8_t axes[6]; /* x, y, z: all are read, so that the sensor goes on to the next sample */
        select();
        SPI.transfer(DATA | READ | SEVERAL);
        for (uint8_t i = 0; i < sizeof axes; ++i) axes[i] = SPI.transfer(0);
        release();
        delayMicroseconds(5); /* that it needs to go on */
        if ((uint8_t)(written + 1) == taken) continue; /* the ring is full */
        ring[written] = (int16_t)(axes[4] | (uint16_t)axes[5] << 8);
        ++written;
    }
}

static void begin_sensor()
{
    pinMode(SELECT, OUTPUT);
    digitalWrite(SELECT, HIGH);
    pinMode(INTERRUPT, INPUT);
    SPI.begin();
    while (read_register(DEVICE) != 0xe5) {
        Serial.println(F("no ADXL345"));
        delay(1000);
    }
    write_register(FORMAT, 0x0b);    /* 16 g, 256 steps each */
    write_register(RATE, 0x0e);      /* 1600 Hz */
    write_register(MAP, 0x00);       /* interrupts to INT1 */
    write_register(FIFO, 0x80 | 16); /* the last 32 samples; an interrupt when there are 16 */
    SPI.usingInterrupt(digitalPinToInterrupt(INTERRUPT));
    attachInterrupt(digitalPinToInterrupt(INTERRUPT), on_samples, RISING);
    write_register(ENABLE, 0x02);
    write_register(POWER, 0x08); /* measure */
}

static bool read_sensor(int16_t *sample)
{
    if (taken == written) return false;
    *sample = ring[taken];
    ++taken;
    return true;
}
#endif

void setup()
{
    Serial.begin(115200);
    begin_sensor();
    vibration_stream_init(&machine);
    Serial.println(F("ready"));
}

void loop()
{
    int16_t sample;
    if (!read_sensor(&sample) || !vibration_stream_push(&machine, sample)) return;
    const vibration_output_t score = vibration_stream_score(&machine);
    Serial.print(score > VIBRATION_OFFSET ? F("ok ") : F("ALARM ")); /* as vibration_stream_predict has it */
    Serial.println(score / (VIBRATION_SCORE_ONE / 1000));
}
