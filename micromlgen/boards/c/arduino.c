/* arduino.c - arduino MCU HERTZ SKETCH.elf: a simulated Arduino whose serial port is a pseudo-terminal.
 *
 * Prints the port's path, then plays the board until standard input closes, so that it never outlives the
 * program that started it. As on the real board, opening the port resets the sketch.
 *
 * Time: a second of the sketch never takes less than a second while the line is quiet, so that the sketch's
 * timeouts mean what they mean on the desk. While bytes wait for the board it runs as fast as it can; they
 * still arrive no faster, in the sketch's own time, than its baud rate allows.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>

/* Data addresses of USART0, the same in the ATmega328P and the ATmega2560. */
enum { UCSR0A = 0xC0, UBRR0L = 0xC4, UBRR0H = 0xC5, U2X = 1 << 1 };

enum { SLICES_PER_SECOND = 1000, SLICE_NS = 1000000000 / SLICES_PER_SECOND };

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int open_port(void)
{
    int port = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    struct termios mode;
    if (port < 0 || grantpt(port) || unlockpt(port) || tcgetattr(port, &mode))
        return -1;
    cfmakeraw(&mode); /* no echo and no translation before the program that opens it sets its own */
    tcsetattr(port, TCSANOW, &mode);
    close(open(ptsname(port), O_RDWR | O_NOCTTY)); /* only after a first close does poll() see who is there */
    return port;
}

/* To the computer. What nobody reads is lost once the port's buffer is full: a UART cannot wait. */
static void transmit(struct avr_irq_t *irq, uint32_t value, void *port)
{
    uint8_t byte = (uint8_t)value;
    (void)irq;
    if (write(*(int *)port, &byte, 1) != 1)
        return;
}

/* simavr would sleep in real time when the sketch does; this program keeps the time itself. */
static void sleep_without_waiting(avr_t *avr, avr_cycle_count_t cycles)
{
    (void)avr;
    (void)cycles;
}

/* Eleven bits, because simavr takes that long to send a byte: an echo could not keep up with ten. */
static avr_cycle_count_t cycles_per_byte(const avr_t *avr)
{
    unsigned divisor = (unsigned)avr->data[UBRR0H] << 8 | avr->data[UBRR0L];
    return (divisor + 1) * (avr->data[UCSR0A] & U2X ? 8 : 16) * 11;
}

/* Bytes that have left the computer and not yet reached the board. */
static struct {
    uint8_t bytes[256];
    size_t length, next;
} line;

static size_t fill_line(int port)
{
    ssize_t got = read(port, line.bytes, sizeof line.bytes);
    line.length = got > 0 ? (size_t)got : 0;
    line.next = 0;
    return line.length;
}

/* Runs the sketch for a slice of time; returns whether bytes for it are still waiting. */
static int run_slice(avr_t *avr, int port)
{
    static avr_cycle_count_t due;
    avr_irq_t *input = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
    avr_cycle_count_t end = avr->cycle + avr->frequency / SLICES_PER_SECOND;

    while (avr->cycle < end && avr->state != cpu_Done && avr->state != cpu_Crashed) {
        if (avr->cycle >= due) {
            if (line.next < line.length || fill_line(port))
                avr_raise_irq(input, line.bytes[line.next++]);
            due = avr->cycle + cycles_per_byte(avr);
        }
        avr_run(avr);
    }
    return line.next < line.length;
}

int main(int argc, char **argv)
{
    elf_firmware_t firmware = {0};
    int answer = dup(STDOUT_FILENO);
    if (!freopen("/dev/null", "w", stdout)) /* for simavr, which reports there what it loads */
        return 2;
    if (argc != 4 || elf_read_firmware(argv[3], &firmware))
        return fprintf(stderr, "usage: %s MCU HERTZ SKETCH.elf\n", argv[0]), 2;
    avr_t *avr = avr_make_mcu_by_name(argv[1]);
    int port = open_port();
    if (!avr || port < 0)
        return fprintf(stderr, "no such microcontroller, or no pseudo-terminal\n"), 2;

    avr_init(avr);
    avr_load_firmware(avr, &firmware);
    avr->frequency = (uint32_t)strtoul(argv[2], NULL, 10);
    avr->log = LOG_NONE;
    avr->sleep = sleep_without_waiting;
    uint32_t flags = 0; /* neither copy the UART to stdout nor sleep while the sketch polls it */
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), transmit, &port);

    char events[1024];
    int openings = inotify_init1(IN_NONBLOCK);
    inotify_add_watch(openings, ptsname(port), IN_OPEN);
    dprintf(answer, "%s\n", ptsname(port));

    struct pollfd parent = {.fd = STDIN_FILENO, .events = POLLIN};
    struct pollfd line_in = {.fd = port, .events = POLLIN};
    uint64_t deadline = 0;
    for (;;) {
        if (poll(&parent, 1, 0) != 0)
            return 0;
        if (poll(&line_in, 1, 0) > 0 && line_in.revents & POLLHUP) { /* nobody there: switched off */
            while (fill_line(port))
                ;
            poll(&parent, 1, 10);
            continue;
        }
        if (read(openings, events, sizeof events) > 0) {
            poll(&parent, 1, 100); /* the bootloader's wait, in which the opener sets and flushes the port */
            avr_reset(avr);
        }
        int busy = run_slice(avr, port);
        if (avr->state == cpu_Crashed)
            return fprintf(stderr, "the sketch crashed at address 0x%x\n", (unsigned)avr->pc), 3;
        uint64_t now = now_ns();
        deadline += SLICE_NS;
        if (busy || deadline < now)
            deadline = now; /* time that was won or lost is not made up for */
        else
            poll(&line_in, 1, (int)((deadline - now) / SLICE_NS));
    }
}
