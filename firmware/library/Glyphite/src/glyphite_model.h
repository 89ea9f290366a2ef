/* What the application knows of a model and of its board. Both structs are constants in program
 * memory: declare them `static const struct ... name GLYPHITE_CONST = {...}`. */
#ifndef GLYPHITE_MODEL_H
#define GLYPHITE_MODEL_H

#include <stdint.h>

#include "glyphite_frame.h"
#include "glyphite_memory.h"
#include "glyphite_wire.h"

/* The version of model.h's macros and functions that this library understands. */
#define GLYPHITE_MODEL_API 1

#if defined(MODEL_API) && MODEL_API != GLYPHITE_MODEL_API
#error "model.h was made for another version of this library: run `glyphite compile` again."
#endif

/* How to run the model. The application keeps a copy of this part in RAM. */
struct glyphite_engine {
    int8_t *(*input)(void);        /* where the input tensor goes; NULL: could not be set up */
    void (*invoke)(void);          /* runs the model; may overwrite the input */
    const int8_t *(*output)(void); /* the output tensor after invoke; NULL: invoke failed */
    int8_t *scores;                /* output_bytes to keep the last answer in */
    glyphite_size input_bytes;
    glyphite_size output_bytes;
};

struct glyphite_model {
    struct glyphite_engine engine;
    char name[GLYPHITE_TEXT_BYTES];
    uint8_t sha256[32]; /* of the .tflite */
    uint32_t input_shape[GLYPHITE_RANK_MAX];
    uint32_t output_shape[GLYPHITE_RANK_MAX];
    float input_scale; /* real = scale * (quantized - zero_point); 0: the tensor is float32 */
    int32_t input_zero_point;
    float output_scale; /* likewise */
    int32_t output_zero_point;
};

struct glyphite_board {
    char name[GLYPHITE_TEXT_BYTES];
    uint32_t clock_hz;       /* the processor's clock; 0: not known */
    uint32_t timer_hz;       /* the unit of ticks */
    uint32_t receive_buffer; /* bytes that may arrive while the model runs */
    uint32_t (*ticks)(void); /* counts up and wraps at 2^32 */
};

/* Define `variable` as the model of the model.h that was included. */
#define GLYPHITE_COMPILED_MODEL(variable)                                                          \
    typedef char variable##_made_for_another_library[MODEL_API == GLYPHITE_MODEL_API ? 1 : -1];    \
    static int8_t variable##_scores[MODEL_OUTPUT_BYTES];                                           \
    static int8_t *variable##_bytes_in(void) {                                                     \
        return (int8_t *)model_input(); /* floats are bytes here */                                \
    }                                                                                              \
    static const int8_t *variable##_bytes_out(void) {                                              \
        return (const int8_t *)model_output();                                                     \
    }                                                                                              \
    static const struct glyphite_model variable GLYPHITE_CONST = {                                 \
        {variable##_bytes_in, model_invoke, variable##_bytes_out, variable##_scores,               \
         MODEL_INPUT_BYTES, MODEL_OUTPUT_BYTES},                                                   \
        MODEL_NAME,                                                                                \
        MODEL_SHA256,                                                                              \
        MODEL_INPUT_SHAPE,                                                                         \
        MODEL_OUTPUT_SHAPE,                                                                        \
        MODEL_INPUT_SCALE,                                                                         \
        MODEL_INPUT_ZERO_POINT,                                                                    \
        MODEL_OUTPUT_SCALE,                                                                        \
        MODEL_OUTPUT_ZERO_POINT}

#endif
