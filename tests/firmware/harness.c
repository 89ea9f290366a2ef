/* What the tests call: the frame codec and the application, without any line between. */
#include "model.h"

#include "Glyphite.h"

#include <stddef.h>

GLYPHITE_COMPILED_MODEL(tiny);

static uint32_t clock_ticks;

static uint32_t ticks(void) {
    return clock_ticks += 1000;
}

static const struct glyphite_board board GLYPHITE_CONST = {"bench", 16000000, 1000000, 64, ticks};

static struct glyphite_application application;

/* A model whose set-up failed, and one whose run fails: as TensorFlow Lite Micro's may. */
static int8_t *no_input(void) {
    return NULL;
}

static const int8_t *no_output(void) {
    return NULL;
}

static int8_t broken_scores[MODEL_OUTPUT_BYTES];
static const struct glyphite_model not_ready = {
    {no_input, model_invoke, model_output, broken_scores, MODEL_INPUT_BYTES, MODEL_OUTPUT_BYTES},
    "not ready",
    MODEL_SHA256,
    MODEL_INPUT_SHAPE,
    MODEL_OUTPUT_SHAPE,
    0,
    0,
    0,
    0};
static const struct glyphite_model failing = {
    {model_input, model_invoke, no_output, broken_scores, MODEL_INPUT_BYTES, MODEL_OUTPUT_BYTES},
    "failing",
    MODEL_SHA256,
    MODEL_INPUT_SHAPE,
    MODEL_OUTPUT_SHAPE,
    0,
    0,
    0,
    0};

void bench_begin(int which);
int bench_exchange(const uint8_t *sent, int count, uint8_t *answered, int room);
int bench_sink(uint8_t byte);
int bench_encode(const uint8_t *message, int length, uint8_t *encoded, int room);
int bench_decode(const uint8_t *encoded, int count, uint8_t *messages, int room);

/* Reset the board; which: 0 the tiny model, 1 one that is not ready, 2 one that fails. */
void bench_begin(int which) {
    clock_ticks = 0;
    glyphite_begin(&application, which == 0 ? &tiny : which == 1 ? &not_ready : &failing, &board);
}

int bench_sink(uint8_t byte) {
    return glyphite_sink(&application, byte);
}

/* Sink all bytes, polling dry after each; the number of bytes that the board answered. */
int bench_exchange(const uint8_t *sent, int count, uint8_t *answered, int room) {
    int filled = 0;
    for (int index = 0; index < count; index++) {
        glyphite_sink(&application, sent[index]);
        for (uint8_t byte; filled < room && glyphite_poll(&application, &byte); filled++) {
            answered[filled] = byte;
        }
    }
    return filled;
}

static uint8_t byte_at(const void *context, glyphite_size index) {
    return ((const uint8_t *)context)[index];
}

int bench_encode(const uint8_t *message, int length, uint8_t *encoded, int room) {
    struct glyphite_encoder encoder;
    int count = 0;
    glyphite_encoder_start(&encoder, byte_at, message, (glyphite_size)length);
    while (count < room && glyphite_encoder_poll(&encoder, &encoded[count])) {
        count++;
    }
    return count < room ? count : -1;
}

/* Each byte as two: the event, and the message's byte or 0. */
int bench_decode(const uint8_t *encoded, int count, uint8_t *messages, int room) {
    struct glyphite_decoder decoder;
    int filled = 0;
    glyphite_decoder_reset(&decoder);
    for (int index = 0; index < count && filled + 2 <= room; index++) {
        enum glyphite_event event = glyphite_decoder_sink(&decoder, encoded[index]);
        if (event != GLYPHITE_EVENT_NONE) {
            messages[filled++] = (uint8_t)event;
            messages[filled++] = event == GLYPHITE_EVENT_BYTE ? decoder.byte : 0;
        }
    }
    return filled;
}
