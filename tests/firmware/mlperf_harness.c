/* What the tests call of MLPerf Tiny's protocol, without any line between. */
#include "model.h"

#include "glyphite_mlperf.h"

#include <stddef.h>

GLYPHITE_COMPILED_MODEL(tiny);
GLYPHITE_MLPERF_TASK(tensor, "tiny", GLYPHITE_MLPERF_TENSOR, MODEL_INPUT_BYTES);
GLYPHITE_MLPERF_TASK(pixels, "ic01", GLYPHITE_MLPERF_PIXELS, MODEL_INPUT_BYTES);

static uint32_t clock_ticks;

static uint32_t ticks(void) {
    return clock_ticks++;
}

static const struct glyphite_board board GLYPHITE_CONST = {"bench", 16000000, 1000000, 64, ticks};

/* A model that gives two floats back, one that cannot be set up, and one whose run fails. */
static float floats[2];

static int8_t *floats_in(void) {
    return (int8_t *)floats;
}

static const int8_t *floats_out(void) {
    return (const int8_t *)floats;
}

static void doubled(void) {
    floats[0] *= 2;
    floats[1] *= 2;
}

static int8_t *no_input(void) {
    return NULL;
}

static const int8_t *no_output(void) {
    return NULL;
}

static int8_t kept[MODEL_OUTPUT_BYTES];
#define OTHER(in, invoke, out, bytes_in, bytes_out)                                                \
    {                                                                                              \
        {in, invoke, out, kept, bytes_in, bytes_out}, "other", MODEL_SHA256, {1, 2}, {1, 2}, 0, 0, \
            0, 0                                                                                   \
    }
static const struct glyphite_model others[] = {
    OTHER(floats_in, doubled, floats_out, sizeof floats, sizeof floats),
    OTHER(no_input, doubled, floats_out, MODEL_INPUT_BYTES, MODEL_OUTPUT_BYTES),
    OTHER(floats_in, doubled, no_output, sizeof floats, sizeof floats),
};
static uint8_t floats_data[sizeof floats];
static const struct glyphite_mlperf_task errors = {"ad01", GLYPHITE_MLPERF_FLOATS, floats_data,
                                                   sizeof floats};
static const struct glyphite_mlperf_task plain = {"plain", GLYPHITE_MLPERF_TENSOR, floats_data,
                                                  sizeof floats};

static struct glyphite_mlperf application;
static uint8_t *answer;
static int answered;
static int most;

static void answer_byte(uint8_t byte) {
    if (answered < most) {
        answer[answered] = byte;
    }
    answered++;
}

int mlperf_begin(int which, uint8_t *answers, int room);
int mlperf_exchange(const uint8_t *sent, int count, uint8_t *answers, int room);
void mlperf_wait(uint32_t count);
int mlperf_real(float value, uint32_t unit, uint8_t *answers, int room);

static void answer_to(uint8_t *answers, int room) {
    answer = answers;
    answered = 0;
    most = room;
}

/* Reset the board; which: 0 the tiny model's tensors, 1 its pixels, 2 errors of floats, 3 floats as
 * they are, 4 a model that is not ready, 5 one that fails. The number of bytes that it says. */
int mlperf_begin(int which, uint8_t *answers, int room) {
    const struct glyphite_model *models[] = {&tiny,      &tiny,      &others[0],
                                             &others[0], &others[1], &others[2]};
    const struct glyphite_mlperf_task *tasks[] = {&tensor, &pixels, &errors,
                                                  &plain,  &tensor, &plain};
    answer_to(answers, room);
    clock_ticks = 0;
    glyphite_mlperf_begin(&application, models[which], &board, tasks[which], answer_byte);
    glyphite_mlperf_announce(&application);
    return answered;
}

int mlperf_exchange(const uint8_t *sent, int count, uint8_t *answers, int room) {
    answer_to(answers, room);
    for (int index = 0; index < count; index++) {
        glyphite_mlperf_sink(&application, sent[index]);
    }
    return answered;
}

/* Let `count` ticks pass. */
void mlperf_wait(uint32_t count) {
    clock_ticks += count;
}

int mlperf_real(float value, uint32_t unit, uint8_t *answers, int room) {
    answer_to(answers, room);
    glyphite_say_real(answer_byte, value, unit);
    return answered;
}
