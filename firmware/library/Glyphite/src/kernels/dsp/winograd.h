/* CONV_2D with a 3x3 filter, stride 1, by Winograd's F(2x2, 3x3): 16 products where the direct way
 * takes 36, in whole numbers and exactly (Lavin and Gray, "Fast Algorithms for Convolutional Neural
 * Networks", 2015).
 *
 * A tile of 4x4 inputs d gives 2x2 outputs, A^T [ (G g G^T) . (B^T d B) ] A. The weights G g G^T
 * are computed beforehand, four times as large so that they are whole numbers of 16 bits; the fours
 * count as fraction bits of the sums. Transformed inputs stay within 4 * 128.
 *
 * For each of the 16 places of a tile the channels are multiplied as in a 1x1 convolution, by the
 * wide inner loops of dot.h, where tiles stand for pixels.
 *
 * The generator lays out the weights for each pair of output channels:
 *   bias     [2]               in units of 1 / 2^fraction_bits, input offset included
 *   weights  [16][steps][2][2] by place, wide; a step is four input channels
 *   numbers  [1 to 3][2]       see requantize.h */
#pragma once

#include "conv_2d.h"

#define GLYPHITE_WINOGRAD_PLACES 16
#define GLYPHITE_WINOGRAD_TILES GLYPHITE_BLOCK_PIXELS /* of a block, at most */

/* Where the inputs of a block of tiles lie; [row][column]. */
struct glyphite_winograd_sources {
    const int8_t *at[4][2 * GLYPHITE_WINOGRAD_TILES + 2];
};

/* Half of a row of tiles: a pair of channels of each column. */
typedef uint32_t glyphite_winograd_line[2 * GLYPHITE_WINOGRAD_TILES + 2];

/* One column of tiles, four channels from byte `channel` on, times B^T. Lines are by row, channels
 * 1 and 3, then 0 and 2, as in a wide step. */
GLYPHITE_KERNEL void glyphite_winograd_column(const struct glyphite_winograd_sources *sources,
                                              int32_t column, int32_t channel,
                                              glyphite_winograd_line lines[8]) {
    uint32_t x[4][2];
#pragma GCC unroll 4
    for (int32_t row = 0; row < 4; row++) {
        const uint32_t word = glyphite_load_word(sources->at[row][column] + channel);
        x[row][0] = glyphite_odd_bytes(word);
        x[row][1] = glyphite_even_bytes(word);
    }
#pragma GCC unroll 2
    for (int32_t half = 0; half < 2; half++) {
        lines[half][column] = glyphite_subtract_pair(x[0][half], x[2][half]);
        lines[2 + half][column] = glyphite_add_pair(x[1][half], x[2][half]);
        lines[4 + half][column] = glyphite_subtract_pair(x[2][half], x[1][half]);
        lines[6 + half][column] = glyphite_subtract_pair(x[1][half], x[3][half]);
    }
}

/* A line times B; a tile's four places are `stride` words apart. */
GLYPHITE_KERNEL void glyphite_winograd_places(const uint32_t *line, int32_t tiles, int32_t stride,
                                              uint32_t *patch) {
    uint32_t a = line[0];
    uint32_t b = line[1];
#pragma GCC unroll 4
    for (int32_t tile = 0; tile < tiles; tile++, patch++) {
        const uint32_t c = line[2 * tile + 2];
        const uint32_t d = line[2 * tile + 3];
        patch[0] = glyphite_subtract_pair(a, c);
        patch[stride] = glyphite_add_pair(b, c);
        patch[2 * stride] = glyphite_subtract_pair(c, b);
        patch[3 * stride] = glyphite_subtract_pair(b, d);
        a = c;
        b = d;
    }
}

/* The transformed inputs of a block of tiles, patch[16][steps][2][tiles]. All columns first, then
 * line by line: a tile at a time would want twice as many registers as there are. */
GLYPHITE_KERNEL void glyphite_winograd_inputs(const struct glyphite_winograd_sources *sources,
                                              int32_t tiles, int32_t steps, uint32_t *patch) {
    const int32_t stride = 2 * steps * tiles;
    for (int32_t step = 0; step < steps; step++, patch += 2 * tiles) {
        glyphite_winograd_line lines[8];
        uint32_t *place = patch;
        for (int32_t column = 0; column < 2 * tiles + 2; column++) {
            glyphite_winograd_column(sources, column, 4 * step, lines);
        }
        for (int32_t row = 0; row < 4; row++, place += 4 * stride) {
            glyphite_winograd_places(lines[2 * row], tiles, stride, place);
            glyphite_winograd_places(lines[2 * row + 1], tiles, stride, place + tiles);
        }
    }
}

/* The same for four tiles, the usual number: one copy serves all layers, as it is large. */
GLYPHITE_SHARED void glyphite_winograd_inputs_4(const struct glyphite_winograd_sources *sources,
                                                int32_t steps, uint32_t *patch) {
    glyphite_winograd_inputs(sources, 4, steps, patch);
}

/* The products of one pair of output channels, products[16][tiles][2]. Gives the end of the
 * weights. */
GLYPHITE_KERNEL const int32_t *glyphite_winograd_products(int32_t tiles, int32_t steps,
                                                          const int32_t *weights,
                                                          const uint32_t *patch,
                                                          int32_t *products) {
    for (int32_t place = 0; place < GLYPHITE_WINOGRAD_PLACES; place++) {
        int32_t sums[2 * GLYPHITE_WINOGRAD_TILES] = {0};
        if (tiles == 4) {
            weights = glyphite_dot_first_4(sums, weights, &patch);
            weights = glyphite_dot_wide_4(sums, weights, &patch, steps - 1);
        } else {
            weights = glyphite_dsp_dot(1, tiles, steps, sums, weights, &patch);
        }
#pragma GCC unroll 4
        for (int32_t tile = 0; tile < tiles; tile++) {
            products = glyphite_store_two(products, sums[2 * tile], sums[2 * tile + 1]);
        }
    }
    return weights;
}

/* The four outputs of a tile, A^T m A + bias, from products `stride` words apart. The bias goes
 * into a place that all four contain. */
GLYPHITE_KERNEL void glyphite_winograd_outputs(const int32_t *products, int32_t stride,
                                               int32_t bias, int32_t sums[4]) {
    int32_t left[4];
    int32_t right[4];
#pragma GCC unroll 4
    for (int32_t row = 0; row < 4; row++, products += 4 * stride) {
        const int32_t both = products[stride] + (row == 1 ? bias : 0);
        left[row] = products[0] + both + products[2 * stride];
        right[row] = both - products[2 * stride] - products[3 * stride];
    }
    sums[0] = left[0] + left[1] + left[2];
    sums[1] = right[0] + right[1] + right[2];
    sums[2] = left[1] - left[2] - left[3];
    sums[3] = right[1] - right[2] - right[3];
}
