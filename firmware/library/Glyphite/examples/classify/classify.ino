// Answers the Glyphite host tool. model.c and model.h are an Arduino Uno's digit CNN; for another
// board or model put those of `glyphite compile MODEL --board BOARD` in their place.
#include "model.h"

#include <Glyphite.h>

#ifndef F_CPU
#define F_CPU 0 // the board's core does not tell its clock
#endif

GLYPHITE_COMPILED_MODEL(model);

static uint32_t ticks() {
    return micros();
}

static const struct glyphite_board board GLYPHITE_CONST = {GLYPHITE_ARDUINO_BOARD, F_CPU, 1000000,
                                                           GLYPHITE_ARDUINO_RECEIVED, ticks};

static struct glyphite_application application;

void setup() {
    Serial.begin(GLYPHITE_BAUD);
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
