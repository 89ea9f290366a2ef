/* The chip's first UART, to the cycle, in place of simavr's.
 *
 * simavr's own takes 11 bits a byte and holds 64 received bytes; the chip takes 10 bits and holds
 * two, and a third in its shift register. Sketches that are too slow lose bytes there, so that is
 * what must be emulated. Registers, bits and interrupt vectors are simavr's description of the
 * chip (ATmega328P datasheet, chapter 19; ATmega2560, chapter 22).
 */
#ifndef GLYPHITE_UART_H
#define GLYPHITE_UART_H

#include "line.h"

#include <simavr/sim_avr.h>
#include <simavr/avr_uart.h>

struct uart {
    avr_io_t io; /* first: simavr resets it with the chip */
    avr_t *avr;
    avr_uart_t *chip;
    struct line *line;
    avr_cycle_count_t byte_cycles; /* ten bits at the host's speed */

    uint8_t arriving; /* on the wire, while `receiving` */
    bool receiving;
    uint8_t held[3]; /* two of buffer and the shift register */
    unsigned held_count;

    uint8_t leaving; /* on the wire, while `sending` */
    bool sending;
    uint8_t next; /* written by the sketch behind it, while `has_next` */
    bool has_next;

    avr_cycle_count_t last_traffic;
    uint64_t asked; /* how often the sketch looked for a byte while the line was silent */
    uint64_t received;
    uint64_t sent;
    uint64_t overruns; /* bytes lost because the sketch did not read in time */
};

/* Puts the UART between chip and line; false: simavr describes no UART for this chip. */
bool uart_attach(struct uart *uart, avr_t *avr, struct line *line, uint32_t baud);

/* Puts a byte that waits at the host on the wire, if the wire is free. Call now and then. */
void uart_listen(struct uart *uart);

/* Whether a byte is on the wire, in either direction. */
bool uart_is_busy(const struct uart *uart);

#endif
