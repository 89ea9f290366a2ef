/* From reset to main() on the MPS2 boards (Armv7-M, Armv8-M: vector table, FPU, .data, .bss). */
#include <stdint.h>
#include <string.h>

#include "uart.h"

#define CPACR (*(volatile uint32_t *)0xE000ED88u) /* coprocessor access */
#define FPU_FULL_ACCESS (0xFu << 20)

/* Addresses from link.ld; only their addresses mean anything. */
extern uint32_t stack_top;
extern uint8_t data_start, data_end, data_load, bss_start, bss_end;
extern void (*const constructors_start[])(void); /* of C++ objects, where there are any */
extern void (*const constructors_end[])(void);

int main(void);
void reset(void);

/* Nothing can be told without the line: stop where a debugger will look. */
static void fault(void) {
    for (;;) {
    }
}

void reset(void) {
#ifdef __ARM_FP
    CPACR |= FPU_FULL_ACCESS;
#endif
    memcpy(&data_start, &data_load, (size_t)(&data_end - &data_start));
    memset(&bss_start, 0, (size_t)(&bss_end - &bss_start));
    for (void (*const *constructor)(void) = constructors_start; constructor != constructors_end;
         constructor++) {
        (*constructor)();
    }
    main();
    fault();
}

struct vectors {
    uint32_t *stack;
    void (*exceptions[15])(void);                          /* reset, NMI, faults, ..., SysTick */
    void (*interrupts[GLYPHITE_UART_INTERRUPT + 1])(void); /* no other one is enabled */
};

__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
    &stack_top,
    {reset, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, tick_interrupt},
    {[GLYPHITE_UART_INTERRUPT] = uart_receive_interrupt},
};
