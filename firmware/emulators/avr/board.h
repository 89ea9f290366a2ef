/* The board: chip, bootloader, serial line and the passing of time. */
#ifndef GLYPHITE_BOARD_H
#define GLYPHITE_BOARD_H

#include "stack.h"
#include "uart.h"
#include "watch.h"

#include <sys/types.h>

struct options {
    const char *mcu;     /* as libsimavr calls it: "atmega328p" */
    uint32_t clock;      /* Hz */
    uint32_t baud;       /* of the host's end of the line */
    uint32_t boot;       /* where the bootloader begins: a byte address */
    const char *flash;   /* image of the whole flash, bootloader included */
    bool keep;           /* write that file again when a bootloader has changed the flash */
    const char *report;  /* JSON, written at the end; NULL: none */
    const char *plan;    /* what to watch, see watch.h; NULL: nothing */
    const char *watched; /* what was seen of it */
};

enum outcome { STOPPED_BY_HOST = 0, STACK_OVERFLOW = 3, CRASHED = 4 };

struct board {
    struct options options;
    avr_t *avr;
    struct line line;
    struct uart uart;
    struct stack stack;
    struct watch watch;
    uint8_t *kept;  /* the flash as the file has it */
    bool in_sketch; /* false: the bootloader runs */
    unsigned resets;
    avr_cycle_count_t reset_cycle; /* when the chip was reset last */
    avr_cycle_count_t first_cycle; /* of the sketch */
    avr_cycle_count_t awake;       /* the chip is held until then */
    avr_cycle_count_t next_look;
    avr_cycle_count_t pace_cycle; /* emulated and real time were equal at this pair */
    uint64_t pace_time;           /* nanoseconds */
    pid_t parent;
};

/* Loads the flash, takes the line, and resets the chip as a port that is opened does. */
void board_power_on(struct board *board);

/* Runs until `stop` is set, the host is gone, or the sketch fails. */
enum outcome board_run(struct board *board, const volatile int *stop);

/* Writes the flash to its file, if that was asked for and it was changed. */
void board_keep_flash(struct board *board);

#endif
