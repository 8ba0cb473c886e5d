/* avr_runner.c - avr_runner MCU ELF: runs avr.c's firmware under libsimavr.
 *
 * Answers the firmware's signals: feeds it rows.bin row by row through its SRAM, and writes
 * results.bin and costs.bin. Costs are exact: cycles, and the lowest value of the stack pointer.
 */
#include <stdio.h>
#include <stdlib.h>

#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <simavr/sim_io.h>

#include "avr_signals.h"
#include "rows.h"

/* Addresses in data space; the same on every ATmega that has these registers. */
enum { GPIOR0 = 0x3E, GPIOR1 = 0x4A, GPIOR2 = 0x4B, SPL = 0x5D, SPH = 0x5E };

static FILE *rows, *results, *costs;
static struct block block;
static uint16_t address[CALL_AT + 1];
static avr_cycle_count_t started;
static uint16_t stack_top, stack_lowest;
static int measuring, finished;

static void fail(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(EXIT_FAILURE);
}

static FILE *open_file(const char *name, const char *mode)
{
    FILE *file = fopen(name, mode);
    if (!file) {
        perror(name);
        exit(EXIT_FAILURE);
    }
    return file;
}

static uint16_t stack_pointer(const avr_t *avr)
{
    return (uint16_t)(avr->data[SPL] | avr->data[SPH] << 8);
}

static void learn_address(avr_t *avr, enum signal signal)
{
    if (address[signal]) {
        fail("the firmware restarted: it jumped to address 0");
    }
    address[signal] = (uint16_t)(avr->data[GPIOR1] | avr->data[GPIOR2] << 8);
}

static void feed_row(avr_t *avr)
{
    while (block.rows == 0) {
        if (fread(&block, sizeof block, 1, rows) != 1) {
            finished = 1;
            return;
        }
    }
    block.rows--;
    avr->data[address[CALL_AT]] = (uint8_t)block.call;
    avr->data[address[CALL_AT] + 1] = (uint8_t)(block.call >> 8);
    if (fread(avr->data + address[INPUT_AT], 1, block.x_bytes, rows) != block.x_bytes) {
        fail("rows.bin ends inside a row");
    }
}

static void take_result(avr_t *avr)
{
    const struct cost cost = {(uint32_t)(avr->cycle - started), (uint32_t)(stack_top - stack_lowest)};

    fwrite(&cost, sizeof cost, 1, costs);
    fwrite(avr->data + address[OUTPUT_AT], 1, block.y_bytes, results);
}

static void on_signal(avr_t *avr, avr_io_addr_t register_address, uint8_t signal, void *unused)
{
    (void)register_address;
    (void)unused;
    switch (signal) {
    case NEXT_ROW:
        feed_row(avr);
        break;
    case START:
        started = avr->cycle;
        stack_top = stack_lowest = stack_pointer(avr);
        measuring = 1;
        break;
    case STOP:
        measuring = 0;
        take_result(avr);
        break;
    default:
        learn_address(avr, (enum signal)signal);
    }
}

static void watch_stack(const avr_t *avr)
{
    const uint16_t pointer = stack_pointer(avr);

    if (pointer < stack_lowest) {
        stack_lowest = pointer;
        if (pointer < address[VARIABLES_END]) {
            fail("the stack ran into the variables: not enough RAM");
        }
    }
}

int main(int count, char **arguments)
{
    static elf_firmware_t firmware;
    avr_t *avr = count == 3 ? avr_make_mcu_by_name(arguments[1]) : NULL;

    if (!avr || elf_read_firmware(arguments[2], &firmware) != 0) {
        fail("usage: avr_runner MCU ELF, with an MCU that simavr knows and an ELF file");
    }
    rows = open_file("rows.bin", "rb");
    results = open_file("results.bin", "wb");
    costs = open_file("costs.bin", "wb");
    avr_init(avr);
    avr_load_firmware(avr, &firmware);
    avr_register_io_write(avr, GPIOR0, on_signal, NULL);
    while (!finished) {
        const int state = avr_run(avr);
        if (state == cpu_Crashed || state == cpu_Done) {
            fail("the firmware crashed");
        }
        if (measuring) {
            watch_stack(avr);
        }
    }
    return fclose(results) || fclose(costs) ? EXIT_FAILURE : EXIT_SUCCESS;
}
