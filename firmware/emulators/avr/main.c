/* An Arduino with an AVR, emulated to the cycle: real bootloader in its flash, serial line on
 * standard input and output. README.md says what is real and what is not. */
#include "board.h"
#include "fail.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile int stop_asked;

static void ask_to_stop(int signal) {
    (void)signal;
    stop_asked = 1;
}

static uint32_t number(const char *text) {
    char *end;
    unsigned long value = strtoul(text, &end, 0);
    if (*text == '\0' || *end != '\0' || value == 0 || value > UINT32_MAX) {
        fail("not a positive number:", text);
    }
    return (uint32_t)value;
}

static void set(struct options *options, int option, const char *value) {
    switch (option) {
    case 'm':
        options->mcu = value;
        break;
    case 'c':
        options->clock = number(value);
        break;
    case 'b':
        options->baud = number(value);
        break;
    case 'o':
        options->boot = number(value);
        break;
    case 'f':
        options->flash = value;
        break;
    case 'k':
        options->keep = true;
        break;
    case 'r':
        options->report = value;
        break;
    case 'p':
        options->plan = value;
        break;
    case 'w':
        options->watched = value;
        break;
    default:
        exit(1); /* getopt has said why */
    }
}

static struct options parse(int count, char **arguments) {
    static const struct option known[] = {
        {"mcu", required_argument, NULL, 'm'},     {"clock", required_argument, NULL, 'c'},
        {"baud", required_argument, NULL, 'b'},    {"boot", required_argument, NULL, 'o'},
        {"flash", required_argument, NULL, 'f'},   {"keep", no_argument, NULL, 'k'},
        {"report", required_argument, NULL, 'r'},  {"plan", required_argument, NULL, 'p'},
        {"watched", required_argument, NULL, 'w'}, {NULL, 0, NULL, 0},
    };
    struct options options = {.clock = 16000000, .baud = 115200};
    for (int option; (option = getopt_long(count, arguments, "", known, NULL)) != -1;) {
        set(&options, option, optarg);
    }
    if (optind != count || !options.mcu || !options.flash || !options.boot) {
        fail("usage: avr_board --mcu NAME --boot ADDRESS --flash IMAGE [--keep] [--clock HZ]",
             "[--baud BAUD] [--report JSON] [--plan PLAN --watched REPORT]");
    }
    return options;
}

static const char *name_of(enum outcome outcome) {
    switch (outcome) {
    case STACK_OVERFLOW:
        return "stack overflow";
    case CRASHED:
        return "crash";
    default:
        return "host";
    }
}

static void report(const struct board *board, enum outcome outcome) {
    FILE *file = board->options.report ? fopen(board->options.report, "w") : NULL;
    if (file == NULL) {
        return;
    }
    bool runs = board->in_sketch;
    avr_cycle_count_t cycles = board->avr->cycle;
    fprintf(file, "{\"stopped_by\": \"%s\", \"cycles\": %llu,\n", name_of(outcome),
            (unsigned long long)cycles);
    fprintf(file, " \"boot_cycles\": %llu, \"sketch_cycles\": %llu,\n",
            (unsigned long long)(runs ? board->first_cycle - board->reset_cycle : 0),
            (unsigned long long)(runs ? cycles - board->first_cycle : 0));
    fprintf(file, " \"received\": %llu, \"sent\": %llu, \"overruns\": %llu, \"resets\": %u,\n",
            (unsigned long long)board->uart.received, (unsigned long long)board->uart.sent,
            (unsigned long long)board->uart.overruns, board->resets);
    fprintf(file, " \"in_sketch\": %s, \"static_end\": %u, \"stack_bytes\": %u}\n",
            runs ? "true" : "false", runs ? board->stack.static_end : 0U,
            runs ? stack_peak(&board->stack, board->avr) : 0U);
    fclose(file);
}

int main(int count, char **arguments) {
    static struct board board;
    board.options = parse(count, arguments);
    signal(SIGTERM, ask_to_stop);
    signal(SIGINT, ask_to_stop);
    if (board.options.plan && board.options.watched) {
        watch_begin(&board.watch, board.options.plan, board.options.watched);
    }
    board_power_on(&board);
    enum outcome outcome = board_run(&board, &stop_asked);
    board_keep_flash(&board);
    report(&board, outcome);
    if (outcome == STACK_OVERFLOW) {
        fprintf(stderr,
                "avr_board: stack overflow: the stack grew down to 0x%04X, and the static data "
                "ends at 0x%04X (program counter 0x%05X)\n",
                (unsigned)(board.stack.lowest - board.stack.interrupts), board.stack.static_end,
                (unsigned)board.avr->pc);
    }
    return (int)outcome;
}
