/* rows.h - the files between Python and every program here, all little-endian and without padding.
 *
 * rows.bin     blocks: one struct block, then its rows, x_bytes each.
 * results.bin  what the statement left in y, y_bytes for each row.
 * costs.bin    one struct cost for each row; only simulators that measure write it.
 */
#ifndef ROWS_H
#define ROWS_H

#include <stdint.h>

struct block {
    uint32_t call; /* index into calls[] */
    uint32_t rows;
    uint32_t x_bytes;
    uint32_t y_bytes;
};

struct cost {
    uint32_t count; /* from just before the call to just after it, in the simulator's own unit */
    uint32_t stack; /* bytes below the stack pointer of the caller */
};

#endif
