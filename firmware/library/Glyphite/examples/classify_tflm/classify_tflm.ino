// Answers the Glyphite host tool with TensorFlow Lite Micro. `glyphite export --tflm` copies this
// sketch and adds the model's files, and includes the library that --library names.
#include <Chirale_TensorFlowLite.h>
#include <Glyphite.h>

#include "model.h"
#include "tflm_model.h"

#ifndef F_CPU
#define F_CPU 0 // the board's core does not tell its clock
#endif

GLYPHITE_COMPILED_MODEL(model);

static uint32_t ticks() {
    return (uint32_t)micros();
}

static const struct glyphite_board board = {GLYPHITE_ARDUINO_BOARD, F_CPU, 1000000,
                                            GLYPHITE_ARDUINO_RECEIVED, ticks};
static struct glyphite_application application;

void setup() {
    Serial.begin(GLYPHITE_BAUD);
    if (tflm_model_setup() != TFLM_READY) {
        Serial.println(tflm_model_fault());
        Serial.write((uint8_t)0); // ends the line on the wire: to the host, a broken frame
    }
    glyphite_begin(&application, &model, &board);
}

void loop() {
    while (Serial.available() > 0) {
        glyphite_sink(&application, (uint8_t)Serial.read());
        for (uint8_t byte; glyphite_poll(&application, &byte);) {
            Serial.write(byte);
        }
    }
}
