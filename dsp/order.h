/* Order statistics of a window: micromlgen/features/_order.py. */
#ifndef MICROMLGEN_ORDER_2
#define MICROMLGEN_ORDER_2
/* Copies n samples, each `step` after the one before, in ascending order (Shell's method, gaps of Knuth). */
static inline void mml2_ordered(const int16_t *x, uint16_t n, uint8_t step, int16_t *out)
{
    uint16_t i, gap = 1;
    for (i = 0; i < n; ++i, x += step) out[i] = *x;
    while (gap < n / 3u) gap = (uint16_t)(3u * gap + 1u);
    for (; gap; gap /= 3u) {
        for (i = gap; i < n; ++i) {
            const int16_t v = out[i];
            uint16_t at = i;
            for (; at >= gap && out[at - gap] > v; at = (uint16_t)(at - gap)) out[at] = out[at - gap];
            out[at] = v;
        }
    }
}

/* Twice the median. */
static inline int32_t mml2_median(const int16_t *ordered, uint16_t n)
{
    return (int32_t)ordered[(n - 1u) / 2u] + ordered[n / 2u];
}

/* In Q14, rounded down: behind sample i, by a fraction in Q16. */
static inline int32_t mml2_quantile(const int16_t *ordered, uint16_t i, uint32_t fraction)
{
    const uint16_t apart = (uint16_t)((uint16_t)ordered[i + 1u] - (uint16_t)ordered[i]);
    return (int32_t)ordered[i] * 16384 + (int32_t)(apart * fraction >> 2);
}

/* Four times the median of the absolute deviations from the median: those to the left and those to the right of it
   are in order already. */
static inline int32_t mml2_deviation(const int16_t *ordered, uint16_t n)
{
    const int32_t middle = mml2_median(ordered, n);
    uint16_t left = n / 2u, right = n / 2u, i;
    int32_t nearest = 0, before = 0;
    for (i = 0; i <= n / 2u; ++i) {
        const int32_t below = left ? middle - 2 * (int32_t)ordered[left - 1u] : INT32_MAX;
        const int32_t above = right < n ? 2 * (int32_t)ordered[right] - middle : INT32_MAX;
        before = nearest;
        if (below < above) {
            nearest = below;
            --left;
        } else {
            nearest = above;
            ++right;
        }
    }
    return n % 2u ? 2 * nearest : before + nearest;
}
#endif
