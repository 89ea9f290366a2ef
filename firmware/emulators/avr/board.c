#include "board.h"

#include "fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <simavr/avr_watchdog.h>

static const uint64_t NANOSECONDS = 1000000000U;

/* Emulated time: how often the world outside is looked at; how long a sketch may be silent and
 * still be taken to compute; how long the chip sleeps after a reset (fuses SUT 11, as Arduino sets
 * them: 65 ms), in which bytes that are sent too early pass it by. */
enum { LOOKS_A_SECOND = 1000, QUIET_SECONDS = 10, START_UP_MS = 65 };

/* A bootloader that asks the line so often between two looks does nothing else; one that does not
 * in so many seconds of its own time never will. */
enum { ASKED_OFTEN = 10, BOOT_SECONDS = 3 };

static const uint64_t NAP = 100000000U; /* nanoseconds, after which the host may be gone */

static const avr_cycle_count_t FOREVER = UINT64_MAX;

/* The flash and its file */

static size_t flash_size(const struct board *board) {
    return board->avr->flashend + (size_t)1;
}

static void load_flash(struct board *board) {
    size_t size = flash_size(board);
    FILE *file = fopen(board->options.flash, "rb");
    if (file == NULL || fread(board->avr->flash, 1, size, file) != size) {
        fail("not an image of the whole flash", board->options.flash);
    }
    fclose(file);
    board->kept = malloc(size);
    if (board->kept == NULL) {
        fail("no memory for the flash of", board->options.mcu);
    }
    memcpy(board->kept, board->avr->flash, size);
}

/* Whole or not at all, since another board may be starting from the same file. */
void board_keep_flash(struct board *board) {
    size_t size = flash_size(board);
    if (!board->options.keep || memcmp(board->kept, board->avr->flash, size) == 0) {
        return;
    }
    char path[4096];
    snprintf(path, sizeof path, "%s.%ld", board->options.flash, (long)getpid());
    FILE *file = fopen(path, "wb");
    bool written = file != NULL && fwrite(board->avr->flash, 1, size, file) == size;
    if (file == NULL || fclose(file) != 0 || !written || rename(path, board->options.flash) != 0) {
        fail("the flash cannot be kept", board->options.flash);
    }
    memcpy(board->kept, board->avr->flash, size);
}

/* Time */

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * NANOSECONDS + (uint64_t)time.tv_nsec;
}

static bool has_work(const struct board *board) {
    avr_cycle_count_t quiet = board->avr->cycle - board->uart.last_traffic;
    return uart_is_busy(&board->uart) ||
           (board->in_sketch && quiet < (avr_cycle_count_t)QUIET_SECONDS * board->options.clock);
}

/* Whoever waits for the host waits in real time: the bootloader, whose watchdog would else end it
 * before avrdude's next byte, and an idle sketch. Whoever works runs as fast as the machine can. */
static void pace(struct board *board) {
    uint64_t time = now();
    avr_cycle_count_t cycles = board->avr->cycle - board->pace_cycle;
    uint64_t due = board->pace_time + cycles * NANOSECONDS / board->options.clock;
    if (has_work(board) || due < time) {
        board->pace_cycle = board->avr->cycle;
        board->pace_time = time;
    } else {
        line_wait(&board->line, due - time);
    }
}

/* While a board is flashed, its time stands still where the bootloader waits for the host, and runs
 * as fast as the machine can where not: so neither of the two gives the other up on a machine that
 * is busy, and the bootloader listens before the host may open the port. */
static void stand_still(struct board *board) {
    bool waits = board->uart.asked >= ASKED_OFTEN;
    board->uart.asked = 0;
    if (waits || board->avr->cycle > (avr_cycle_count_t)BOOT_SECONDS * board->options.clock) {
        line_tell(&board->line);
    }
    if (waits && !uart_is_busy(&board->uart)) {
        line_wait(&board->line, NAP);
    }
}

/* The chip */

static void reset(struct board *board) {
    avr_reset(board->avr);
    avr_regbit_set(board->avr, board->avr->reset_flags.extrf);
    board->awake = board->avr->cycle + (uint64_t)board->options.clock * START_UP_MS / 1000;
    board->reset_cycle = board->avr->cycle;
    board->in_sketch = false;
    board->resets++;
}

/* An erased flash is a run of no-operations back into the bootloader, and so on for ever. */
static bool is_erased(const struct board *board) {
    return board->avr->flash[0] == 0xFF && board->avr->flash[1] == 0xFF;
}

static void start_sketch(struct board *board) {
    board_keep_flash(board);
    if (is_erased(board)) {
        board->awake = FOREVER;
        return;
    }
    board->in_sketch = true;
    board->first_cycle = board->avr->cycle;
    board->uart.last_traffic = board->avr->cycle;
    stack_begin(&board->stack, board->avr);
}

/* simavr enters an interrupt in no time; the chip takes 4 cycles, and 5 with a 3-byte return. */
static void step(avr_t *avr) {
    uint8_t nested = avr->interrupts.running_ptr;
    avr_run(avr);
    if (avr->interrupts.running_ptr > nested) {
        avr->cycle += avr->address_size + 2U;
    }
}

