/* How deep the sketch's stack goes, to the byte, and whether it runs into the static data.
 *
 * The chip checks nothing: a stack that grows into .bss corrupts it in silence. An interrupt may
 * come at any instruction, also where the sketch's own stack is deepest, though it seldom does: so
 * the two are followed apart, and the peak is their sum. That is what a sketch needs to be safe,
 * and it does not depend on when the host's bytes came.
 */
#ifndef GLYPHITE_STACK_H
#define GLYPHITE_STACK_H

#include <stdbool.h>

#include <simavr/sim_avr.h>

struct stack {
    uint16_t static_end; /* the address behind .bss; a stack below it has overflowed */
    uint16_t lowest;     /* the lowest address in use so far, by the sketch itself */
    uint16_t pointer;    /* the last value seen */
    uint16_t settled;    /* the last one that was not half of a new value */
    bool interrupted;    /* as of the last instruction */
    uint16_t before;     /* the pointer when the interrupt came */
    uint16_t interrupts; /* the most bytes that one has taken */
};

/* To be called when the sketch starts. */
void stack_begin(struct stack *stack, const avr_t *avr);

/* To be called after the instruction at `pc`; false: the stack has reached the static data. */
bool stack_check(struct stack *stack, const avr_t *avr, avr_flashaddr_t pc);

/* The most bytes that may be in use: an interrupt's behind the sketch's own. */
unsigned stack_peak(const struct stack *stack, const avr_t *avr);

#endif
