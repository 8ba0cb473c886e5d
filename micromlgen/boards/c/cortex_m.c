/* cortex_m.c - start-up, semihosting and clock on QEMU's MPS2 boards (AN385, AN386, AN500). */
#include <errno.h>
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define TIMER_CONTROL REGISTER(0x40000000u) /* CMSDK timer 0: 32 bits, counts down at 25 MHz */
#define TIMER_VALUE REGISTER(0x40000004u)
#define TIMER_RELOAD REGISTER(0x40000008u)
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

/* Inlined at any optimisation, because a call of these would use the stack that is being measured. */
static inline __attribute__((always_inline)) uint32_t now(void)
{
    return 0u - TIMER_VALUE;
}

static inline __attribute__((always_inline)) volatile uint32_t *stack_pointer(void)
{
    uintptr_t pointer;
    __asm__ volatile("mov %0, sp" : "=r"(pointer));
    return (volatile uint32_t *)pointer;
}

#include "bare.c"

/* From mps2.ld; only the addresses mean anything. The name in asm keeps C++ from mangling it. */
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
    CONFIGURATION |= 1u << 3; /* a Cortex-M0+ would fault on an unaligned access: so does this M3 */
#endif
    errno = 0; /* so that newlib's 100 bytes around errno, which any sketch has, are not a header's cost */
    TIMER_RELOAD = 0xFFFFFFFFu;
    TIMER_VALUE = 0xFFFFFFFFu;
    TIMER_CONTROL = 1u;
    for (constructor = constructors; constructor < constructors_end; constructor++) {
        (*constructor)();
    }
    serve();
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    stack_top, start, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, fault};
