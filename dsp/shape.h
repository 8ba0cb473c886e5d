/* What the shape of a spectrum is told by, of the magnitudes of its n bins, below 2^30, or 2^16 of a spectrum in int16:
   micromlgen/features/_shape.py. */
#include "apart.h"
#include "moments.h"
#include "powers.h"
#include "squares.h"
#ifndef MICROMLGEN_SHAPE_2
#define MICROMLGEN_SHAPE_2
/* Sums of magnitudes, of them times their bins, and times the squares of these. */
typedef struct {
    uint64_t all, bins, squares;
} mml2_shape_sums_t;

/* Without products: the sum over bins from each on, summed up, is that of k * s[k], and summed up again that of
   k * (k + 1) / 2 * s[k]. All are exact; `narrow`: magnitudes have 16 bits, of which the first two fit 32 up to 257 bins. */
static inline mml2_shape_sums_t mml2_shape_sums(const uint32_t *s, uint16_t n, uint8_t narrow)
{
    mml2_shape_sums_t out;
    const uint32_t *at = s + n;
    uint64_t thrice = 0;
    if (narrow && n <= 257u) {
        uint32_t from = 0, twice = 0;
        while (--at != s) {
            from += *at;
            twice += from;
            thrice += twice;
        }
        out.all = from + *s;
        out.bins = twice;
    } else {
        uint64_t from = 0, twice = 0;
        while (--at != s) {
            from += *at;
            twice += from;
            thrice += twice;
        }
        out.all = from + *s;
        out.bins = twice;
    }
    out.squares = 2u * thrice - out.bins;
    return out;
}

/* Mean bin, weighted by magnitudes, in Q16; 0 of silence. */
static inline int32_t mml2_shape_centroid(const mml2_shape_sums_t *sums)
{
    return mml2_power_share(mml2_power_of(sums->bins, 0), mml2_power_of(sums->all, 0));
}

/* Standard deviation from the centroid, weighted by magnitudes, in Q16. Sums are of bins less the one nearest to it. */
static inline int32_t mml2_shape_bandwidth(const mml2_shape_sums_t *sums, int32_t centroid)
{
    const uint16_t middle = (uint16_t)((centroid + 0x8000L) >> 16);
    const uint64_t shifted = middle * sums->all;
    const int64_t first = (int64_t)(sums->bins - shifted);
    const uint64_t second = sums->squares - middle * (2u * sums->bins - shifted);
    const mml2_power_t total = mml2_power_of(sums->all, 0), of = mml2_power_of(second, 0);
    uint64_t variance;
    mml2_root_t root;
    int32_t mean;
    int16_t up;
    uint32_t q;
    if (!total.m) return 0;
    q = mml2_upper(of.m, mml2_inverse(total.m));
    up = (int16_t)(of.m ? of.e - total.e + 1 : 0);
    variance = up >= 0 ? (uint64_t)q << up : up > -32 ? q >> -up : 0; /* Q32 */
    mean = mml2_power_share(mml2_power_of((uint64_t)(first < 0 ? -first : first), 0), total);
    variance = variance > (uint64_t)((int64_t)mean * mean) ? variance - (uint64_t)((int64_t)mean * mean) : 0;
    root = mml2_root_of(variance);
    return mml2_in_steps(&root, 0);
}

/* First bin up to which magnitudes add up to a part, in Q16, of all; `narrow` as above. */
static inline int32_t mml2_shape_rolloff(const uint32_t *s, const mml2_shape_sums_t *sums, uint32_t part, uint8_t narrow)
{
    const uint64_t least = (sums->all * part + 0xffffu) >> 16;
    int32_t k = 0;
    if (narrow) {
        uint32_t sum;
        for (sum = *s; sum < (uint32_t)least; sum += s[k]) ++k;
    } else {
        uint64_t sum;
        for (sum = *s; sum < least; sum += s[k]) ++k;
    }
    return k;
}

