#include "glyphite_frame.h"

#include "glyphite_memory.h" /* which refuses a big-endian processor */

#define FULL_CODE 0xFFu /* a block of 254 bytes with no zero behind it */
#define LONGEST_RUN 254u
#define CRC_BYTES 4u
#define CRC_POLYNOMIAL 0xEDB88320u /* 0x04C11DB7 with its bits reflected */

/* Bit by bit: a table would take 64 bytes or more of a small board's flash. */
uint32_t glyphite_crc32(uint32_t crc, uint8_t byte) {
    crc ^= byte;
    for (uint8_t bit = 0; bit < 8; bit++) {
        bool one = crc & 1;
        crc >>= 1;
        if (one) {
            crc ^= CRC_POLYNOMIAL;
        }
    }
    return crc;
}

void glyphite_decoder_reset(struct glyphite_decoder *decoder) {
    decoder->left = 0;
    decoder->code = 0;
    decoder->holding = 0;
    decoder->crc = GLYPHITE_CRC_START;
}

/* A byte of message or CRC: hold it back, and hand out the one before the last four. */
static enum glyphite_event hold(struct glyphite_decoder *decoder, uint8_t byte) {
    decoder->byte = (uint8_t)(decoder->held >> 24);
    decoder->held = (decoder->held << 8) | byte;
    if (decoder->holding < CRC_BYTES) {
        decoder->holding++;
        return GLYPHITE_EVENT_NONE;
    }
    decoder->crc = glyphite_crc32(decoder->crc, decoder->byte);
    return GLYPHITE_EVENT_BYTE;
}

static enum glyphite_event end_frame(struct glyphite_decoder *decoder) {
    bool begun = decoder->code != 0;
    bool good =
        decoder->left == 0 && decoder->holding == CRC_BYTES && decoder->held == ~decoder->crc;
    glyphite_decoder_reset(decoder);
    if (!begun) {
        return GLYPHITE_EVENT_NONE; /* zeros in a row are allowed between frames */
    }
    return good ? GLYPHITE_EVENT_END : GLYPHITE_EVENT_BROKEN;
}

enum glyphite_event glyphite_decoder_sink(struct glyphite_decoder *decoder, uint8_t byte) {
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

/* What the encoder sends next. */
enum encoder_state {
    STATE_IDLE,  /* nothing: all is sent */
    STATE_BEGIN, /* the zero that ends whatever noise came before */
    STATE_CODE,  /* a block's code byte: 1 + its data bytes */
    STATE_DATA,  /* a block's data byte */
    STATE_END    /* the zero that ends the frame */
};

static glyphite_size total(const struct glyphite_encoder *encoder) {
    return (glyphite_size)(encoder->length + CRC_BYTES);
}

/* A byte of message or CRC. */
static uint8_t content(const struct glyphite_encoder *encoder, glyphite_size index) {
    if (index < encoder->length) {
        return encoder->byte_at(encoder->context, index);
    }
    glyphite_size behind = (glyphite_size)(total(encoder) - 1 - index);
    return ((const uint8_t *)&encoder->crc)[behind]; /* its high byte lies last, and goes first */
}

static void next_block(struct glyphite_encoder *encoder) {
    if (encoder->left > 0) {
        encoder->state = STATE_DATA;
    } else if (encoder->zero_follows) {
        encoder->at++;
        encoder->state = STATE_CODE;
    } else {
        encoder->state = encoder->at < total(encoder) ? STATE_CODE : STATE_END;
    }
}

/* COBS must know a block's length before its data: look ahead instead of keeping a buffer. */
static uint8_t st_code(struct glyphite_encoder *encoder) {
    glyphite_size rest = (glyphite_size)(total(encoder) - encoder->at);
    uint8_t run = 0;
    while (run < rest && run < LONGEST_RUN &&
           content(encoder, (glyphite_size)(encoder->at + run))) {
        run++;
    }
    encoder->left = run;
    encoder->zero_follows = run < rest && run < LONGEST_RUN;
    next_block(encoder);
    return (uint8_t)(run + 1);
}

static uint8_t st_data(struct glyphite_encoder *encoder) {
    uint8_t byte = content(encoder, encoder->at++);
    encoder->left--;
    next_block(encoder);
    return byte;
}

void glyphite_encoder_start(struct glyphite_encoder *encoder, glyphite_byte_at byte_at,
                            const void *context, glyphite_size length) {
    encoder->byte_at = byte_at;
    encoder->context = context;
    encoder->length = length;
    encoder->at = 0;
    uint32_t crc = GLYPHITE_CRC_START;
    for (glyphite_size index = 0; index < length; index++) {
        crc = glyphite_crc32(crc, byte_at(context, index));
    }
    encoder->crc = ~crc;
    encoder->state = STATE_BEGIN;
}

bool glyphite_encoder_poll(struct glyphite_encoder *encoder, uint8_t *byte) {
    switch (encoder->state) {
    case STATE_BEGIN:
        *byte = 0;
        encoder->state = STATE_CODE;
        return true;
    case STATE_CODE:
        *byte = st_code(encoder);
        return true;
    case STATE_DATA:
        *byte = st_data(encoder);
        return true;
    case STATE_END:
        *byte = 0;
        encoder->state = STATE_IDLE;
        return true;
    default:
        return false;
    }
}
