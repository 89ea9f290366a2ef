/* A model small enough to check by hand: scores[c] = input[c] + 2 * input[c + 1] + c, saturated. */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

#define MODEL_API 1
#define MODEL_NAME "tiny"
#define MODEL_SHA256                                                                               \
    {                                                                                              \
        0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e,  \
            0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c,    \
            0x1d, 0x1e, 0xff                                                                       \
    }
#define MODEL_INPUT_BYTES 300
#define MODEL_OUTPUT_BYTES 10
#define MODEL_INPUT_RANK 2
#define MODEL_INPUT_SHAPE                                                                          \
    { 1, 300 }
#define MODEL_OUTPUT_RANK 2
#define MODEL_OUTPUT_SHAPE                                                                         \
    { 1, 10 }
#define MODEL_INPUT_SCALE 0.00392156886f
#define MODEL_INPUT_ZERO_POINT -128
#define MODEL_OUTPUT_SCALE 0.00390625f
#define MODEL_OUTPUT_ZERO_POINT -128
#define MODEL_ARENA_BYTES 300
#define MODEL_MACS 20

#ifdef __cplusplus
extern "C" {
#endif

int8_t *model_input(void);
void model_invoke(void);
const int8_t *model_output(void);

#ifdef __cplusplus
}
#endif

#endif
