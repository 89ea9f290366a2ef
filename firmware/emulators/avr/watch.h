/* The cycles of one function of the sketch (`model_invoke`), by its parts (the layers).
 *
 * What is watched stands in a plan, and what was seen in a report that is written anew each time
 * that the function returns; README.md has their formats. */
#ifndef GLYPHITE_WATCH_H
#define GLYPHITE_WATCH_H

#include <stdbool.h>

#include <simavr/sim_avr.h>

enum { WATCHED_PARTS = 256 };

struct watch {
    const char *report;             /* NULL: nothing is watched */
    uint32_t begins[WATCHED_PARTS]; /* byte addresses: of the function, then of each part */
    unsigned parts;
    bool inside;
    unsigned part;
    uint16_t pointer; /* of the stack at the function's first instruction */
    uint16_t lowest;
    uint64_t cycles[WATCHED_PARTS]; /* of this call */
    uint64_t calls;
};

void watch_begin(struct watch *watch, const char *plan, const char *report);

/* To be called after an instruction that took `cycles`, with the stack pointer that is valid and
 * the address of the next one: where an interrupt comes first, that behind it. */
void watch_step(struct watch *watch, uint32_t pc, uint16_t pointer, uint64_t cycles);

#endif
