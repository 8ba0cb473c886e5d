/* keywords.ino - which of six words somebody says.
 *
 * For each word the serial port, 115200 baud, gets its name, or "other". With RECORDED defined, samples come over that
 * port instead of from the microphone: int16, low byte first, 0.8 seconds of them for each answer.
 */
#include "keywords.h"

static const uint16_t BLOCK = 20;
static keywords_input_t heard[KEYWORDS_N_FEATURES]; /* 0.8 seconds at 16 kHz */
static uint16_t samples;

#ifdef RECORDED
#include "recorded.h"

static void begin_microphone() {}

static bool read_sound(int16_t *block)
{
    return recorded(block, BLOCK);
}

/* A recording begins where a word does. */
static bool is_word(const int16_t *)
{
    return true;
}
#else
#include <PDM.h>

static int16_t ring[4096]; /* 256 ms: longer than the model computes */
static volatile uint16_t written, taken;

static void on_sound()
{
    static int16_t arrived[512];
    const int n = PDM.read(arrived, sizeof arrived) / 2;
    for (int i = 0; i < n; ++i) ring[written++ % 4096] = arrived[i];
}

static void begin_microphone()
{
    PDM.onReceive(on_sound);
    PDM.setBufferSize(1024);
    while (!PDM.begin(1, 16000)) {
        Serial.println(F("no microphone"));
        delay(1000);
    }
}

static bool read_sound(int16_t *block)
{
    if ((uint16_t)(written - taken) < BLOCK) return false;
    for (uint16_t i = 0; i < BLOCK; ++i) block[i] = ring[taken++ % 4096];
    return true;
}

/* Whether a block is four times as loud as it was of late. */
static bool is_word(const int16_t *block)
{
    static uint32_t usual = 1000000;
    uint32_t loudness = 0;
    for (uint16_t i = 0; i < BLOCK; ++i) loudness += (uint32_t)(block[i] < 0 ? -(int32_t)block[i] : block[i]) * 256;
    const bool louder = loudness / 4 > usual;
    usual += loudness / 1024;
    usual -= usual / 1024;
    return louder;
}
#endif

void setup()
{
    Serial.begin(115200);
    begin_microphone();
    Serial.println(F("ready"));
}

void loop()
{
    static const uint16_t BEFORE = 1600; /* samples that are kept while nobody speaks: 100 ms */
    int16_t *block = heard + samples;
    if (!read_sound(block)) return;
    samples += BLOCK;
    if (samples == BEFORE && !is_word(block)) {
        samples -= BLOCK;
        memmove(heard, heard + BLOCK, samples * sizeof heard[0]);
    }
    if (samples < KEYWORDS_N_FEATURES) return;
    samples = 0;
    Serial.println(keywords_label(keywords_predict(heard)));
}
