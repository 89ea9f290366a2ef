/* The instructions of Arm's DSP extension (ARMv7E-M, ARMv8-M with DSP) that the kernels here use.
 *
 * A "pair" is a word of two signed 16-bit halves, the lower half first. simd_arm.h has the
 * instructions. For any other machine simd_c.h has the same functions in C, so that layouts and
 * kernels can be tested, and searched for undefined behaviour, there; and for a compiler that does
 * not optimize, which keeps a register for itself that the inner loops need. */
#pragma once

#include <stdint.h>
#include "../kernel.h"

/* A column of a depthwise layer is eight words: for each of four channels rows 0 and 1 as a pair,
 * then row 2 in the lower half of a word.
 *
 * glyphite_order_column makes one of the four bytes at rows[0..2] + at, and gives where the next
 * goes. glyphite_dot_columns adds three columns of one channel, times five words of weights: rows 0
 * and 1 of each column as a pair; row 2, columns 0 and 1 as a pair; row 2, column 2.
 *
 * The same with _4 are for two rows of output at a time: a column has pairs of rows 0 and 1 and of
 * rows 2 and 3, and its weights are two pairs, those of rows 0 and 1 and those of rows 1 and 2. */
#include "simd_arm.h"
#include "simd_c.h"

/* A word at any address; the core loads unaligned words by LDR, not by LDRD or LDM. */
GLYPHITE_KERNEL uint32_t glyphite_load_word(const int8_t *address) {
    uint32_t word;
    __builtin_memcpy(&word, address, sizeof word);
    return word;
}

GLYPHITE_KERNEL void glyphite_store_word(int8_t *address, uint32_t word) {
    __builtin_memcpy(address, &word, sizeof word);
}