/* Where the interrupt that has just begun will return to: its address in words lies on the stack,
 * the high byte lowest. */
static avr_flashaddr_t interrupted_at(const avr_t *avr) {
    unsigned pointer = avr->data[R_SPL] | (unsigned)avr->data[R_SPH] << 8;
    avr_flashaddr_t address = 0;
    for (unsigned byte = 1; byte <= avr->address_size; byte++) {
        address = address << 8 | avr->data[pointer + byte];
    }
    return address * 2;
}

/* Interrupts come while something is watched and are no part of it: neither the instruction that
 * they follow on is longer for them, nor do their own count. */
static void watch(struct board *board, avr_cycle_count_t taken, uint8_t nested) {
    const avr_t *avr = board->avr;
    if (nested == 0) {
        avr_cycle_count_t entry = avr->interrupts.running_ptr > 0 ? avr->address_size + 2U : 0;
        uint16_t pointer = entry > 0 ? board->stack.before : board->stack.settled;
        avr_flashaddr_t pc = entry > 0 ? interrupted_at(avr) : avr->pc;
        watch_step(&board->watch, pc, pointer, taken - entry);
    }
}

/* One instruction; false: the sketch's stack has overflowed. */
static bool advance(struct board *board) {
    avr_t *avr = board->avr;
    if (avr->cycle < board->awake) { /* asleep: only the line's time passes */
        avr->cycle += 16;
        avr_cycle_timer_process(avr);
        return true;
    }
    avr_flashaddr_t pc = avr->pc;
    avr_cycle_count_t before = avr->cycle;
    uint8_t nested = avr->interrupts.running_ptr;
    step(avr);
    bool in_sketch = avr->pc < board->options.boot;
    if (in_sketch && !board->in_sketch) {
        start_sketch(board);
    } else if (in_sketch) {
        bool fits = stack_check(&board->stack, avr, pc);
        watch(board, avr->cycle - before, nested);
        return fits;
    }
    board->in_sketch = board->in_sketch && in_sketch; /* left by a watchdog's reset */
    return true;
}

static void look_outside(struct board *board) {
    bool flashed = board->options.keep && !board->in_sketch && board->awake != FOREVER;
    if (line_was_opened(&board->line) && !board->options.keep) {
        reset(board);
    }
    uart_listen(&board->uart);
    if (flashed) {
        stand_still(board);
    } else {
        line_tell(&board->line);
        pace(board);
    }
    board->next_look = board->avr->cycle + board->options.clock / LOOKS_A_SECOND;
}

enum outcome board_run(struct board *board, const volatile int *stop) {
    const avr_t *avr = board->avr;
    while (!*stop && !board->line.ended && getppid() == board->parent) {
        look_outside(board);
        while (avr->cycle < board->next_look) {
            if (!advance(board)) {
                return STACK_OVERFLOW;
            }
            if (avr->state == cpu_Crashed || avr->state == cpu_Done) {
                return CRASHED;
            }
        }
    }
    return STOPPED_BY_HOST;
}

static avr_io_write_t set_watchdog_once;

/* simavr takes a new time-out of a watchdog that runs already, and does not start it: Optiboot
 * would go on for a second where the chip leaves it after 16 ms. */
static void set_watchdog(avr_t *avr, avr_io_addr_t address, uint8_t value, void *param) {
    set_watchdog_once(avr, address, value, param);
    avr_ioctl(avr, AVR_IOCTL_WATCHDOG_RESET, NULL);
}

static void mend_watchdog(avr_t *avr) {
    for (avr_io_t *io = avr->io_port; io != NULL; io = io->next) {
        if (strcmp(io->kind, "watchdog") == 0) {
            avr_io_addr_t address = AVR_DATA_TO_IO(((avr_watchdog_t *)io)->wdce.reg);
            set_watchdog_once = avr->io[address].w.c;
            avr->io[address].w.c = set_watchdog;
        }
    }
}

static void no_sleep(avr_t *avr, avr_cycle_count_t cycles) {
    (void)avr; /* simavr counts the cycles, and pace() sleeps */
    (void)cycles;
}

static void log_errors(avr_t *avr, const int level, const char *format, va_list arguments) {
    (void)avr;
    if (level <= LOG_ERROR) {
        vfprintf(stderr, format, arguments);
    }
}

void board_power_on(struct board *board) {
    avr_global_logger_set(log_errors);
    board->avr = avr_make_mcu_by_name(board->options.mcu);
    if (board->avr == NULL || avr_init(board->avr) != 0) {
        fail("libsimavr does not know the chip", board->options.mcu);
    }
    board->avr->frequency = board->options.clock;
    board->avr->run_cycle_limit = 1; /* one instruction at a time: the stack is checked at each */
    board->avr->sleep = no_sleep;
    mend_watchdog(board->avr);
    board->avr->reset_pc = board->options.boot;
    load_flash(board);
    line_open(&board->line);
    if (!uart_attach(&board->uart, board->avr, &board->line, board->options.baud)) {
        fail("libsimavr describes no UART of the chip", board->options.mcu);
    }
    board->parent = getppid();
    board->pace_time = now();
    reset(board);
}
