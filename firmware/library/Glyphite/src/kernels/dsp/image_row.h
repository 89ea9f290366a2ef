/* Where a row of image.h goes, and what is made of its sums. */
#pragma once

#include "simd.h"

struct glyphite_image_row {
    int8_t *output; /* moves along the row; the multiplier lies behind it, for LDRD */
    int32_t multiplier;
    int32_t addend;
    int32_t lower;
    int32_t bias;
    const uint32_t *end; /* of the words that are the first of a block */
};
