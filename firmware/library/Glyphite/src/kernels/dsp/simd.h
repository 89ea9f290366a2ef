/* The instructions of Arm's DSP extension (ARMv7E-M, ARMv8-M with DSP) that the kernels here use.
 *
 * A "pair" is a word of two signed 16-bit halves, the lower half first. simd_arm.h has the
 * instructions; for any other machine simd_c.h has the same functions in C, so that layouts and
 * kernels can be tested, and searched for undefined behaviour, there. */
#pragma once

#include <stdint.h>
#include "../kernel.h"

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
