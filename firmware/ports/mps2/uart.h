/* Where the serial line is: the board file may say so, else it is where the older images of the
 * MPS2 (AN385, AN386, AN500) have UART0. */
#ifndef UART_H
#define UART_H

#ifndef GLYPHITE_UART
#define GLYPHITE_UART 0x40004000u
#endif

/* Its receive line at the interrupt controller. */
#ifndef GLYPHITE_UART_INTERRUPT
#define GLYPHITE_UART_INTERRUPT 0
#endif

void uart_receive_interrupt(void);
void tick_interrupt(void);

#endif
