/* bare.c - what the firmwares that talk to QEMU by semihosting have in common.
 *
 * The including file defines `calls`, `input` and `output`; the file of the architecture that
 * includes this one defines semihost(), now() and stack_pointer().
 */
#include "rows.h"

enum { SYS_OPEN = 0x01, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18 };
enum { OPEN_READ = 1, OPEN_WRITE = 5 }; /* fopen's "rb" and "wb" */

#define STOPPED_BY_EXIT 0x20026u
#define STOPPED_BY_ERROR 0x20023u

/* Painted below the stack pointer before each call; what has changed afterwards was used. */
#define PAINT 0xA5A5A5A5u
#define PAINTED_WORDS 8192

static void stop(uintptr_t reason)
{
    for (;;) {
        semihost(SYS_EXIT, reason);
    }
}

static void fail(const char *why)
{
    semihost(SYS_WRITE0, (uintptr_t)why);
    stop(STOPPED_BY_ERROR);
}

static void fault(void)
{
    fail("the processor took a fault\n");
}

static uintptr_t open_file(const char *name, uintptr_t mode, uintptr_t length)
{
    const uintptr_t arguments[3] = {(uintptr_t)name, mode, length};
    return semihost(SYS_OPEN, (uintptr_t)arguments);
}

/* Returns the number of bytes that were NOT transferred. */
static uintptr_t transfer(uintptr_t operation, uintptr_t file, const void *bytes, uintptr_t size)
{
    const uintptr_t arguments[3] = {file, (uintptr_t)bytes, size};
    return semihost(operation, (uintptr_t)arguments);
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
    const uintptr_t rows = open_file("rows.bin", OPEN_READ, 8);
    const uintptr_t results = open_file("results.bin", OPEN_WRITE, 11);
    struct block block;
#ifdef MEASURE
    const uintptr_t costs = open_file("costs.bin", OPEN_WRITE, 9);
    struct cost cost;
#endif

    while (transfer(SYS_READ, rows, &block, sizeof block) == 0) {
        for (; block.rows > 0; block.rows--) {
            if (transfer(SYS_READ, rows, input, block.x_bytes) != 0) {
                fail("rows.bin ends inside a row\n");
            }
#ifdef MEASURE
            cost = measure(calls[block.call]);
            transfer(SYS_WRITE, costs, &cost, sizeof cost);
#else
            calls[block.call]();
#endif
            transfer(SYS_WRITE, results, output, block.y_bytes);
        }
    }
    stop(STOPPED_BY_EXIT);
}
