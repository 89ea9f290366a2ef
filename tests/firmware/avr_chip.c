/* A bare AVR for kernels: avr_chip MCU ELF < inputs > outputs
 *
 * The program reads standard input from GPIOR1, writes standard output to it, and says to GPIOR0:
 * 1 the clock starts, 2 it stops (its cycles go to standard error, a line each), 3 the end. */
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <simavr/sim_io.h>
#include <stdio.h>

enum { GPIOR0 = 0x3E, GPIOR1 = 0x4A, START = 1, STOP = 2, END = 3 };

static avr_cycle_count_t started;

static uint8_t read_byte(avr_t *avr, avr_io_addr_t address, void *none) {
    (void)none;
    avr->data[address] = (uint8_t)getchar();
    return avr->data[address];
}

static void write_byte(avr_t *avr, avr_io_addr_t address, uint8_t value, void *none) {
    (void)avr;
    (void)address;
    (void)none;
    putchar(value);
}

static void command(avr_t *avr, avr_io_addr_t address, uint8_t value, void *none) {
    (void)address;
    (void)none;
    if (value == START) {
        started = avr->cycle;
    } else if (value == STOP) {
        fprintf(stderr, "%llu\n", (unsigned long long)(avr->cycle - started));
    } else if (value == END) {
        avr->state = cpu_Done;
    }
}

static void log_errors(avr_t *avr, const int level, const char *format, va_list arguments) {
    (void)avr;
    if (level <= LOG_ERROR) {
        vfprintf(stderr, format, arguments);
    }
}

int main(int count, char **arguments) {
    elf_firmware_t firmware = {0};
    avr_global_logger_set(log_errors);
    if (count != 3 || elf_read_firmware(arguments[2], &firmware) != 0) {
        return 1;
    }
    avr_t *avr = avr_make_mcu_by_name(arguments[1]);
    if (avr == NULL || avr_init(avr) != 0) {
        return 1;
    }
    avr_load_firmware(avr, &firmware);
    avr_register_io_read(avr, GPIOR1, read_byte, NULL);
    avr_register_io_write(avr, GPIOR1, write_byte, NULL);
    avr_register_io_write(avr, GPIOR0, command, NULL);
    while (avr->state != cpu_Done && avr->state != cpu_Crashed) {
        avr_run(avr);
    }
    fflush(stdout);
    return avr->state == cpu_Crashed;
}
