/* lx106.c - start-up, files of the host and clock of an ESP8266's processor on QEMU's `sim` machine. */
#include <errno.h>
#include <stdint.h>

enum operation { EXIT = 1, READ = 3, WRITE = 4, OPEN = 5 };
enum mode { FOR_READING = 0, FOR_WRITING = 01 | 0100 | 01000 }; /* Linux's O_WRONLY, O_CREAT, O_TRUNC */
enum reason { SUCCESS = 0, FAILURE = 1 };

/* The system call that Xtensa's simulators take: its number and arguments are in a2 to a5. */
static uintptr_t simulator(enum operation operation, uintptr_t first, uintptr_t second, uintptr_t third)
{
    register uintptr_t a2 __asm__("a2") = operation;
    register uintptr_t a3 __asm__("a3") = first;
    register uintptr_t a4 __asm__("a4") = second;
    register uintptr_t a5 __asm__("a5") = third;
    __asm__ volatile("simcall" : "+r"(a2), "+r"(a3) : "r"(a4), "r"(a5) : "memory");
    return a2;
}

static void stop(enum reason reason)
{
    for (;;) {
        simulator(EXIT, reason, 0, 0);
    }
}

static void fail(const char *why)
{
    uintptr_t length = 0;
    while (why[length]) {
        length++;
    }
    simulator(WRITE, 2, (uintptr_t)why, length);
    stop(FAILURE);
}

static uintptr_t open_file(const char *name, enum mode mode)
{
    return simulator(OPEN, (uintptr_t)name, mode, 0666);
}

/* Returns the number of bytes that were NOT transferred. */
static uintptr_t transfer(enum operation operation, uintptr_t file, const void *bytes, uintptr_t size)
{
    return size ? size - simulator(operation, file, (uintptr_t)bytes, size) : 0;
}

/* Inlined at any optimisation, because a call of these would use the stack that is being measured. */
static inline __attribute__((always_inline)) uint32_t now(void)
{
    uint32_t ticks;
    __asm__ volatile("rsr %0, ccount" : "=r"(ticks));
    return ticks;
}

static inline __attribute__((always_inline)) volatile uint32_t *stack_pointer(void)
{
    uintptr_t pointer;
    __asm__ volatile("mov %0, a1" : "=r"(pointer));
    return (volatile uint32_t *)pointer;
}

#include "bare.c"

/* From lx106.ld; only the addresses mean anything. */
extern void (*const constructors[])(void);
extern void (*const constructors_end[])(void);

/* The names in asm keep C++ from mangling them. */
static void boot(void) __asm__("boot");
static void on_fault(void) __asm__("on_fault");

static __attribute__((used)) void on_fault(void)
{
    fault();
}

static __attribute__((used)) void boot(void)
{
    void (*const *constructor)(void);

    errno = 0; /* so that the word of errno, which any sketch has, is not a header's cost */
    for (constructor = constructors; constructor < constructors_end; constructor++) {
        (*constructor)();
    }
    serve();
}

/* The processor starts at the beginning of the ROM. After reset, PS.EXCM sends every fault to one vector and
   has to be cleared; then faults reach the vector for what they interrupted. The stack is set anew for a program
   that ran off its memory. */
__asm__(".section .reset, \"ax\"\n"
        "\tj start\n"
        ".section .vectors, \"ax\"\n"
        ".literal_position\n"
        ".balign 256\n"
        "vectors:\n"
        ".org vectors + 0x30\n\tj faulted\n" /* in the kernel, as all of this is */
        ".org vectors + 0x50\n\tj faulted\n" /* in user mode */
        ".org vectors + 0x70\n"               /* in a vector */
        "faulted:\n\tmovi a1, stack_top\n\tcall0 on_fault\n"
        "start:\n\tmovi a1, stack_top\n\tmovi a2, vectors\n\twsr a2, vecbase\n"
        "\tmovi a2, 0\n\twsr a2, ps\n\trsync\n\tcall0 boot\n"
        ".text\n");
