/* The inner loops: 2 output channels by 1 to 4 pixels, whose accumulators stay in registers.
 *
 * A step is four inputs of each pixel, which are two pairs. Patch (patch.h) and weights have the
 * same order of steps:
 *
 *   patch    [steps][2][pixels]  pairs of inputs: the first pair of each pixel, then the second
 *   wide     [steps][2][2]       pairs of 16-bit weights, each for two output channels
 *   narrow   [steps][2]          words of four 8-bit weights, for two output channels
 *
 * A wide step of inputs x0..x3 has the pairs (x1, x3) and (x0, x2), and so have its weights, scaled
 * to the accumulators' unit.
 *
 * A narrow step takes one instruction to widen a word of weights instead of two. Its halves are the
 * numbers 256 * b1 + b0 and 256 * b3 + b2 (no byte is 128 below zero, so that they fit), and the
 * patch holds a = (x1, x3) and 256 * (x0, x2) - a. Then
 *
 *   (256 * b1 + b0) * x1 + b0 * (256 * x0 - x1) = 256 * (b0 * x0 + b1 * x1),
 *
 * exactly, modulo 2^32: accumulators are in units of 1/256.
 *
 * glyphite_dot_<form>_<pixels> adds to sums[2 * pixel + channel], gives the end of the weights, and
 * leaves the end of the patch at `at`. Weights and patch lie at multiples of 4, because LDRD and
 * LDM need that. */
#pragma once

#include "simd.h"

/* The largest block of pixels: with two channels, its accumulators are what registers hold. */
#define GLYPHITE_BLOCK_PIXELS 4

/* glyphite_dot_first_4 is one wide step of 4 pixels that sets the sums instead of adding to them.
 *
 * glyphite_dot_plane is for one input channel under a 3x3 filter: a plane of 4x4 inputs gives the
 * sums of 2x2 outputs. Its patch is 13 pairs of inputs x[row][column]: for each row (x[0], x[1])
 * and (x[1], x[2]); columns 2 and 3, each (row 0, row 1); the same of rows 1 and 2; (x[2], x[3]) of
 * row 3. Its weights are (w[0], w[1]) of each row, the bias, (w[0][2], w[1][2]), and w[2][2]. */

#include "dot_arm.h"
#include "dot_c.h"