/* 2^-v in Q16 of v in Q16, within 2^-13 of itself. */
static inline int32_t mml2_shape_exp2_neg(uint32_t v)
{
    const uint32_t f = v & 0xffffu;
    const uint32_t part = 45313u - (f * (15110u - (f * 2565u >> 16)) >> 16);
    return (int32_t)((65536u - (f * part >> 16)) >> (v >> 21 ? 31u : v >> 16));
}

/* Geometric over arithmetic mean of powers, no less than 2^-30 of the largest, in Q16; 1 of silence. mean: log2(n) in Q16.
   The squares are of magnitudes that are shifted down by `bits`, to 16. */
MML2_APART_ int32_t mml2_shape_flatness(
    const uint32_t *s, uint16_t n, uint8_t bits, int32_t mean, MML2_FLASH_AT(uint16_t) log2)
{
    mml2_power_t of;
    mml2_wide_t squares = MML2_WIDE_ZERO;
    uint32_t logs = 0;
    uint32_t least = 0;
    int32_t off;
    uint16_t k;
    for (k = 0; k < n; ++k) least = s[k] > least ? s[k] : least;
    least = least >> 15 ? least >> 15 : least != 0;
    for (k = 0; k < n; ++k) {
        const uint32_t v = s[k] > least ? s[k] : least, high = v >> bits;
        logs += mml2_log2(v, log2);
        mml2_wide_square(&squares, (mml2_unsigned_t)high);
    }
    of = mml2_power_of((uint64_t)mml2_wide(&squares), (int16_t)(2 * bits));
    if (!of.m) return 65536L;
    off = (int32_t)(mml2_log2(of.m, log2) << 5) + of.e * (int32_t)65536 - mean - (int32_t)(2u * (logs * 32u / n));
    return mml2_shape_exp2_neg((uint32_t)(off > 0 ? off : 0));
}

/* Bins of the largest that are larger than both neighbours, largest first; 0 for none. */
static inline void mml2_shape_peaks(const uint32_t *s, uint16_t n, uint16_t *found, uint8_t peaks)
{
    uint16_t k;
    uint8_t i;
    for (i = 0; i < peaks; ++i) found[i] = 0;
    for (k = 1; k < n - 1u; ++k) {
        if (s[k] <= s[k - 1u] || s[k] <= s[k + 1u]) continue;
        i = peaks;
        for (; i && (!found[i - 1u] || s[found[i - 1u]] < s[k]); --i) {
            if (i < peaks) found[i] = found[i - 1u];
        }
        if (i < peaks) found[i] = k;
    }
}

/* log2 in Q9 of a square, and a constant in Q11; `lowest` of less. */
static inline int32_t mml2_shape_log(uint32_t s, int32_t plus, int32_t lowest, MML2_FLASH_AT(uint16_t) log2)
{
    const int32_t log = (int32_t)(2u * mml2_log2(s, log2)) + plus + 2;
    return s && log >> 2 > lowest ? log >> 2 : lowest;
}

/* Root of the sum of the squared differences to the spectrum before, times 2^shift and 2^shift_before, over 2^bits; replaces
   that one. Squares are of 30 bits, which differences shifted up by `up` have. */
static inline int32_t mml2_shape_flux(
    const uint32_t *s, uint32_t *before, uint16_t n, int16_t shift, int16_t shift_before, uint8_t up, uint8_t bits)
{
    const int16_t least = shift < shift_before ? shift : shift_before;
    mml2_squares_t sum = {MML2_WIDE_ZERO, MML2_WIDE_ZERO, MML2_WIDE_ZERO};
    mml2_root_t root;
    uint16_t k;
    for (k = 0; k < n; ++k) {
        const uint32_t own = mml2_moved(s[k], (int16_t)(least - shift)), other = mml2_moved(before[k], (int16_t)(least - shift_before));
        mml2_squares_add(&sum, (int32_t)((own > other ? own - other : other - own) << up));
        before[k] = s[k];
    }
    root = mml2_root_of(mml2_squares(&sum));
    return mml2_limited(root.root, (int16_t)(root.half + 8 - least - up - bits));
}
#endif
