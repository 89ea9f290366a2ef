/* Where a window of a spatial operator lies: shared by convolution and pooling.
 *
 * Spatial kernels compute one output row from pointers to the input rows under it, so they need not
 * know how those rows are kept. A pointer is NULL where the row is padding. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "kernel.h"

/* Row pointers that a kernel has room for. Define it as the most input rows that one kernel call of
 * the model looks at, to save stack. */
#ifndef GLYPHITE_WINDOW_ROWS
#define GLYPHITE_WINDOW_ROWS 32
#endif

struct glyphite_window {
    int32_t input_height;
    int32_t input_width;
    int32_t output_height;
    int32_t output_width;
    int32_t kernel_height;
    int32_t kernel_width;
    int32_t stride_height;
    int32_t stride_width;
    int32_t dilation_height;
    int32_t dilation_width;
    int32_t padding_top; /* rows of padding above the input; below and right of it, what is left */
    int32_t padding_left;
};

/* The taps of a window along one axis that lie inside the input: first..end-1, of which the first
 * lies on the input's row or column `input`. */
struct glyphite_span {
    int32_t first;
    int32_t end;
    int32_t input;
};

/* The taps of a window of `kernel` taps, `dilation` apart, over an axis of `input` places. Its
 * first tap lies on `origin`, which is negative where that is padding. */
GLYPHITE_KERNEL struct glyphite_span glyphite_span(int32_t origin, int32_t input, int32_t kernel,
                                                   int32_t dilation) {
    const int32_t inside = (input - origin + dilation - 1) / dilation;
    struct glyphite_span span;
    span.first = origin < 0 ? (dilation - 1 - origin) / dilation : 0;
    span.end = inside < kernel ? inside : kernel;
    span.input = origin + span.first * dilation;
    return span;
}

/* The window's taps along the width at output column x. */
GLYPHITE_KERNEL struct glyphite_span glyphite_window_columns(const struct glyphite_window *window,
                                                             int32_t x) {
    return glyphite_span(x * window->stride_width - window->padding_left, window->input_width,
                         window->kernel_width, window->dilation_width);
}

/* Points rows[0..kernel_height-1] at the input rows under output row y. An input row has row_bytes
 * bytes. */
GLYPHITE_KERNEL void glyphite_window_rows(const struct glyphite_window *window, const int8_t *input,
                                          int32_t row_bytes, int32_t y, const int8_t **rows) {
    for (int32_t i = 0; i < window->kernel_height; i++) {
        const int32_t row =
            y * window->stride_height - window->padding_top + i * window->dilation_height;
        rows[i] = row >= 0 && row < window->input_height ? input + row * row_bytes : NULL;
    }
}
