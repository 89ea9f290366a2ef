/* The instructions of Arm's DSP extension (ARMv7E-M, ARMv8-M with DSP) that the kernels here use.
 *
 * A "pair" is a word of two signed 16-bit halves, the lower half first. simd_arm.h has the
 * instructions. simd_c.h has the same functions in C for any other machine, where kernels can be
 * tested and searched for undefined behaviour; and for a compiler that does not optimize, because
 * it keeps a register for itself that the inner loops need. */
#pragma once

#include <stdint.h>
#include "../kernel.h"

/* A column of a depthwise layer is eight words: for each of four channels rows 0 and 1 as a pair,
 * then row 2 in the lower half of a word.
 *
 * glyphite_order_column makes a column of the four bytes at each of rows[0..2] + at, and gives
 * where the next column goes. glyphite_dot_columns gives the accumulator of one channel: the bias,
 * and three columns times five words of weights, which are rows 0 and 1 of each column as a pair;
 * row 2, columns 0 and 1 as a pair; row 2, column 2.
 *
 * The functions with _4 are the same for two output rows at a time: a column has the pairs of rows
 * 0 and 1 and of rows 2 and 3, and its weights are two pairs, those of rows 0 and 1 and those of
 * rows 1 and 2. */
#include "simd_arm.h"
#include "simd_c.h"

/* The word at any address: LDR loads unaligned words, which LDRD and LDM do not. */
GLYPHITE_KERNEL uint32_t glyphite_load_word(const int8_t *address) {
    uint32_t word;
    __builtin_memcpy(&word, address, sizeof word);
    return word;
}
