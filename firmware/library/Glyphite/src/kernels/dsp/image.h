/* Rows of a depthwise layer over an image whose rows lie as pairs: words with the values of one
 * channel in two rows, the upper one in the lower half, side by side along the row. The pairs below
 * lie `below` bytes further on.
 *
 * Weights are those of dsp/depthwise_conv_2d_pair.h: for each column of the filter the pair of rows
 * 0 and 1, then that of rows 1 and 2. A byte is (sum * multiplier / 2^32 + addend) / 2^shift.
 *
 * glyphite_image_rows makes two rows of output with stride 1, `width` pixels that are `channels`
 * bytes apart; the second row is `lower` bytes behind the first. Where `lower` is 0 only the first
 * is kept. glyphite_image_row_2 makes one row with stride 2. All numbers but the bias and those of
 * the struct must be constants to the compiler. */
#pragma once

#include "simd.h"

/* The largest `below`: what LDRD reaches. */
#define GLYPHITE_IMAGE_BELOW 1020

#include "image_arm.h"
#include "image_c.h"
