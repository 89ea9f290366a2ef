/* CONV_2D with a 3x3 filter and stride 1 by winograd.h; input channels are a multiple of four.
 * It computes two output rows at a time. */
#pragma once

#include "winograd.h"

struct glyphite_dsp_conv_2d_winograd {
    struct glyphite_dsp_inputs inputs;
    struct glyphite_dsp_requantize requantize;
    int32_t output_channels;
    int32_t tiles; /* that are computed at a time: 1 to 4 */
    const int32_t *weights;
};

/* Points at the inputs of the tiles that start at output column x. */
GLYPHITE_KERNEL void
glyphite_dsp_conv_2d_winograd_sources(const struct glyphite_dsp_inputs *inputs, int32_t tiles,
                                      int32_t x, const int8_t *const *rows,
                                      struct glyphite_winograd_sources *sources) {
    for (int32_t row = 0; row < 4; row++) {
        for (int32_t column = 0; column < 2 * tiles + 2; column++) {
            const int32_t at = x + column - inputs->window.padding_left;
            sources->at[row][column] = glyphite_dsp_column(inputs, rows[row], at);
        }
    }
}

/* One of two channels of a tile as 2x2 outputs, or as many columns of them as lie in the row. */
GLYPHITE_KERNEL void glyphite_dsp_conv_2d_winograd_write(
    const struct glyphite_dsp_conv_2d_winograd *layer, const struct glyphite_dsp_channels *numbers,
    int32_t channel, int32_t columns, const int32_t sums[4], int8_t *upper, int8_t *lower) {
    const struct glyphite_dsp_requantize *const form = &layer->requantize;
    const int32_t next = layer->output_channels;
    upper[0] = glyphite_dsp_requantize(form, numbers, channel, sums[0]);
    lower[0] = glyphite_dsp_requantize(form, numbers, channel, sums[2]);
    if (columns > 1) {
        upper[next] = glyphite_dsp_requantize(form, numbers, channel, sums[1]);
        lower[next] = glyphite_dsp_requantize(form, numbers, channel, sums[3]);
    }
}

/* Two output channels of a block of tiles from their products. Pooled, a tile is one output pixel,
 * the largest of its four, in `upper`. */
GLYPHITE_KERNEL void glyphite_dsp_conv_2d_winograd_channels(
    const struct glyphite_dsp_conv_2d_winograd *layer, int32_t tiles, int pooled, int32_t columns,
    const int32_t bias[2], const struct glyphite_dsp_channels *numbers, const int32_t *products,
    int8_t *upper, int8_t *lower) {
    const int32_t step = (pooled ? 1 : 2) * layer->output_channels;
    for (int32_t tile = 0; tile < tiles; tile++, products += 2, upper += step, columns -= 2) {
#pragma GCC unroll 2
        for (int32_t i = 0; i < 2; i++) {
            int32_t sums[4];
            glyphite_winograd_outputs(products + i, 2 * tiles, bias[i], sums);
            if (pooled) {
                upper[i] = glyphite_dsp_requantize(&layer->requantize, numbers, i,
                                                   glyphite_dsp_largest(sums, 1));
            } else {
                glyphite_dsp_conv_2d_winograd_write(layer, numbers, i, columns, sums, upper + i,
                                                    lower + i);
            }
        }
        lower = pooled ? NULL : lower + step;
    }
}

