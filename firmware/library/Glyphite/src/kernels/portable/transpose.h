/* TRANSPOSE: int8, four axes in another order. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "../kernel.h"

struct glyphite_transpose {
    int32_t size_0; /* of the output's axes */
    int32_t size_1;
    int32_t size_2;
    int32_t size_3;
    int32_t step_0; /* bytes of the input from one place of that axis to the next */
    int32_t step_1;
    int32_t step_2;
    int32_t step_3;
};

/* output (size_0, size_1, size_2, size_3), in its order. */
GLYPHITE_KERNEL void glyphite_transpose(const struct glyphite_transpose *order, const int8_t *input,
                                        int8_t *output) {
    for (int32_t i = 0; i < order->size_0; i++) {
        for (int32_t j = 0; j < order->size_1; j++) {
            for (int32_t k = 0; k < order->size_2; k++) {
                const int8_t *from =
                    input + i * order->step_0 + j * order->step_1 + k * order->step_2;
                for (int32_t l = 0; l < order->size_3; l++) {
                    *output = from[l * order->step_3];
                    output++;
                }
            }
        }
    }
}
