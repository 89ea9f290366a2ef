/* The inputs of a block of output pixels, widened to 16 bits, in the order in which the inner loops
 * of dot.h read them: one copy serves all output channels. */
#pragma once

#include <stddef.h>
#include "../window.h"
#include "dot.h"

/* What of a convolution says which inputs a pixel has. A row pointer is NULL where the row is
 * padding. */
struct glyphite_dsp_inputs {
    struct glyphite_window window;
    int32_t channels;
    int32_t wide;          /* which weights follow: see dot.h */
    const int8_t *padding; /* (channels) zero points */
};

/* Inputs of a pixel, in steps of four. */
GLYPHITE_KERNEL int32_t glyphite_dsp_steps(const struct glyphite_dsp_inputs *inputs) {
    const struct glyphite_window *const window = &inputs->window;
    return (window->kernel_height * window->kernel_width * inputs->channels + 3) / 4;
}

/* Widens `steps` times four bytes; the steps of a pixel are 2 * `pixels` words apart. Gives where
 * the next step goes. */
GLYPHITE_KERNEL uint32_t *glyphite_dsp_widen(int32_t wide, int32_t pixels, const int8_t *bytes,
                                             int32_t steps, uint32_t *patch) {
    const int8_t *const end = bytes + 4 * steps;
#pragma GCC unroll 4
    for (; bytes != end; bytes += 4, patch += 2 * pixels) {
        const uint32_t word = glyphite_load_word(bytes);
        const uint32_t odd = glyphite_odd_bytes(word);
        if (wide) {
            patch[0] = odd;
            patch[pixels] = glyphite_even_bytes(word);
        } else {
            /* 127 less, so that the difference fits 16 bits; the biases make up for it. */
            const uint32_t lowered = glyphite_subtract_pair(odd, 0x007F007F);
            patch[0] = lowered;
            patch[pixels] = glyphite_subtract_pair(word << 8 & 0xFF00FF00, lowered);
        }
    }
    return patch;
}

/* Whether all kernel columns, from input column x on, lie side by side in this row. */
GLYPHITE_KERNEL int glyphite_dsp_is_run(const struct glyphite_dsp_inputs *inputs, const int8_t *row,
                                        int32_t x) {
    const struct glyphite_window *const window = &inputs->window;
    return row != NULL && window->dilation_width == 1 && x >= 0 &&
           x + window->kernel_width <= window->input_width;
}

/* Input column x of a row, or of the padding around it. */
GLYPHITE_KERNEL const int8_t *glyphite_dsp_column(const struct glyphite_dsp_inputs *inputs,
                                                  const int8_t *row, int32_t x) {
    const int inside = row != NULL && x >= 0 && x < inputs->window.input_width;
    return inside ? row + x * inputs->channels : inputs->padding;
}

/* Copies a pixel's inputs one after another. */
GLYPHITE_KERNEL void glyphite_dsp_copy(const struct glyphite_dsp_inputs *inputs,
                                       const int8_t *const *rows, int32_t x, int8_t *bytes) {
    const struct glyphite_window *const window = &inputs->window;
    const size_t channels = (size_t)inputs->channels;
    for (int32_t row = 0; row < window->kernel_height; row++) {
        if (glyphite_dsp_is_run(inputs, rows[row], x)) {
            const size_t run = (size_t)window->kernel_width * channels;
            __builtin_memcpy(bytes, rows[row] + x * inputs->channels, run);
            bytes += run;
            continue;
        }
        for (int32_t column = 0; column < window->kernel_width; column++, bytes += channels) {
            const int32_t at = x + column * window->dilation_width;
            __builtin_memcpy(bytes, glyphite_dsp_column(inputs, rows[row], at), channels);
        }
    }
}

/* Puts one pixel's inputs, from input column x on, into its place in a patch of `pixels`. Where the
 * channels are no multiple of four they are put together in `bytes`, 4 * steps of them, first. */
GLYPHITE_KERNEL void glyphite_dsp_gather(const struct glyphite_dsp_inputs *inputs,
                                         const int8_t *const *rows, int32_t x, int32_t pixels,
                                         uint32_t *patch, int8_t *bytes) {
    const struct glyphite_window *const window = &inputs->window;
    const int32_t wide = inputs->wide;
    const int32_t steps = inputs->channels / 4;
    if (inputs->channels % 4 != 0) {
        glyphite_dsp_copy(inputs, rows, x, bytes);
        glyphite_dsp_widen(wide, pixels, bytes, glyphite_dsp_steps(inputs), patch);
        return;
    }
    for (int32_t row = 0; row < window->kernel_height; row++) {
        if (glyphite_dsp_is_run(inputs, rows[row], x)) {
            const int8_t *const run = rows[row] + x * inputs->channels;
            patch = glyphite_dsp_widen(wide, pixels, run, window->kernel_width * steps, patch);
            continue;
        }
        for (int32_t column = 0; column < window->kernel_width; column++) {
            const int32_t at = x + column * window->dilation_width;
            const int8_t *const source = glyphite_dsp_column(inputs, rows[row], at);
            patch = glyphite_dsp_widen(wide, pixels, source, steps, patch);
        }
    }
}
