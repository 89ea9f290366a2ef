/* The board's end of the wire: takes bytes, runs the model, offers bytes. It knows neither UART
 * nor clock; the port or sketch does. See docs/wire.md.
 *
 * Tensors are decoded into the model's input as they arrive and answers are encoded as they leave:
 * beside this struct (62 bytes on an AVR) only the scores of the last answer are kept, so that a
 * repeated request gets them again and the model never runs twice for one id. */
#ifndef GLYPHITE_APPLICATION_H
#define GLYPHITE_APPLICATION_H

#include <stdbool.h>
#include <stdint.h>

#include "glyphite_frame.h"
#include "glyphite_model.h"
#include "glyphite_wire.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is before the scores in an answer, as it is sent. A refusal is its first four bytes. */
struct glyphite_answer {
    uint8_t message; /* GLYPHITE_MESSAGE_INFER_ANSWER */
    uint8_t id[2];   /* of the request, as soon as that comes: low byte, high byte */
    int8_t status;   /* enum glyphite_status */
    uint32_t crc;    /* of the input tensor */
    uint32_t ticks;  /* that the model took */
};

struct glyphite_application {
    const struct glyphite_model *model; /* in program memory */
    const struct glyphite_board *board; /* in program memory */
    struct glyphite_engine engine;      /* copied from the model */
    uint32_t (*ticks)(void);            /* copied from the board */
    union { /* no byte is taken while an answer leaves: one memory serves both ways */
        struct glyphite_decoder decoder;
        struct glyphite_encoder encoder;
    } line;
    int8_t *input;          /* the tensor being filled */
    glyphite_size received; /* bytes of the tensor that the request has given so far */
    uint32_t inferences;    /* runs since the start */
    uint16_t answered_id;   /* of the cached answer */
    uint8_t state;          /* enum request_state in glyphite_application.c */
    uint8_t message;        /* enum glyphite_message: type of the request */
    uint8_t encoding;       /* enum glyphite_encoding of the request */
    uint8_t background;     /* PACKED: the byte that runs are of */
    uint8_t literals;       /* PACKED: bytes to take as they are, until the next token */
    bool sending;           /* line.encoder is in use, else line.decoder */
    bool answered;          /* answer and scores hold the answer to answered_id */
    struct glyphite_answer answer;
};

/* Set the application up; again at any time, to forget the request that is arriving and the cached
 * answer. Model and board lie in program memory and must outlive it. */
void glyphite_begin(struct glyphite_application *application, const struct glyphite_model *model,
                    const struct glyphite_board *board);

/* Take one byte from the line. The byte that completes a request runs the model before this
 * returns. False: not taken, because bytes of an answer are still to be polled; offer it again
 * then. */
bool glyphite_sink(struct glyphite_application *application, uint8_t byte);

/* Writes the next byte for the line to `byte`; false where there is none, and `byte` is as before.
 */
bool glyphite_poll(struct glyphite_application *application, uint8_t *byte);

#ifdef __cplusplus
}
#endif

#endif
