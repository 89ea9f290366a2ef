/* Glyphite: a compiled int8 model on a board, answering over a serial line.
 *
 *     #include "model.h" // made by `glyphite compile`
 *     #include <Glyphite.h>
 *
 *     GLYPHITE_COMPILED_MODEL(model);
 *     static const struct glyphite_board board GLYPHITE_CONST = {"uno", F_CPU, 1000000, 63,
 * micros}; static struct glyphite_application application;
 *
 *     glyphite_begin(&application, &model, &board);      // once
 *     glyphite_sink(&application, byte);                 // each byte that arrives, then
 *     while (glyphite_poll(&application, &byte)) ...     // send each byte that is offered
 */
#ifndef GLYPHITE_H
#define GLYPHITE_H

#include "glyphite_application.h"
#include "glyphite_model.h"

/* Bits per second of the serial line, where the sketch or the board's port sets no other. */
#ifndef GLYPHITE_BAUD
#define GLYPHITE_BAUD 115200
#endif

/* The board's name in the host tool (`glyphite boards`): the sketch's, where the tool has made that
 * for a board file of the user's own, else by the macro that its core defines. */
#if defined(GLYPHITE_ARDUINO_BOARD)
#elif defined(ARDUINO_AVR_UNO)
#define GLYPHITE_ARDUINO_BOARD "uno"
#elif defined(ARDUINO_AVR_MEGA2560)
#define GLYPHITE_ARDUINO_BOARD "mega2560"
#elif defined(ARDUINO_ARDUINO_NANO33BLE)
#define GLYPHITE_ARDUINO_BOARD "nano33ble"
#elif defined(ARDUINO_NANO_RP2040_CONNECT)
#define GLYPHITE_ARDUINO_BOARD "nano-rp2040-connect"
#elif defined(ARDUINO_GIGA)
#define GLYPHITE_ARDUINO_BOARD "giga-r1"
#elif defined(ARDUINO_MINIMA)
#define GLYPHITE_ARDUINO_BOARD "uno-r4-minima"
#elif defined(ARDUINO_SAM_DUE)
#define GLYPHITE_ARDUINO_BOARD "due"
#elif defined(ARDUINO_SAMD_ZERO)
#define GLYPHITE_ARDUINO_BOARD "zero"
#elif defined(ARDUINO_ESP32_DEV)
#define GLYPHITE_ARDUINO_BOARD "esp32-devkit"
#else
#define GLYPHITE_ARDUINO_BOARD "arduino"
#endif

/* Bytes that an Arduino core keeps while the model runs: its ring of 64, or more, leaves one free.
 */
#define GLYPHITE_ARDUINO_RECEIVED 63

#endif
