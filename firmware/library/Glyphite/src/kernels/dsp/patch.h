/* im2col: the inputs under a block of output pixels are put together as a patch, widened to 16
 * bits, in the order in which the inner loops of dot.h read them. One patch serves all output
 * channels.
 *
 * A pixel's inputs come by kernel row, [kernel_width][channels] of each. Where those are no
 * multiple of four, the whole words of all rows come first, and then what is left of each row, so
 * that words can be read where they lie. */
#pragma once

#include <stddef.h>
#include "../window.h"
#include "dot.h"

/* By how much the odd inputs of a narrow step are lowered. */
#define GLYPHITE_LOWERED 127

/* Which inputs a pixel of a convolution has. A row pointer is NULL where the row is padding. */
struct glyphite_dsp_inputs {
    struct glyphite_window window;
    int32_t channels;
    int32_t wide;          /* which weights follow: see dot.h */
    const int8_t *padding; /* zero points: (channels), or a kernel row of them where channels are no
                              multiple of four */
};

/* Inputs of a row of the kernel. */
GLYPHITE_KERNEL int32_t glyphite_dsp_run(const struct glyphite_dsp_inputs *inputs) {
    return inputs->window.kernel_width * inputs->channels;
}

/* Steps of four inputs that a pixel has. */
GLYPHITE_KERNEL int32_t glyphite_dsp_steps(const struct glyphite_dsp_inputs *inputs) {
    return (inputs->window.kernel_height * glyphite_dsp_run(inputs) + 3) / 4;
}

/* Widens `steps` times four bytes into the patch, where the steps of a pixel are 2 * `pixels` words
 * apart. Gives where the next step goes. */
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
            /* So the difference below fits 16 bits; the biases make up for it. */
            const uint32_t lowered = glyphite_subtract_pair(odd, GLYPHITE_LOWERED * 0x00010001u);
            patch[0] = lowered;
            patch[pixels] = glyphite_subtract_pair(word << 8 & 0xFF00FF00, lowered);
        }
    }
    return patch;
}

/* Whether all kernel columns, from input column x on, lie side by side in a row. */
GLYPHITE_KERNEL int glyphite_dsp_is_run(const struct glyphite_dsp_inputs *inputs, int32_t x) {
    const struct glyphite_window *const window = &inputs->window;
    return window->dilation_width == 1 && x >= 0 && x + window->kernel_width <= window->input_width;
}

/* Input column x of a row, or of the padding around it. */
GLYPHITE_KERNEL const int8_t *glyphite_dsp_column(const struct glyphite_dsp_inputs *inputs,
                                                  const int8_t *row, int32_t x) {
    const int inside = row != NULL && x >= 0 && x < inputs->window.input_width;
    return inside ? row + x * inputs->channels : inputs->padding;
}

/* Copies a kernel row of inputs from input column x on, some of which are padding or apart. */
GLYPHITE_KERNEL void glyphite_dsp_copy(const struct glyphite_dsp_inputs *inputs, const int8_t *row,
                                       int32_t x, int8_t *bytes) {
    const int8_t *const end = bytes + glyphite_dsp_run(inputs);
    for (; bytes != end; x += inputs->window.dilation_width) {
        const int8_t *const column = glyphite_dsp_column(inputs, row, x);
        for (int32_t i = 0; i < inputs->channels; i++) {
            *bytes++ = column[i];
        }
    }
}

/* im2col of a pixel whose channels are no multiple of four. `bytes` is scratch memory: for what is
 * left of all rows, in whole words, and for a kernel row. */
GLYPHITE_KERNEL void glyphite_dsp_im2col_odd(const struct glyphite_dsp_inputs *inputs,
                                             const int8_t *const *rows, int32_t x, int32_t pixels,
                                             uint32_t *patch, int8_t *bytes) {
    const int32_t height = inputs->window.kernel_height;
    const int32_t words = glyphite_dsp_run(inputs) / 4;
    const int32_t left = glyphite_dsp_run(inputs) % 4;
    const int32_t steps = (height * left + 3) / 4;
    const int is_run = glyphite_dsp_is_run(inputs, x);
    int8_t *const copy = bytes + 4 * steps;
    int8_t *to = bytes;
    for (int32_t row = 0; row < height; row++) {
        const int8_t *from = copy;
        if (is_run) {
            from = rows[row] != NULL ? rows[row] + x * inputs->channels : inputs->padding;
        } else {
            glyphite_dsp_copy(inputs, rows[row], x, copy);
        }
        patch = glyphite_dsp_widen(inputs->wide, pixels, from, words, patch);
#pragma GCC unroll 3
        for (int32_t i = 0; i < left; i++) {
            *to++ = from[4 * words + i];
        }
    }
    glyphite_dsp_widen(inputs->wide, pixels, bytes, steps, patch);
}

/* im2col of one pixel, whose window begins on input column x: into its place in a patch of
 * `pixels`. `bytes` as above. */
GLYPHITE_KERNEL void glyphite_dsp_im2col(const struct glyphite_dsp_inputs *inputs,
                                         const int8_t *const *rows, int32_t x, int32_t pixels,
                                         uint32_t *patch, int8_t *bytes) {
    const struct glyphite_window *const window = &inputs->window;
    const int32_t wide = inputs->wide;
    const int32_t steps = inputs->channels / 4;
    if (inputs->channels % 4 != 0) {
        glyphite_dsp_im2col_odd(inputs, rows, x, pixels, patch, bytes);
        return;
    }
    for (int32_t row = 0; row < window->kernel_height; row++) {
        if (rows[row] != NULL && glyphite_dsp_is_run(inputs, x)) {
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
