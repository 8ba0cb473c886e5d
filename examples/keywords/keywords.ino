/* keywords.ino - which of six words somebody says.
 *
 * For each word the serial port, 115200 baud, gets its name, or "other". With RECORDED defined, samples come over that
 * port instead of from the microphone: int16, low byte first, 0.8 seconds of them for each answer.
 */
#include "keywords.h"

static const uint16_t BLOCK = 20;
static const uint16_t BEFORE = 1600; /* samples that are kept while nobody speaks: 100 ms at 16 kHz */
static keywords_stream_t heard;      /* 0.8 seconds, as what is computed of their frames */
static int16_t before[BEFORE];
static uint16_t kept, next;
static bool speaking;

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

static int16_t ring[1024]; /* 64 ms: longer than the model computes at a time */
static volatile uint16_t written, taken;

static void on_sound()
{
    static int16_t arrived[512];
    const int n = PDM.read(arrived, sizeof arrived) / 2;
    for (int i = 0; i < n; ++i) ring[written++ % 1024] = arrived[i];
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
    for (uint16_t i = 0; i < BLOCK; ++i) block[i] = ring[taken++ % 1024];
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
    keywords_stream_init(&heard);
    Serial.println(F("ready"));
}

/* Into the 0.8 seconds; the last one of them has the answer. */
static void hear(int16_t sample)
{
    if (!keywords_stream_push(&heard, sample)) return;
    Serial.println(keywords_label(keywords_stream_predict(&heard)));
    speaking = false;
    kept = 0;
}

void loop()
{
    int16_t block[BLOCK];
    if (!read_sound(block)) return;
    if (speaking) {
        for (uint16_t i = 0; i < BLOCK; ++i) hear(block[i]);
        return;
    }
    memcpy(before + next, block, sizeof block);
    next = (next + BLOCK) % BEFORE;
    if (kept < BEFORE) kept += BLOCK;
    if (kept < BEFORE || !is_word(block)) return;
    speaking = true;
    for (uint16_t i = 0; i < BEFORE; ++i) hear(before[(next + i) % BEFORE]);
}
