/* Any int8 to int8 function of one value, as its 256 answers. */
#pragma once

#include <stdint.h>
#include "../kernel.h"

struct glyphite_table {
    int32_t count;
    const GLYPHITE_CONST int8_t *values; /* (256): for inputs 0 to 127, then -128 to -1 */
};

/* Any run of `count` values; output may be input. */
GLYPHITE_KERNEL void glyphite_table_row(const struct glyphite_table *table, int32_t count,
                                        const int8_t *input, int8_t *output) {
    for (int32_t i = 0; i < count; i++) {
        output[i] = table->values[(uint8_t)input[i]];
    }
}

/* input and output (count). */
GLYPHITE_KERNEL void glyphite_table(const struct glyphite_table *table, const int8_t *input,
                                    int8_t *output) {
    glyphite_table_row(table, table->count, input, output);
}
