/* Where an output row of image.h goes, and its epilogue. */
#pragma once

#include "simd.h"

/* The largest `below` of the assembly: so many bytes LDRD reaches. */
#define GLYPHITE_IMAGE_BELOW 1020

struct glyphite_image_row {
    int8_t *output;      /* moves along the row; `multiplier` follows it, so that LDRD reads both */
    int32_t multiplier;  /* `addend` follows it, likewise */
    int32_t addend;      /* the output's zero point and the half for rounding */
    int32_t lower;       /* bytes from the first output row to the second; 0: there is none */
    int32_t bias;        /* from which accumulators start */
    const uint32_t *end; /* of the row's words, for the assembly */
};
