// Speaks MLPerf Tiny's text protocol, so that its runner measures the board: docs/mlperf.md.
// model.c and model.h are a digit CNN; for another model put those of
// `glyphite compile MODEL --board BOARD` in their place. An Uno has no room for this model.
#include "model.h"

#include <Glyphite.h>
#include <glyphite_mlperf.h>

#ifndef F_CPU
#define F_CPU 0 // the board's core does not tell its clock
#endif

GLYPHITE_COMPILED_MODEL(model);

// The id of the runner's data and test, what it sends, and how many bytes of it.
#ifndef GLYPHITE_MLPERF_ID
#define GLYPHITE_MLPERF_ID "uno"
#define GLYPHITE_MLPERF_INPUT GLYPHITE_MLPERF_TENSOR
#define GLYPHITE_MLPERF_DATA_BYTES MODEL_INPUT_BYTES
#endif

GLYPHITE_MLPERF_TASK(task, GLYPHITE_MLPERF_ID, GLYPHITE_MLPERF_INPUT, GLYPHITE_MLPERF_DATA_BYTES);

static uint32_t ticks() {
    return micros();
}

static const struct glyphite_board board GLYPHITE_CONST = {GLYPHITE_ARDUINO_BOARD, F_CPU, 1000000,
                                                           GLYPHITE_ARDUINO_RECEIVED, ticks};

static struct glyphite_mlperf application;

static void send(uint8_t byte) {
    Serial.write(byte);
}

void setup() {
    Serial.begin(GLYPHITE_BAUD);
    glyphite_mlperf_begin(&application, &model, &board, &task, send);
}

void loop() {
    while (Serial.available() > 0) {
        glyphite_mlperf_sink(&application, (uint8_t)Serial.read());
    }
}
