#include "uart.h"

#include <string.h>

enum { BITS_A_BYTE = 10, BUFFER = 2, BUFFER_AND_SHIFT = 3 };

/* The flags RXC and UDRE are levels: they interrupt for as long as they stand. */
static void interrupt_again(struct uart *uart, avr_int_vector_t *vector) {
    if (avr_regbit_get(uart->avr, vector->raised)) {
        avr_raise_interrupt(uart->avr, vector);
    }
}

static void lower(struct uart *uart, avr_int_vector_t *vector) {
    avr_regbit_clear(uart->avr, vector->raised);
    if (vector->pending) {
        avr_clear_interrupt(uart->avr, vector);
    }
}

/* Receiving */

static void start_bit(struct uart *uart, uint8_t byte) {
    if (uart->held_count == BUFFER_AND_SHIFT) { /* the shift register is needed: its byte is lost */
        uart->held_count = BUFFER;
        uart->overruns++;
        avr_regbit_set(uart->avr, uart->chip->dor);
    }
    uart->arriving = byte;
    uart->receiving = true;
    uart->last_traffic = uart->avr->cycle;
}

static avr_cycle_count_t stop_bit(avr_t *avr, avr_cycle_count_t when, void *param) {
    struct uart *uart = param;
    if (avr_regbit_get(avr, uart->chip->rxen)) {
        uart->held[uart->held_count++] = uart->arriving;
        uart->received++;
        avr_raise_interrupt(avr, &uart->chip->rxc);
    }
    uart->receiving = false;
    int next = line_take(uart->line);
    if (next < 0) {
        return 0;
    }
    start_bit(uart, (uint8_t)next);
    return when + uart->byte_cycles;
}

void uart_listen(struct uart *uart) {
    int byte = uart->receiving ? -1 : line_take(uart->line);
    if (byte >= 0) {
        start_bit(uart, (uint8_t)byte);
        avr_cycle_timer_register(uart->avr, uart->byte_cycles, stop_bit, uart);
    }
}

static uint8_t read_data(avr_t *avr, avr_io_addr_t address, void *param) {
    struct uart *uart = param;
    if (uart->held_count > 0) {
        avr->data[address] = uart->held[0];
        uart->held_count--;
        memmove(uart->held, uart->held + 1, uart->held_count);
    }
    avr_regbit_clear(avr, uart->chip->dor);
    if (uart->held_count == 0) {
        lower(uart, &uart->chip->rxc);
    } else {
        interrupt_again(uart, &uart->chip->rxc);
    }
    return avr->data[address];
}

/* Sending */

static avr_cycle_count_t sent_byte_cycles(const struct uart *uart) {
    const avr_uart_t *chip = uart->chip;
    const uint8_t *data = uart->avr->data;
    unsigned divisor = data[chip->ubrrl.reg] + ((data[chip->ubrrh.reg] & 0x0FU) << 8) + 1U;
    unsigned samples = avr_regbit_get(uart->avr, chip->u2x) ? 8U : 16U;
    return (avr_cycle_count_t)divisor * samples * BITS_A_BYTE;
}

static void send(struct uart *uart, uint8_t byte) {
    uart->leaving = byte;
    uart->sending = true;
    uart->last_traffic = uart->avr->cycle;
    avr_raise_interrupt(uart->avr, &uart->chip->udrc);
}

static avr_cycle_count_t byte_sent(avr_t *avr, avr_cycle_count_t when, void *param) {
    struct uart *uart = param;
    line_put(uart->line, uart->leaving);
    uart->sent++;
    uart->sending = false;
    if (!uart->has_next) {
        avr_raise_interrupt(avr, &uart->chip->txc);
        return 0;
    }
    uart->has_next = false;
    send(uart, uart->next);
    return when + sent_byte_cycles(uart);
}

