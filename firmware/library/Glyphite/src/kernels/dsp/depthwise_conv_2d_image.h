/* DEPTHWISE_CONV_2D with a 3x3 filter, stride 1 or 2, and a whole image at a time: as
 * depthwise_conv_2d_pair.h, with the same weights, but im2col takes four channels of all rows
 * first, in the order of image.h. So each input row is read once, and a channel's weights are read
 * once.
 *
 * Numbers are of the proven form (requantize.h), without `up`, `kink` and limits of an activation.
 * Sizes and shift should be constants to the compiler. */
#pragma once

#include "depthwise_conv_2d.h"
#include "image.h"

struct glyphite_dsp_depthwise_conv_2d_image {
    struct glyphite_dsp_depthwise_conv_2d conv;
};

/* Pairs of input rows under the output, with the halo of padding. */
GLYPHITE_KERNEL int32_t glyphite_dsp_image_pairs(const struct glyphite_window *window) {
    return window->stride_height == 2 ? window->output_height + 1 : (window->output_height + 3) / 2;
}

/* im2col of four channels of one column of two rows, a word each; gives where the next column
 * goes. */
GLYPHITE_KERNEL uint32_t *glyphite_dsp_image_column(int32_t columns, uint32_t upper, uint32_t lower,
                                                    uint32_t *words) {
    const uint32_t even[2] = {glyphite_even_bytes(upper), glyphite_even_bytes(lower)};
    const uint32_t odd[2] = {glyphite_odd_bytes(upper), glyphite_odd_bytes(lower)};
    words[0] = glyphite_pack_low(even[0], even[1]);
    words[columns] = glyphite_pack_low(odd[0], odd[1]);
    words[2 * columns] = glyphite_pack_high(even[0], even[1]);
    words[3 * columns] = glyphite_pack_high(odd[0], odd[1]);
    return words + 1;
}

/* im2col of four channels of two rows: (4, columns) words. A row is NULL where it is padding. */
GLYPHITE_KERNEL void glyphite_dsp_image_order(const struct glyphite_dsp_inputs *inputs,
                                              int32_t columns, const int8_t *upper,
                                              const int8_t *lower, uint32_t *words) {
    const struct glyphite_window *const window = &inputs->window;
    const int32_t steps[2] = {upper != NULL ? inputs->channels : 0,
                              lower != NULL ? inputs->channels : 0};
    const uint32_t zeros = glyphite_load_word(inputs->padding); /* all channels' are alike */
    const uint32_t *const end = words + columns;
    const int32_t room = columns - window->padding_left;
    const int32_t inside = room < window->input_width ? room : window->input_width;
    upper = upper != NULL ? upper : inputs->padding;
    lower = lower != NULL ? lower : inputs->padding;
    for (int32_t i = 0; i < window->padding_left; i++) {
        words = glyphite_dsp_image_column(columns, zeros, zeros, words);
    }
    for (int32_t i = 0; i < inside; i++, upper += steps[0], lower += steps[1]) {
        words = glyphite_dsp_image_column(columns, glyphite_load_word(upper),
                                          glyphite_load_word(lower), words);
    }
    while (words != end) {
        words = glyphite_dsp_image_column(columns, zeros, zeros, words);
    }
}

/* A row of the input, from a channel on; NULL where it is padding. */
GLYPHITE_KERNEL const int8_t *glyphite_dsp_image_source(const struct glyphite_dsp_inputs *inputs,
                                                        const int8_t *input, int32_t y) {
    const struct glyphite_window *const window = &inputs->window;
    const int inside = y >= 0 && y < window->input_height;
    return inside ? input + y * window->input_width * inputs->channels : NULL;
}

/* One channel of all rows. */
GLYPHITE_KERNEL void glyphite_dsp_image_channel(const struct glyphite_dsp_depthwise_conv_2d *layer,
                                                int32_t columns, const uint32_t *words,
                                                const int32_t *weights, int8_t *output) {
    const struct glyphite_window *const window = &layer->inputs.window;
    const int32_t channels = layer->inputs.channels;
    const int32_t row_bytes = window->output_width * channels;
    const int32_t below = 16 * columns; /* bytes from a pair of rows to the next */
    const int32_t made = window->stride_height == 2 ? 1 : 2;
    const uint32_t six[6] = {(uint32_t)weights[1], (uint32_t)weights[2], (uint32_t)weights[3],
                             (uint32_t)weights[4], (uint32_t)weights[5], (uint32_t)weights[6]};
    struct glyphite_image_row row = {NULL,      weights[7], layer->requantize.addend,
                                     row_bytes, weights[0], NULL};
    for (int32_t y = 0; y < window->output_height; y += made, words += 4 * columns) {
        row.output = output + y * row_bytes;
        if (made == 1) {
            glyphite_image_row_2(&row, words, below, channels, window->output_width,
                                 layer->requantize.shift, six);
            continue;
        }
        row.lower = y + 1 < window->output_height ? row_bytes : 0;
        glyphite_image_rows(&row, words, below, channels, window->output_width,
                            layer->requantize.shift, six);
    }
}

/* input (input_height, input_width, channels), output (output_height, output_width, channels),
 * which may not overlap. Scratch: 4 words a column of a pair of rows. */
GLYPHITE_KERNEL void
glyphite_dsp_depthwise_conv_2d_image(const struct glyphite_dsp_depthwise_conv_2d_image *layer,
                                     const int8_t *input, int8_t *output, uint32_t *scratch) {
    const struct glyphite_dsp_inputs *const inputs = &layer->conv.inputs;
    const struct glyphite_window *const window = &inputs->window;
    const int32_t columns = glyphite_dsp_depthwise_columns(&layer->conv);
    const int32_t pairs = glyphite_dsp_image_pairs(window);
    const int32_t *weights = layer->conv.weights;
    for (int32_t channel = 0; channel < inputs->channels; channel += 4) {
        for (int32_t pair = 0; pair < pairs; pair++) {
            const int32_t y = 2 * pair - window->padding_top;
            const int8_t *const upper = glyphite_dsp_image_source(inputs, input + channel, y);
            const int8_t *const lower = glyphite_dsp_image_source(inputs, input + channel, y + 1);
            glyphite_dsp_image_order(inputs, columns, upper, lower, scratch + 4 * columns * pair);
        }
        for (int32_t i = 0; i < 4; i++, weights += 8) {
            glyphite_dsp_image_channel(&layer->conv, columns, scratch + columns * i, weights,
                                       output + channel + i);
        }
    }
}
