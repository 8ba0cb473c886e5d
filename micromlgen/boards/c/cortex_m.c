/* cortex_m.c - start-up, semihosting and clock on QEMU's MPS2 and MPS3 boards.
 *
 * The compiler's command line says where the board's counter is: CMSDK_TIMER or SSE_COUNTER.
 */
#include <errno.h>
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define CONFIGURATION REGISTER(0xE000ED14u)
#define COPROCESSORS REGISTER(0xE000ED88u)

static uintptr_t semihost(uintptr_t operation, uintptr_t argument)
{
    uintptr_t result;
    __asm__ volatile("mov r0, %1\n\tmov r1, %2\n\tbkpt 0xab\n\tmov %0, r0"
                     : "=r"(result)
                     : "r"(operation), "r"(argument)
                     : "r0", "r1", "memory");
    return result;
}

/* now() is inlined at any optimisation, because a call of it would use the stack that is being measured. */
#ifdef CMSDK_TIMER /* 32 bits, counts down: control, value, reload */
static void start_clock(void)
{
    REGISTER(CMSDK_TIMER + 8u) = 0xFFFFFFFFu;
    REGISTER(CMSDK_TIMER + 4u) = 0xFFFFFFFFu;
    REGISTER(CMSDK_TIMER) = 1u;
}

static inline __attribute__((always_inline)) uint32_t now(void)
{
    return 0u - REGISTER(CMSDK_TIMER + 4u);
}
#else /* 64 bits, counts up: control, status, low half, high half */
static void start_clock(void)
{
    REGISTER(SSE_COUNTER) = 1u;
}

static inline __attribute__((always_inline)) uint32_t now(void)
{
    return REGISTER(SSE_COUNTER + 8u);
}
#endif

static inline __attribute__((always_inline)) volatile uint32_t *stack_pointer(void)
{
    uintptr_t pointer;
    __asm__ volatile("mov %0, sp" : "=r"(pointer));
    return (volatile uint32_t *)pointer;
}

#include "semihosting.c"
#include "bare.c"

/* From mps.ld; only the addresses mean anything. The name in asm keeps C++ from mangling it. */
void stack_top(void) __asm__("stack_top");
extern void (*const constructors[])(void);
extern void (*const constructors_end[])(void);

static void start(void)
{
    void (*const *constructor)(void);

#ifdef __ARM_FP
    COPROCESSORS |= 0xFu << 20; /* the FPU is off after reset */
    __asm__ volatile("dsb\n\tisb");
#endif
#ifndef __ARM_FEATURE_UNALIGNED
    CONFIGURATION |= 1u << 3; /* a Cortex-M0+ or M23 would fault on an unaligned access: so does this one */
#endif
    errno = 0; /* so that newlib's 100 bytes around errno, which any sketch has, are not a header's cost */
    start_clock();
    for (constructor = constructors; constructor < constructors_end; constructor++) {
        (*constructor)();
    }
    serve();
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    stack_top, start, fault, fault, fault, fault, fault, fault, 0, 0, 0, fault, fault, 0, fault, fault};
