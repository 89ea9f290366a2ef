/* What a port offers to the application's main loop: one serial line and one clock. */
#ifndef PORT_H
#define PORT_H

#include <stdbool.h>
#include <stdint.h>

/* Set the hardware up; called once. */
void port_start(void);

/* Wait for the next byte; false when the line is gone for good. Sleeps while it waits. */
bool port_read(uint8_t *byte);

/* Send a byte; may be kept until port_read waits. */
void port_write(uint8_t byte);

/* The clock: GLYPHITE_TIMER_HZ ticks a second, wraps at 2^32. */
uint32_t port_ticks(void);

#endif
