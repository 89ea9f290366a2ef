/* Glyphite: a compiled int8 model on a board, answering over a serial line.
 *
 *     #include "model.h" // made by `glyphite compile`
 *     #include <Glyphite.h>
 *
 *     GLYPHITE_COMPILED_MODEL(model);
 *     static const struct glyphite_board board GLYPHITE_CONST = {"uno", F_CPU, 1000000, 64,
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

/* The board's name in the host tool (`glyphite boards`), by the macro that its core defines. */
#if defined(ARDUINO_AVR_UNO)
#define GLYPHITE_ARDUINO_BOARD "uno"
#elif defined(ARDUINO_AVR_MEGA2560)
#define GLYPHITE_ARDUINO_BOARD "mega2560"
#else
#define GLYPHITE_ARDUINO_BOARD "arduino"
#endif

#endif
