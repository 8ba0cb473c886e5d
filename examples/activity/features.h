/* features.h - what features.py computes from a window, in integers and one sample at a time.
 *
 * Nothing is kept of a sample once it is counted: an Uno has no room for a window of 1200 bytes.
 */
#ifndef FEATURES_H
#define FEATURES_H

#include <stdint.h>

#define WINDOW_CHANNELS 6  /* acceleration x, y, z; rotation x, y, z */
#define WINDOW_SAMPLES 100 /* 10 seconds at 10 Hz */
#define WINDOW_FEATURES (3 * WINDOW_CHANNELS)

typedef struct {
    int16_t last;
    int32_t sum;     /* of the samples: at most 100 * 32768 either way */
    uint32_t size;   /* of |sample|: as much */
    uint32_t travel; /* of |change| from sample to sample: at most 99 * 65535 */
} channel_t;

typedef struct {
    uint8_t samples;
    channel_t channel[WINDOW_CHANNELS];
} window_t;

static inline void window_clear(window_t *window)
{
    window->samples = 0;
}

static inline uint32_t window_magnitude(int32_t value)
{
    return (uint32_t)(value < 0 ? -value : value);
}

/* Counts one sample into a window that is not full; returns whether it is full now. */
static inline int window_push(window_t *window, const int16_t *sample)
{
    uint8_t c;
    for (c = 0; c < WINDOW_CHANNELS; ++c) {
        channel_t *it = &window->channel[c];
        if (window->samples == 0) {
            it->sum = 0;
            it->size = it->travel = 0;
            it->last = sample[c];
        }
        it->sum += sample[c];
        it->size += window_magnitude(sample[c]);
        it->travel += window_magnitude((int32_t)sample[c] - it->last);
        it->last = sample[c];
    }
    return ++window->samples == WINDOW_SAMPLES;
}

/* sum / n rounded down; more than 32767, which needs a signal at the ends of the range, becomes that. */
static inline int16_t window_mean(uint32_t sum, uint8_t n)
{
    const uint32_t mean = sum / n;
    return mean > 32767u ? 32767 : (int16_t)mean;
}

/* Of a full window, per channel: mean (rounded towards zero), mean |sample|, mean |change|. */
static inline void window_features(const window_t *window, int16_t *x)
{
    uint8_t c;
    for (c = 0; c < WINDOW_CHANNELS; ++c) {
        const channel_t *it = &window->channel[c];
        *x++ = (int16_t)(it->sum / WINDOW_SAMPLES);
        *x++ = window_mean(it->size, WINDOW_SAMPLES);
        *x++ = window_mean(it->travel, WINDOW_SAMPLES - 1);
    }
}

#endif
