#include "glyphite_frame.h"

#include <string.h>

#include "glyphite_memory.h" /* which refuses a big-endian processor */

#define FULL_CODE 0xFFu /* a block of 254 bytes with no zero behind it */
#define LONGEST_RUN 254u
#define CRC_BYTES 4u
#define CRC_POLYNOMIAL 0xEDB88320u /* 0x04C11DB7 with its bits reflected */

/* Bit by bit: a table would take 64 bytes or more of a small board's flash. */
GLYPHITE_ONE_COPY void glyphite_crc32(uint32_t *crc, uint8_t byte) {
    uint32_t rest = ~*crc ^ byte;
    for (uint8_t bit = 8; bit > 0; bit--) {
        uint8_t one = (uint8_t)rest & 1;
        rest >>= 1;
        if (one) {
            rest ^= CRC_POLYNOMIAL;
        }
    }
    *crc = ~rest;
}

GLYPHITE_ONE_COPY void glyphite_decoder_reset(struct glyphite_decoder *decoder) {
    memset(decoder, 0, sizeof *decoder);
}

/* A byte of message or CRC: hold it back, and hand out the one before the last four. */
static uint8_t hold(struct glyphite_decoder *decoder, uint8_t byte) {
    uint8_t *held = (uint8_t *)&decoder->held;
    decoder->byte = held[3];
    held[3] = held[2];
    held[2] = held[1];
    held[1] = held[0];
    held[0] = byte;
    if (decoder->holding < CRC_BYTES) {
        decoder->holding++;
        return GLYPHITE_EVENT_NONE;
    }
    glyphite_crc32(&decoder->crc, decoder->byte);
    return GLYPHITE_EVENT_BYTE;
}

static uint8_t end_frame(struct glyphite_decoder *decoder) {
    uint8_t event = GLYPHITE_EVENT_BROKEN;
    if (decoder->code == 0) {
        event = GLYPHITE_EVENT_NONE; /* zeros in a row are allowed between frames */
    } else if (decoder->left == 0 && decoder->holding == CRC_BYTES &&
               decoder->held == decoder->crc) {
        event = GLYPHITE_EVENT_END;
    }
    glyphite_decoder_reset(decoder);
    return event;
}

uint8_t glyphite_decoder_sink(struct glyphite_decoder *decoder, uint8_t byte) {
    if (byte == 0) {
        return end_frame(decoder);
    }
    if (decoder->left > 0) {
        decoder->left--;
        return hold(decoder, byte);
    }
    /* A code byte. The block before it stood for a zero behind its data, unless it was full. */
    bool zero = decoder->code != 0 && decoder->code != FULL_CODE;
    decoder->code = byte;
    decoder->left = (uint8_t)(byte - 1);
    return zero ? hold(decoder, 0) : GLYPHITE_EVENT_NONE;
}

/* What the encoder sends next, the last one first. */
enum encoder_state {
    STATE_IDLE,   /* nothing: all is sent */
    STATE_END,    /* the zero that ends the frame */
    STATE_BLOCKS, /* a block's code byte: 1 + its data bytes */
    STATE_BEGIN   /* the zero that ends whatever noise came before */
};

static glyphite_size total(const struct glyphite_encoder *encoder) {
    return (glyphite_size)(encoder->length + CRC_BYTES);
}

/* A byte of message or CRC. */
GLYPHITE_ONE_COPY static uint8_t content(const struct glyphite_encoder *encoder,
                                         glyphite_size index) {
    if (index < encoder->length) {
        return encoder->byte_at(encoder->context, index);
    }
    glyphite_size behind = (glyphite_size)(total(encoder) - 1 - index);
    return ((const uint8_t *)&encoder->crc)[behind]; /* its high byte lies last, and goes first */
}

/* COBS must know a block's length before its data: look ahead instead of keeping a buffer. */
static uint8_t begin_block(struct glyphite_encoder *encoder) {
    glyphite_size next = (glyphite_size)(encoder->at + encoder->zero_follows);
    uint8_t run = 0;
    encoder->at = next;
    encoder->zero_follows = 0;
    for (; run < LONGEST_RUN && next < total(encoder); run++, next++) {
        if (content(encoder, next) == 0) {
            encoder->zero_follows = 1;
            break;
        }
    }
    encoder->left = run;
    encoder->state = next < total(encoder) ? STATE_BLOCKS : STATE_END;
    return (uint8_t)(run + 1);
}

void glyphite_encoder_start(struct glyphite_encoder *encoder, glyphite_byte_at byte_at,
                            const void *context, glyphite_size length) {
    memset(encoder, 0, sizeof *encoder);
    encoder->byte_at = byte_at;
    encoder->context = context;
    encoder->length = length;
    for (; encoder->at < length; encoder->at++) {
        glyphite_crc32(&encoder->crc, content(encoder, encoder->at));
    }
    encoder->at = 0;
    encoder->state = STATE_BEGIN;
}

bool glyphite_encoder_poll(struct glyphite_encoder *encoder, uint8_t *byte) {
    uint8_t next = 0;
    if (encoder->left > 0) {
        encoder->left--;
        next = content(encoder, encoder->at++);
    } else if (encoder->state == STATE_BLOCKS) {
        next = begin_block(encoder);
    } else if (encoder->state == STATE_IDLE) {
        return false;
    } else {
        encoder->state--;
    }
    *byte = next;
    return true;
}
