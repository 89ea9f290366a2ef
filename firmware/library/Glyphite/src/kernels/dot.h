/* Sums of products of inputs and weights: the inner loops of convolution and fully connected. */
#pragma once

#include <stdint.h>
#include "kernel.h"

/* The accumulators of four neighbouring output channels: each input is loaded once for all of
 * them. */
struct glyphite_sums {
    int32_t a;
    int32_t b;
    int32_t c;
    int32_t d;
};

/* The sum with (input[i] + offset) * weights[i] added, i = 0..count-1. */
GLYPHITE_KERNEL int32_t glyphite_dot(const int8_t *input, int32_t offset,
                                     const GLYPHITE_CONST int8_t *weights, int32_t count,
                                     int32_t sum) {
    for (int32_t i = 0; i < count; i++) {
        sum += (input[i] + offset) * weights[i];
    }
    return sum;
}

/* The same for four channels, whose weights lie `stride` bytes apart.
 *
 * Armv6-M loads a signed byte from the sum of two registers only. Left to itself, the compiler
 * makes addresses anew for each input, with a constant stride more of them than with one that it
 * does not know; so each channel has a pointer there, and empty assembly hides how far they lie
 * apart. i counts up to 0, so that no register holds its end. */
GLYPHITE_KERNEL struct glyphite_sums glyphite_dot_4(const int8_t *input, int32_t offset,
                                                    const GLYPHITE_CONST int8_t *weights,
                                                    int32_t stride, int32_t count,
                                                    struct glyphite_sums sums) {
#if defined(__GNUC__) && defined(__thumb__) && !defined(__thumb2__)
    const int8_t *a = weights + count, *b = a + stride, *c = b + stride, *d = c + stride;
    int32_t i = -count;
    if (count == 0) {
        return sums;
    }
    input += count;
    __asm__("" : "+r"(input), "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(i));
    do {
        const int32_t value = input[i] + offset;
        sums.a += value * a[i];
        sums.b += value * b[i];
        sums.c += value * c[i];
        sums.d += value * d[i];
    } while (++i < 0);
#else
    for (int32_t i = 0; i < count; i++) {
        const int32_t value = input[i] + offset;
        sums.a += value * weights[i];
        sums.b += value * weights[i + stride];
        sums.c += value * weights[i + 2 * stride];
        sums.d += value * weights[i + 3 * stride];
    }
#endif
    return sums;
}
