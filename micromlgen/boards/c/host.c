/* host.c - runs the calls in a process of this machine.
 *
 * The including file defines `calls`, and `input` and `output` as pointers: each block gets two
 * allocations of exactly one row, so that a sanitizer sees the first byte read or written beyond.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rows.h"

static void run_block(struct block block, FILE *rows, FILE *results)
{
    input = (unsigned char *)malloc(block.x_bytes);
    output = (unsigned char *)calloc(1, block.y_bytes);
    for (; block.rows > 0; block.rows--) {
        if (fread(input, 1, block.x_bytes, rows) != block.x_bytes) {
            fputs("rows.bin ends inside a row\n", stderr);
            exit(EXIT_FAILURE);
        }
        calls[block.call]();
        fwrite(output, 1, block.y_bytes, results);
    }
    free(output);
    free(input);
}

int main(void)
{
    FILE *rows = fopen("rows.bin", "rb");
    FILE *results = fopen("results.bin", "wb");
    struct block block;

    if (!rows || !results) {
        perror("rows.bin or results.bin");
        return EXIT_FAILURE;
    }
    while (fread(&block, sizeof block, 1, rows) == 1) {
        run_block(block, rows, results);
    }
    fclose(rows);
    return fclose(results) ? EXIT_FAILURE : EXIT_SUCCESS;
}