static void write_data(avr_t *avr, avr_io_addr_t address, uint8_t byte, void *param) {
    struct uart *uart = param;
    (void)address; /* one address is two registers: what is written here is never read back */
    if (!avr_regbit_get(avr, uart->chip->txen) || uart->has_next) {
        return;
    }
    if (uart->sending) {
        uart->next = byte;
        uart->has_next = true;
        lower(uart, &uart->chip->udrc);
    } else {
        send(uart, byte);
        avr_cycle_timer_register(avr, sent_byte_cycles(uart), byte_sent, uart);
    }
}

/* Status and control */

static uint8_t read_status(avr_t *avr, avr_io_addr_t address, void *param) {
    struct uart *uart = param;
    if (uart->held_count == 0 && !uart_is_busy(uart)) {
        uart->asked++;
    }
    return avr->data[address];
}

/* Of the status register a sketch can set the speed bit, and clear TXC by writing a one. */
static void write_status(avr_t *avr, avr_io_addr_t address, uint8_t value, void *param) {
    struct uart *uart = param;
    (void)address;
    avr_regbit_setto_raw(avr, uart->chip->u2x, value);
    if (avr_regbit_from_value(avr, uart->chip->txc.raised, value)) {
        lower(uart, &uart->chip->txc);
    }
}

static void write_control(avr_t *avr, avr_io_addr_t address, uint8_t value, void *param) {
    struct uart *uart = param;
    avr->data[address] = value;
    if (!avr_regbit_get(avr, uart->chip->rxen)) {
        uart->held_count = 0;
        lower(uart, &uart->chip->rxc);
    }
    interrupt_again(uart, &uart->chip->rxc);
    interrupt_again(uart, &uart->chip->udrc);
    interrupt_again(uart, &uart->chip->txc);
}

/* A reset stops what the chip sends; what the host has on the wire goes on, and finds it deaf. */
static void reset(avr_io_t *io) {
    struct uart *uart = (struct uart *)io;
    uart->held_count = 0;
    uart->sending = false;
    uart->has_next = false;
    avr_regbit_set(uart->avr, uart->chip->udrc.raised);
    if (uart->receiving) {
        avr_cycle_timer_register(uart->avr, uart->byte_cycles, stop_bit, uart);
    }
}

static avr_uart_t *find_chip(avr_t *avr) {
    for (avr_io_t *io = avr->io_port; io != NULL; io = io->next) {
        if (strcmp(io->kind, "uart") == 0 && ((avr_uart_t *)io)->name == '0') {
            return (avr_uart_t *)io;
        }
    }
    return NULL;
}

static void take_register(struct uart *uart, avr_io_addr_t address, avr_io_read_t read,
                          avr_io_write_t write) {
    avr_io_addr_t io = AVR_DATA_TO_IO(address);
    uart->avr->io[io].r.c = read;
    uart->avr->io[io].r.param = uart;
    uart->avr->io[io].w.c = write;
    uart->avr->io[io].w.param = uart;
}

bool uart_attach(struct uart *uart, avr_t *avr, struct line *line, uint32_t baud) {
    *uart =
        (struct uart){.io = {.kind = "glyphite_uart", .reset = reset}, .avr = avr, .line = line};
    uart->chip = find_chip(avr);
    if (uart->chip == NULL) {
        return false;
    }
    uart->byte_cycles = (avr->frequency * (uint64_t)BITS_A_BYTE + baud / 2) / baud;
    uart->chip->io.reset = NULL; /* simavr's own sleeps from here on */
    take_register(uart, uart->chip->r_udr, read_data, write_data);
    take_register(uart, uart->chip->r_ucsra, read_status, write_status);
    take_register(uart, uart->chip->r_ucsrb, NULL, write_control);
    take_register(uart, uart->chip->ubrrl.reg, NULL, NULL);
    avr_register_io(avr, &uart->io);
    return true;
}

bool uart_is_busy(const struct uart *uart) {
    return uart->receiving || uart->sending;
}
