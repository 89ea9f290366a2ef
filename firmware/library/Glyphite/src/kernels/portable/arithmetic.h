/* ADD, SUB and MUL: int8, value by value, over operands that broadcast. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "../../fixed_point.h"
#include "../kernel.h"

/* By how many bits ADD and SUB shift their operands to the left before they bring them to one
 * scale, as TensorFlow Lite Micro does, so that little is lost by rounding. */
#define GLYPHITE_ARITHMETIC_SHIFT 20

enum glyphite_operation { GLYPHITE_ADD, GLYPHITE_SUB, GLYPHITE_MUL };

/* An operand. Its strides are bytes from one value to the next along an axis of the output; 0 where
 * it broadcasts along that axis. */
struct glyphite_operand {
    int32_t row; /* strides */
    int32_t pixel;
    int32_t channel;
    int32_t offset;                        /* minus its zero point */
    int32_t multiplier;                    /* Q0.31, to the scale of the sum; not for MUL */
    int8_t shift;                          /* 0 or less */
    const GLYPHITE_CONST int8_t *constant; /* its values, where they are constant; else NULL */
};

struct glyphite_arithmetic {
    enum glyphite_operation operation;
    int32_t rows; /* the output is (rows, pixels, channels) */
    int32_t pixels;
    int32_t channels;
    struct glyphite_operand left;
    struct glyphite_operand right;
    int32_t multiplier; /* Q0.31, from sum or product to output */
    int8_t shift;
    int32_t offset; /* the output's zero point */
    int32_t minimum;
    int32_t maximum;
};

/* The value `at` bytes into row y, less the zero point. */
GLYPHITE_KERNEL int32_t glyphite_operand_value(const struct glyphite_operand *operand,
                                               const int8_t *row, int32_t y, int32_t at) {
    const int32_t value =
        operand->constant != NULL ? operand->constant[y * operand->row + at] : row[at];
    return value + operand->offset;
}

/* A value less its zero point, on the scale of the sum. */
GLYPHITE_KERNEL int32_t glyphite_operand_scaled(const struct glyphite_operand *operand,
                                                int32_t value) {
    return glyphite_requantize(value * ((int32_t)1 << GLYPHITE_ARITHMETIC_SHIFT),
                               operand->multiplier, operand->shift);
}

/* One output from two values less their zero points. */
GLYPHITE_KERNEL int8_t glyphite_arithmetic_value(const struct glyphite_arithmetic *layer,
                                                 int32_t left, int32_t right) {
    int32_t value = left * right;
    if (layer->operation != GLYPHITE_MUL) {
        const int32_t other = glyphite_operand_scaled(&layer->right, right);
        value = glyphite_operand_scaled(&layer->left, left);
        value = layer->operation == GLYPHITE_ADD ? value + other : value - other;
    }
    value = glyphite_requantize(value, layer->multiplier, layer->shift) + layer->offset;
    return (int8_t)glyphite_clamp(value, layer->minimum, layer->maximum);
}

/* Row y: left and right are the operands' rows under it, output (pixels, channels). */
GLYPHITE_KERNEL void glyphite_arithmetic_row(const struct glyphite_arithmetic *layer, int32_t y,
                                             const int8_t *left, const int8_t *right,
                                             int8_t *output) {
    for (int32_t pixel = 0; pixel < layer->pixels; pixel++) {
        for (int32_t channel = 0; channel < layer->channels; channel++) {
            const int32_t at_left = pixel * layer->left.pixel + channel * layer->left.channel;
            const int32_t at_right = pixel * layer->right.pixel + channel * layer->right.channel;
            *output++ = glyphite_arithmetic_value(
                layer, glyphite_operand_value(&layer->left, left, y, at_left),
                glyphite_operand_value(&layer->right, right, y, at_right));
        }
    }
}

/* output (rows, pixels, channels), which may be a left or right of the same shape; a constant
 * operand is NULL here. */
GLYPHITE_KERNEL void glyphite_arithmetic(const struct glyphite_arithmetic *layer,
                                         const int8_t *left, const int8_t *right, int8_t *output) {
    for (int32_t y = 0; y < layer->rows; y++) {
        glyphite_arithmetic_row(layer, y, left == NULL ? NULL : left + y * layer->left.row,
                                right == NULL ? NULL : right + y * layer->right.row, output);
        output += layer->pixels * layer->channels;
    }
}
