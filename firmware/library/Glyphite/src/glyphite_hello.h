/* The answer to hello as a function of the byte's index: nothing is assembled in RAM. */
#ifndef GLYPHITE_HELLO_H
#define GLYPHITE_HELLO_H

#include <stdint.h>

#include "glyphite_model.h"

#define GLYPHITE_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/* What is wrong with the model's engine, in at most GLYPHITE_TEXT_BYTES bytes: hello tells it.
 * Weak: compiled C has nothing to say, and an engine that looks at itself when it starts defines
 * its own. NULL: nothing is wrong. */
const char *glyphite_remark(void);

/* Bytes in the answer: the same for every model and board. */
uint16_t glyphite_hello_length(void);

/* Its byte at index, 0 <= index < glyphite_hello_length(). */
uint8_t glyphite_hello_byte(const struct glyphite_model *model, const struct glyphite_board *board,
                            const uint32_t *inferences, uint16_t index);

#ifdef __cplusplus
}
#endif

#endif
