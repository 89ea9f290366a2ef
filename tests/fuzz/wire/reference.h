/* A second implementation of docs/wire.md, by whole frames in buffers: what a board must answer.
 * Nothing of the library is used. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_BYTES 4096u   /* the longest line, and so the longest frame */
#define TENSOR_BYTES 512u  /* the longest input tensor */
#define SCORES_BYTES 16u   /* the longest output tensor */
#define MESSAGE_BYTES 640u /* the longest message that a board answers */

/* What kind of model the board has. */
enum kind {
    KIND_SOUND,
    KIND_NOT_READY, /* it could not be set up */
    KIND_FAILING    /* its runs give no output */
};

struct reference {
    enum kind kind;
    size_t input_bytes;
    size_t output_bytes;
    uint32_t inferences;
    bool answered; /* cached holds the answer to answered_id */
    uint16_t answered_id;
    uint8_t cached[MESSAGE_BYTES];
    uint8_t frame[LINE_BYTES]; /* what came since the last zero */
    size_t frame_bytes;
    uint8_t tensor[TENSOR_BYTES]; /* of the request that runs the model */
    bool runs;                    /* the last byte has to run the model */
    bool greets;                  /* the last byte has to be answered by hello */
    uint8_t answer[MESSAGE_BYTES];
    size_t answer_bytes; /* of the answer to the last byte, but for hello; 0: none */
};

/* End the program, which libFuzzer notices, unless `found` is true. */
#define REQUIRE(found) require(found, #found, __FILE__, __LINE__)
void require(bool found, const char *what, const char *file, int line);

uint32_t reference_crc(const uint8_t *data, size_t count);

/* COBS, as far as the bytes go; the number of bytes decoded. whole: the last block is. */
size_t reference_cobs_decode(const uint8_t *encoded, size_t count, uint8_t *decoded, bool *whole);

/* The message between two zeros: its length, or -1 where the frame is damaged. */
long reference_decode(const uint8_t *encoded, size_t count, uint8_t *message);

/* The frame of a message, with a zero at both ends; its length. `frame` has room for LINE_BYTES. */
size_t reference_encode(const uint8_t *message, size_t count, uint8_t *frame);

/* The bytes of the tensor that a payload stands for; the first `room` are written. -1: cut. */
long reference_unpack(const uint8_t *packed, size_t count, uint8_t *tensor, size_t room);

/* What the model of the tests makes of a tensor. */
void reference_model(const uint8_t *tensor, size_t input_bytes, uint8_t *scores,
                     size_t output_bytes);

/* Take a byte from the line: sets runs, greets and answer. */
void reference_sink(struct reference *board, uint8_t byte);

#endif
