#include "stack.h"

static unsigned word_at(const avr_t *avr, uint32_t address) {
    return avr->flash[address] | (unsigned)avr->flash[address + 1] << 8;
}

/* The constant of an instruction with an immediate operand: xxxx KKKK xxxx KKKK. */
static unsigned immediate(unsigned word) {
    return (word >> 4 & 0xF0U) | (word & 0x0FU);
}

/* Whether the instruction is `ldi r, K`. */
static bool loads(unsigned word, unsigned r) {
    return (word & 0xF0F0U) == (0xE000U | (r & 0x0FU) << 4);
}

/* Every avr-gcc program fills .data and clears .bss with two loops (libgcc, lib1funcs.S):
 *     ldi rN, hi8(end)   some more loads   rjmp to the comparison
 *     st X+, r0 or r1   cpi r26, lo8(end)   cpc r27, rN   brne
 * so the end of its static data is known from the flash alone, whoever built the sketch.
 * Returns that address, or 0 where `at` is no such loop's store. */
static unsigned end_of_loop(const avr_t *avr, uint32_t at) {
    enum { LOADS = 20 };
    unsigned compare = word_at(avr, at + 4);
    if ((word_at(avr, at) & 0xFFEFU) != 0x920DU || (word_at(avr, at + 2) & 0xF0F0U) != 0x30A0U ||
        (compare & 0xFFF0U) != 0x07B0U || (word_at(avr, at + 6) & 0xFC07U) != 0xF401U) {
        return 0;
    }
    for (uint32_t back = 2; back <= LOADS && back <= at; back += 2) {
        if (loads(word_at(avr, at - back), compare)) {
            return immediate(word_at(avr, at - back)) << 8 | immediate(word_at(avr, at + 2));
        }
    }
    return 0;
}

static uint16_t find_static_end(const avr_t *avr) {
    unsigned end = avr->ioend + 1U;
    for (uint32_t at = 0; at + 8 <= avr->flashend; at += 2) {
        unsigned found = end_of_loop(avr, at);
        if (found > end && found <= avr->ramend + 1U) {
            end = found;
        }
    }
    return (uint16_t)end;
}

void stack_begin(struct stack *stack, const avr_t *avr) {
    *stack = (struct stack){.static_end = find_static_end(avr),
                            .lowest = (uint16_t)(avr->ramend + 1),
                            .pointer = avr->ramend,
                            .settled = avr->ramend};
}

/* `out SPH, r`: half of the pointer is new and half is old until `out SPL` follows. */
static bool is_half_written(const avr_t *avr, avr_flashaddr_t pc) {
    return (word_at(avr, pc) & 0xFE0FU) == 0xBE0EU;
}

/* The sketch's own use of the stack, which goes down to the byte above `pointer`. */
static void use(struct stack *stack, uint16_t pointer) {
    if (pointer + 1 < stack->lowest) {
        stack->lowest = (uint16_t)(pointer + 1);
    }
}

/* The return address is on the stack by the time that an interrupt is seen to run. */
static void follow_interrupt(struct stack *stack, const avr_t *avr, uint16_t pointer) {
    if (!stack->interrupted) {
        stack->before = (uint16_t)(pointer + avr->address_size);
        use(stack, stack->before);
    }
    if (stack->before - pointer > stack->interrupts) {
        stack->interrupts = (uint16_t)(stack->before - pointer);
    }
}

static bool is_clear(const struct stack *stack) {
    return stack->lowest - stack->interrupts >= stack->static_end;
}

bool stack_check(struct stack *stack, const avr_t *avr, avr_flashaddr_t pc) {
    uint16_t pointer = (uint16_t)(avr->data[R_SPL] | avr->data[R_SPH] << 8);
    bool interrupted = avr->interrupts.running_ptr > 0;
    /* An interrupt that comes behind a `ret` leaves the pointer where it was before the two. */
    if (pointer == stack->pointer && interrupted == stack->interrupted) {
        return true;
    }
    stack->pointer = pointer;
    if (is_half_written(avr, pc)) {
        return is_clear(stack);
    }
    stack->settled = pointer;
    if (interrupted) {
        follow_interrupt(stack, avr, pointer);
    } else {
        use(stack, pointer);
    }
    stack->interrupted = interrupted;
    return is_clear(stack);
}

unsigned stack_peak(const struct stack *stack, const avr_t *avr) {
    return avr->ramend + 1U - stack->lowest + stack->interrupts;
}
