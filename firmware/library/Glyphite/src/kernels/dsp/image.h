/* Output rows of one channel of a depthwise layer with 3x3 filters.
 *
 * The input's rows lie as pairs: a word has the values of the channel in two rows, the upper row in
 * the lower half; words lie side by side along the row. The next two rows lie `below` bytes on.
 *
 * Weights are those of depthwise_conv_2d_pair.h: for each column of the filter the pair of rows 0
 * and 1, then that of rows 1 and 2. An output is (sum * multiplier / 2^32 + addend) / 2^shift.
 *
 * glyphite_image_rows computes two output rows with stride 1: `width` pixels that are `channels`
 * bytes apart. The second row is `lower` bytes behind the first; where `lower` is 0, only the first
 * row is kept. glyphite_image_row_2 computes one output row with stride 2. `below`, `channels` and
 * `shift` should be constants to the compiler, and `below` at most GLYPHITE_IMAGE_BELOW: else C
 * takes the assembly's place. */
#pragma once

#include "simd.h"

#include "image_arm.h"
#include "image_c.h"
