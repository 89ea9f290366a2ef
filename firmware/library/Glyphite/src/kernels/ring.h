/* Tensors of which only some rows are kept: a new row takes the place of one that is done with. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "kernel.h"

struct glyphite_ring {
    int8_t *start;
    int32_t height; /* rows of the tensor */
    int32_t rows;   /* that are kept */
    int32_t row_bytes;
};

/* Where row y lies, 0 <= y < height. */
GLYPHITE_KERNEL int8_t *glyphite_ring_row(const struct glyphite_ring *ring, int32_t y) {
    const int32_t place = ring->rows < ring->height ? (uint16_t)y % (uint16_t)ring->rows : y;
    return ring->start + place * ring->row_bytes;
}

/* The same for any y: NULL outside the tensor, where padding is. */
GLYPHITE_KERNEL const int8_t *glyphite_ring_padded_row(const struct glyphite_ring *ring,
                                                       int32_t y) {
    return y >= 0 && y < ring->height ? glyphite_ring_row(ring, y) : NULL;
}

/* Points rows[0..count-1] at row `first` and each `dilation`-th after it. */
GLYPHITE_KERNEL void glyphite_ring_rows(const struct glyphite_ring *ring, int32_t first,
                                        int32_t dilation, int32_t count, const int8_t **rows) {
    for (int32_t i = 0; i < count; i++) {
        rows[i] = glyphite_ring_padded_row(ring, first + i * dilation);
    }
}
