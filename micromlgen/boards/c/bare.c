/* bare.c - what the firmwares that QEMU executes have in common.
 *
 * The including file defines `calls`, `input` and `output`; the file of the architecture that includes
 * this one defines open_file(), transfer(), stop() and fail(), now() and stack_pointer().
 */
#include "rows.h"

/* Painted below the stack pointer before each call; what has changed afterwards was used. */
#define PAINT 0xA5A5A5A5u
#define PAINTED_WORDS 8192

static void fault(void)
{
    fail("the processor took a fault\n");
}

#ifdef MEASURE
static struct cost measure(void (*run)(void))
{
    volatile uint32_t *const top = stack_pointer();
    volatile uint32_t *lowest;
    struct cost cost;

    for (lowest = top - PAINTED_WORDS; lowest < top; lowest++) {
        *lowest = PAINT;
    }
    cost.count = now();
    run();
    cost.count = now() - cost.count;
    for (lowest = top - PAINTED_WORDS; lowest < top && *lowest == PAINT; lowest++) {
    }
    cost.stack = (uint32_t)((uintptr_t)top - (uintptr_t)lowest);
    if (cost.stack == 4u * PAINTED_WORDS) {
        fail("the statement uses more stack than can be measured (32 KB)\n");
    }
    return cost;
}
#endif

static void serve(void)
{
    const uintptr_t rows = open_file("rows.bin", FOR_READING);
    const uintptr_t results = open_file("results.bin", FOR_WRITING);
    struct block block;
#ifdef MEASURE
    const uintptr_t costs = open_file("costs.bin", FOR_WRITING);
    struct cost cost;
#endif

    while (transfer(READ, rows, &block, sizeof block) == 0) {
        for (; block.rows > 0; block.rows--) {
            if (transfer(READ, rows, input, block.x_bytes) != 0) {
                fail("rows.bin ends inside a row\n");
            }
#ifdef MEASURE
            cost = measure(calls[block.call]);
            transfer(WRITE, costs, &cost, sizeof cost);
#else
            calls[block.call]();
#endif
            transfer(WRITE, results, output, block.y_bytes);
        }
    }
    stop(SUCCESS);
}
