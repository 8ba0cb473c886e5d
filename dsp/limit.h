#ifndef MICROMLGEN_LIMIT_2
#define MICROMLGEN_LIMIT_2
/* Nothing of n logarithms is further below the highest than `range`. */
static inline void mml2_mel_limit(int16_t *log, uint16_t n, int32_t range)
{
    int16_t highest = log[0];
    uint_fast16_t i;
    for (i = 1; i < n; ++i) {
        if (log[i] > highest) highest = log[i];
    }
    for (i = 0; i < n; ++i) {
        if (log[i] < highest - range) log[i] = (int16_t)(highest - range);
    }
}
#endif