/* The tiles that start at tile `first` of a row, all channels. */
GLYPHITE_KERNEL void glyphite_dsp_conv_2d_winograd_tiles(
    const struct glyphite_dsp_conv_2d_winograd *layer, int32_t tiles, int pooled, int32_t first,
    const int8_t *const *rows, int8_t *upper, int8_t *lower, uint32_t *scratch) {
    const int32_t channels = layer->output_channels;
    const int32_t steps = layer->inputs.channels / 4;
    const int32_t columns = layer->inputs.window.output_width - 2 * first;
    const int32_t at = (pooled ? first : 2 * first) * channels;
    int32_t *const products = (int32_t *)scratch;
    uint32_t *const patch = scratch + 2 * GLYPHITE_WINOGRAD_PLACES * tiles;
    struct glyphite_winograd_sources sources;
    const int32_t *weights = layer->weights;
    glyphite_dsp_conv_2d_winograd_sources(&layer->inputs, tiles, 2 * first, rows, &sources);
    if (tiles == GLYPHITE_WINOGRAD_TILES) {
        glyphite_winograd_inputs_4(&sources, steps, patch);
    } else {
        glyphite_winograd_inputs(&sources, tiles, steps, patch);
    }
    for (int32_t channel = 0; channel < channels; channel += 2) {
        struct glyphite_dsp_channels numbers;
        const int32_t bias[2] = {weights[0], weights[1]};
        weights = glyphite_winograd_products(tiles, steps, weights + 2, patch, products);
        weights = glyphite_dsp_read_channels(&layer->requantize, weights, 2, &numbers);
        glyphite_dsp_conv_2d_winograd_channels(layer, tiles, pooled, columns, bias, &numbers,
                                               products, upper + at + channel,
                                               pooled ? NULL : lower + at + channel);
    }
}

/* All tiles of a row. */
GLYPHITE_KERNEL void
glyphite_dsp_conv_2d_winograd_blocks(const struct glyphite_dsp_conv_2d_winograd *layer, int32_t all,
                                     int pooled, const int8_t *const *rows, int8_t *upper,
                                     int8_t *lower, uint32_t *scratch) {
    const int32_t rest = all % layer->tiles;
    for (int32_t tile = 0; tile < all - rest; tile += layer->tiles) {
        glyphite_dsp_conv_2d_winograd_tiles(layer, layer->tiles, pooled, tile, rows, upper, lower,
                                            scratch);
    }
    if (rest > 0) {
        glyphite_dsp_conv_2d_winograd_tiles(layer, rest, pooled, all - rest, rows, upper, lower,
                                            scratch);
    }
}

/* Two output rows from the four input rows under them. Where the output's height is odd, the last
 * lower row is one that nobody reads. Output channels are even.
 * Scratch: 16 * tiles * (2 + input channels / 2) words. */
GLYPHITE_KERNEL void
glyphite_dsp_conv_2d_winograd_rows(const struct glyphite_dsp_conv_2d_winograd *layer,
                                   const int8_t *const *rows, int8_t *upper, int8_t *lower,
                                   uint32_t *scratch) {
    const int32_t all = (layer->inputs.window.output_width + 1) / 2;
    glyphite_dsp_conv_2d_winograd_blocks(layer, all, 0, rows, upper, lower, scratch);
}

/* All rows: input (input_height, input_width, channels), output (output_height, output_width,
 * output_channels). Scratch: a row of output more, where the output's height is odd. */
GLYPHITE_KERNEL void
glyphite_dsp_conv_2d_winograd(const struct glyphite_dsp_conv_2d_winograd *layer,
                              const int8_t *input, int8_t *output, uint32_t *scratch) {
    const struct glyphite_window *const window = &layer->inputs.window;
    const int32_t row_bytes = window->input_width * layer->inputs.channels;
    const int32_t output_bytes = window->output_width * layer->output_channels;
    const int8_t *rows[GLYPHITE_WINDOW_ROWS];
    for (int32_t y = 0; y < window->output_height; y += 2, output += 2 * output_bytes) {
        const int odd = y + 1 == window->output_height;
        int8_t *const lower = odd ? (int8_t *)scratch : output + output_bytes;
        glyphite_window_rows(window, input, row_bytes, y, rows);
        glyphite_window_rows(window, input, row_bytes, y + 1, rows + 1);
        glyphite_dsp_conv_2d_winograd_rows(layer, rows, output, lower,
                                           odd ? scratch + (output_bytes + 3) / 4 : scratch);
    }
}
