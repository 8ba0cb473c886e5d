/* riscv.c - semihosting and instruction counter on QEMU's RISC-V `virt` machine.
 *
 * picolibc's crt0 starts it: thread pointer (its errno is thread-local), .data, .bss, constructors.
 */
#include <stdint.h>

/* Aligned, as the three instructions that QEMU recognises may not straddle a page. */
static __attribute__((noinline, aligned(16))) uintptr_t semihost(uintptr_t operation, uintptr_t argument)
{
    uintptr_t result;
    __asm__ volatile(".option push\n\t.option norvc\n\t"
                     "mv a0, %1\n\tmv a1, %2\n\t"
                     ".balign 16\n\tslli zero, zero, 0x1f\n\tebreak\n\tsrai zero, zero, 7\n\t"
                     "mv %0, a0\n\t.option pop"
                     : "=r"(result)
                     : "r"(operation), "r"(argument)
                     : "a0", "a1", "memory");
    return result;
}

/* Inlined at any optimisation, because a call of these would use the stack that is being measured. */
static inline __attribute__((always_inline)) uint32_t now(void)
{
    uint32_t retired;
    __asm__ volatile("rdinstret %0" : "=r"(retired));
    return retired;
}

static inline __attribute__((always_inline)) volatile uint32_t *stack_pointer(void)
{
    uintptr_t pointer;
    __asm__ volatile("mv %0, sp" : "=r"(pointer));
    return (volatile uint32_t *)pointer;
}

#include "semihosting.c"
#include "bare.c"

static __attribute__((aligned(4))) void trap(void)
{
    fault();
}

int main(void)
{
    __asm__ volatile(".option push\n\t.option arch, +zicsr\n\tcsrw mtvec, %0\n\t.option pop" : : "r"(trap));
    serve();
    return 0;
}
