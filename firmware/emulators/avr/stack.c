#include "stack.h"

static unsigned word_at(const avr_t *avr, uint32_t address) {
    return avr->flash[address] | (unsigned)avr->flash[address + 1] << 8;
}

/* The constant of an instruction with an immediate operand: xxxx KKKK xxxx KKKK. */
static unsigned immediate(unsigned word) {
    return (word >> 4 & 0xF0U) | (word & 0x0FU);
}

/* Every avr-gcc program clears .bss with the same loop (libgcc, lib1funcs.S):
 *     ldi rN, hi8(__bss_end)  ldi r26, ...  ldi r27, ...  rjmp
 *     st X+, r1   cpi r26, lo8(__bss_end)   cpc r27, rN   brne .-8
 * so the end of the static data is known from the flash alone, whoever built the sketch. */
static bool clears_bss(const avr_t *avr, uint32_t at) {
    unsigned compare = word_at(avr, at + 4);
    return word_at(avr, at) == 0x921DU && (word_at(avr, at + 2) & 0xF0F0U) == 0x30A0U &&
           (compare & 0xFFF0U) == 0x07B0U && word_at(avr, at + 6) == 0xF7E1U &&
           (word_at(avr, at - 8) & 0xF0F0U) == (0xE000U | (compare & 0x0FU) << 4);
}

static uint16_t find_static_end(const avr_t *avr) {
    for (uint32_t at = 8; at + 8 <= avr->flashend; at += 2) {
        if (clears_bss(avr, at)) {
            unsigned high = immediate(word_at(avr, at - 8));
            return (uint16_t)(high << 8 | immediate(word_at(avr, at + 2)));
        }
    }
    return (uint16_t)(avr->ioend + 1);
}

void stack_begin(struct stack *stack, const avr_t *avr) {
    stack->static_end = find_static_end(avr);
    stack->pointer = avr->ramend;
    stack->lowest = (uint16_t)(avr->ramend + 1);
}

/* `out SPH, r`: half of the pointer is new and half is old until `out SPL` follows. */
static bool is_half_written(const avr_t *avr, avr_flashaddr_t pc) {
    return (word_at(avr, pc) & 0xFE0FU) == 0xBE0EU;
}

bool stack_check(struct stack *stack, const avr_t *avr, avr_flashaddr_t pc) {
    uint16_t pointer = (uint16_t)(avr->data[R_SPL] | avr->data[R_SPH] << 8);
    if (pointer == stack->pointer) {
        return true;
    }
    stack->pointer = pointer;
    if (!is_half_written(avr, pc) && pointer + 1 < stack->lowest) {
        stack->lowest = (uint16_t)(pointer + 1);
    }
    return stack->lowest >= stack->static_end;
}

unsigned stack_peak(const struct stack *stack, const avr_t *avr) {
    return avr->ramend + 1U - stack->lowest;
}
