/* PAD, PADV2: int8, one value around (height, width, channels). */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "../kernel.h"

struct glyphite_pad {
    int32_t input_height;
    int32_t input_width;
    int32_t input_channels;
    int32_t output_height;
    int32_t top; /* rows of padding */
    int32_t bottom;
    int32_t left; /* columns of padding */
    int32_t right;
    int32_t before; /* channels of padding */
    int32_t behind;
    int32_t value;
};

/* Writes the value `count` times; gives the place behind. */
GLYPHITE_KERNEL int8_t *glyphite_pad_fill(const struct glyphite_pad *pad, int32_t count,
                                          int8_t *output) {
    for (int32_t i = 0; i < count; i++) {
        output[i] = (int8_t)pad->value;
    }
    return output + count;
}

/* One output row (width, channels). row: the input row that lies in it, or NULL. */
GLYPHITE_KERNEL void glyphite_pad_row(const struct glyphite_pad *pad, const int8_t *row,
                                      int8_t *output) {
    const int32_t channels = pad->before + pad->input_channels + pad->behind;
    /* Without padded channels a row's pixels are one run of bytes. */
    const int32_t runs = channels == pad->input_channels ? 1 : pad->input_width;
    const int32_t length = pad->input_width * pad->input_channels / runs;
    if (row == NULL) {
        glyphite_pad_fill(pad, (pad->left + pad->input_width + pad->right) * channels, output);
        return;
    }
    output = glyphite_pad_fill(pad, pad->left * channels, output);
    for (int32_t run = 0; run < runs; run++) {
        output = glyphite_pad_fill(pad, pad->before, output);
        for (int32_t i = 0; i < length; i++) {
            output[i] = row[run * length + i];
        }
        output = glyphite_pad_fill(pad, pad->behind, output + length);
    }
    glyphite_pad_fill(pad, pad->right * channels, output);
}

/* input (input_height, input_width, input_channels), output (output_height, output width, output
 * channels), which may begin far enough before the input to overwrite it. */
GLYPHITE_KERNEL void glyphite_pad(const struct glyphite_pad *pad, const int8_t *input,
                                  int8_t *output) {
    const int32_t row_bytes = pad->input_width * pad->input_channels;
    const int32_t output_row_bytes = (pad->left + pad->input_width + pad->right) *
                                     (pad->before + pad->input_channels + pad->behind);
    for (int32_t y = 0; y < pad->output_height; y++) {
        const int32_t from = y - pad->top;
        const int8_t *const row =
            from >= 0 && from < pad->input_height ? input + from * row_bytes : NULL;
        glyphite_pad_row(pad, row, output);
        output += output_row_bytes;
    }
}
