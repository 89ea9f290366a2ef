/* The board's end of MLPerf Tiny's text protocol, beside that of glyphite_application.h: the
 * benchmark's own runner loads an input, has it inferred, and reads results and times. See
 * docs/mlperf.md.
 *
 * Nothing is allocated. Beside this struct, the input as it came is kept (the task's data), as a
 * run may overwrite the model's input and the runner asks for many runs of one. */
#ifndef GLYPHITE_MLPERF_H
#define GLYPHITE_MLPERF_H

#include <stdbool.h>
#include <stdint.h>

#include "glyphite_model.h"
#include "glyphite_text.h"

/* Characters of a command, without the '%' that ends it. */
#define GLYPHITE_MLPERF_LINE 80

/* Seconds of silence within a command after which its beginning is forgotten: its host is gone. */
#define GLYPHITE_MLPERF_SILENCE 5

#ifdef __cplusplus
extern "C" {
#endif

/* What the host's bytes are, and what is answered. */
enum glyphite_mlperf_input {
    GLYPHITE_MLPERF_TENSOR, /* the input tensor as it lies in memory; the scores */
    GLYPHITE_MLPERF_PIXELS, /* 0..255, less 128 the int8 tensor; the scores */
    GLYPHITE_MLPERF_FLOATS  /* float32, quantized here; the mean squared error of giving it back */
};

/* Which benchmark the model is for. A constant in program memory. */
struct glyphite_mlperf_task {
    char id[GLYPHITE_TEXT_BYTES]; /* by which the runner chooses its test and its data */
    uint8_t input;                /* enum glyphite_mlperf_input */
    uint8_t *data;                /* data_bytes for what the host sends; FLOATS: the tensor, too */
    uint32_t data_bytes;          /* FLOATS: 4 for each value of the input; else its bytes */
};

struct glyphite_mlperf {
    const struct glyphite_model *model; /* in program memory */
    const struct glyphite_board *board; /* in program memory */
    glyphite_write write;
    struct glyphite_mlperf_task task; /* copied, as is all below */
    struct glyphite_engine engine;
    float input_scale; /* 0: the tensor is float32 */
    int32_t input_zero_point;
    float output_scale; /* likewise */
    int32_t output_zero_point;
    uint32_t timer_hz;
    uint32_t (*ticks)(void);
    uint64_t elapsed;  /* ticks since the start */
    uint32_t last;     /* what ticks() gave last */
    uint64_t heard;    /* elapsed when the last byte came */
    uint32_t expected; /* bytes of the input, as `db load` said; 0: none */
    uint32_t received; /* of them so far */
    float error;       /* FLOATS: of the last run */
    bool answered;     /* engine.scores and error hold results */
    bool too_long;     /* the command that is arriving */
    uint8_t length;
    char line[GLYPHITE_MLPERF_LINE + 1];
};

/* Set the application up. Model, board and task lie in program memory and must outlive it; `write`
 * sends one byte, and may wait for room. */
void glyphite_mlperf_begin(struct glyphite_mlperf *application, const struct glyphite_model *model,
                           const struct glyphite_board *board,
                           const struct glyphite_mlperf_task *task, glyphite_write write);

/* Say that the board has started, as the protocol has it. Not on a board that a host restarts by
 * opening its port: the runner would take this for the answer to its first command, and each answer
 * for that to the command before. */
void glyphite_mlperf_announce(struct glyphite_mlperf *application);

/* Take one byte from the line. The '%' that ends a command runs it, and writes its answer, before
 * this returns. */
void glyphite_mlperf_sink(struct glyphite_mlperf *application, uint8_t byte);

#ifdef __cplusplus
}
#endif

/* Define `variable` as the task `id` of the model of the model.h that was included, whose host
 * sends `bytes`. */
#define GLYPHITE_MLPERF_TASK(variable, id, input, bytes)                                           \
    typedef char variable##_takes_other_data                                                       \
        [(input) == GLYPHITE_MLPERF_FLOATS || (bytes) == MODEL_INPUT_BYTES ? 1 : -1];              \
    typedef char variable##_gives_nothing_back                                                     \
        [(input) != GLYPHITE_MLPERF_FLOATS || MODEL_OUTPUT_BYTES == MODEL_INPUT_BYTES ? 1 : -1];   \
    static uint8_t                                                                                 \
        variable##_data[(bytes) + ((input) == GLYPHITE_MLPERF_FLOATS ? MODEL_INPUT_BYTES : 0)];    \
    static const struct glyphite_mlperf_task variable GLYPHITE_CONST = {id, input,                 \
                                                                        variable##_data, bytes}

#endif
