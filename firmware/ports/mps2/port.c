/* The MPS2 boards: CMSDK UART0 as the serial line, SysTick as the clock. Registers: Arm
 * "Cortex-M System Design Kit" manual (UART) and Armv7-M Architecture Reference Manual. */
#include "port.h"

#include "uart.h"

struct uart {
    volatile uint32_t data;
    volatile uint32_t state;
    volatile uint32_t control;
    volatile uint32_t interrupt; /* read: pending; write 1: clear */
    volatile uint32_t divider;   /* clock / baud, 16 at least */
};

#define UART0 ((struct uart *)GLYPHITE_UART)
#define UART_TRANSMIT_FULL 1u
#define UART_RECEIVE_FULL 2u
#define UART_ENABLE 3u /* transmitter and receiver */
#define UART_RECEIVE_INTERRUPT_ENABLE 8u
#define UART_RECEIVE_INTERRUPT 2u

struct systick {
    volatile uint32_t control;
    volatile uint32_t reload;
    volatile uint32_t value; /* counts down */
};

#define SYSTICK ((struct systick *)0xE000E010u)
#define SYSTICK_RUN 7u /* enable, interrupt, processor clock */
#define SYSTICK_LAST 0xFFFFFFu

#define INTERRUPT_ENABLE ((volatile uint32_t *)0xE000E100u) /* a bit a line, 32 a word */
#define INTERRUPT_STATE (*(volatile uint32_t *)0xE000ED04u)
#define TICK_PENDING (1u << 26)

/* Filled by the interrupt, emptied by port_read; full: the newest byte is lost. */
static volatile uint8_t ring[GLYPHITE_RECEIVE_BUFFER];
static volatile uint32_t ring_written;
static volatile uint32_t ring_read;

static volatile uint32_t tick_wraps; /* of SysTick's 24 bits */

void uart_receive_interrupt(void) {
    UART0->interrupt = UART_RECEIVE_INTERRUPT;
    while (UART0->state & UART_RECEIVE_FULL) {
        uint8_t byte = (uint8_t)UART0->data;
        if (ring_written - ring_read < sizeof ring) {
            ring[ring_written % sizeof ring] = byte;
            ring_written++;
        }
    }
}

void tick_interrupt(void) {
    tick_wraps++;
}

void port_start(void) {
    UART0->divider = GLYPHITE_CLOCK_HZ / GLYPHITE_BAUD;
    UART0->control = UART_ENABLE | UART_RECEIVE_INTERRUPT_ENABLE;
    INTERRUPT_ENABLE[GLYPHITE_UART_INTERRUPT / 32] = 1u << GLYPHITE_UART_INTERRUPT % 32;
    SYSTICK->reload = SYSTICK_LAST;
    SYSTICK->value = 0;
    SYSTICK->control = SYSTICK_RUN;
}

/* With interrupts masked a pending one still ends WFI, so none slips in before the sleep. */
static void sleep_until_interrupt(void) {
    __asm volatile("cpsid i" ::: "memory");
    if (ring_written == ring_read) {
        __asm volatile("wfi" ::: "memory");
    }
    __asm volatile("cpsie i" ::: "memory");
}

bool port_read(uint8_t *byte) {
    while (ring_written == ring_read) {
        sleep_until_interrupt();
    }
    *byte = ring[ring_read % sizeof ring];
    ring_read++;
    return true;
}

void port_write(uint8_t byte) {
    while (UART0->state & UART_TRANSMIT_FULL) {
    }
    UART0->data = byte;
}

/* 24 bits of SysTick and 8 of its wraps, read anew where a wrap came between. */
uint32_t port_ticks(void) {
    uint32_t wraps;
    uint32_t value;
    do {
        wraps = tick_wraps;
        value = SYSTICK->value;
    } while (wraps != tick_wraps || (INTERRUPT_STATE & TICK_PENDING));
    return (wraps << 24) + (SYSTICK_LAST - value);
}
