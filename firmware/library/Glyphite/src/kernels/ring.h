/* Ring buffers of rows: of a tensor only the newest rows are kept, and row y lies in place y %
 * rows, over a row that nobody reads any more. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "kernel.h"

/* Rows are counted by `int`, which every processor, an AVR too, has in a size that suits it. */
struct glyphite_ring {
    int8_t *start;
    int height; /* of the tensor, in rows */
    int rows;   /* that are kept, 1 to height */
    int row_bytes;
};

/* Where row y lies, 0 <= y < height. */
GLYPHITE_HELPER int8_t *glyphite_ring_row(const GLYPHITE_CONST struct glyphite_ring *ring, int y) {
    const int rows = ring->rows;
    const int place = y < rows ? y : (int)((uint16_t)y % (uint16_t)rows);
    return ring->start + place * ring->row_bytes;
}

/* The same for any y: NULL outside the tensor, where padding is. */
GLYPHITE_HELPER const int8_t *
glyphite_ring_padded_row(const GLYPHITE_CONST struct glyphite_ring *ring, int y) {
    return y >= 0 && y < ring->height ? glyphite_ring_row(ring, y) : NULL;
}

/* Points rows[0..count-1] at row `first` and each `dilation`-th after it. */
GLYPHITE_HELPER void glyphite_ring_rows(const GLYPHITE_CONST struct glyphite_ring *ring, int first,
                                        int dilation, int count, const int8_t **rows) {
    for (int i = 0; i < count; i++) {
        rows[i] = glyphite_ring_padded_row(ring, first + i * dilation);
    }
}
