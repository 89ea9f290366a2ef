/* Frames byte by byte: a message and its CRC-32, COBS-encoded, ended by a zero byte.
 *
 * The structs belong to the caller and hold no message: the decoder hands out each byte as it
 * arrives, the encoder asks for each byte (twice or three times) as it leaves. That is what lets
 * a board with 2 KB of RAM take a 784-byte tensor and send a hello of 300 bytes.
 *
 * COBS: Cheshire and Baker, "Consistent Overhead Byte Stuffing", 1999. CRC-32: that of Ethernet
 * (IEEE 802.3: polynomial 0x04C11DB7, bits reflected, inverted at both ends), sent high byte first.
 */
#ifndef GLYPHITE_FRAME_H
#define GLYPHITE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A number of bytes of a message: no AVR has more memory than 16 bits count. */
#if defined(__AVR__)
typedef uint16_t glyphite_size;
#else
typedef uint32_t glyphite_size;
#endif

/* Takes one more byte into the CRC of the bytes before it; that of none is 0. */
void glyphite_crc32(uint32_t *crc, uint8_t byte);

/* What a byte from the line turned out to be. */
enum glyphite_event {
    GLYPHITE_EVENT_NONE,  /* nothing yet: part of the encoding */
    GLYPHITE_EVENT_BYTE,  /* the message has one byte more: decoder->byte */
    GLYPHITE_EVENT_END,   /* the message is whole, and its CRC is right */
    GLYPHITE_EVENT_BROKEN /* the frame ended damaged: forget the bytes it gave */
};

struct glyphite_decoder {
    uint8_t byte;    /* the message byte of the last GLYPHITE_EVENT_BYTE */
    uint8_t left;    /* data bytes until the next code byte */
    uint8_t code;    /* the block's code byte; 0: no frame has begun */
    uint8_t holding; /* how many bytes of held are in use, 0 to 4 */
    uint32_t held;   /* the newest bytes, held back because they may be the CRC */
    uint32_t crc;    /* of the bytes handed out */
};

/* Ready for a frame; before the first byte, and wherever a frame is to be forgotten. */
void glyphite_decoder_reset(struct glyphite_decoder *decoder);

/* Take one byte from the line: an enum glyphite_event. Ready for the next frame after END and
 * BROKEN. */
uint8_t glyphite_decoder_sink(struct glyphite_decoder *decoder, uint8_t byte);

/* The message's byte at index, 0 <= index < length. Must give the same answer each time. */
typedef uint8_t (*glyphite_byte_at)(const void *context, glyphite_size index);

struct glyphite_encoder {
    glyphite_byte_at byte_at;
    const void *context;
    glyphite_size length; /* bytes in the message, without the CRC */
    glyphite_size at;     /* the next byte of message and CRC to send */
    uint32_t crc;
    uint8_t left;         /* data bytes left in this block */
    uint8_t zero_follows; /* 1: the block stands for a zero behind its data */
    uint8_t state;        /* enum encoder_state in glyphite_frame.c; 0: nothing to send */
};

/* Begin to send the message of `length` bytes, at most 4 fewer than glyphite_size counts, that
 * byte_at(context, ...) gives. The context must outlive the last poll. */
void glyphite_encoder_start(struct glyphite_encoder *encoder, glyphite_byte_at byte_at,
                            const void *context, glyphite_size length);

/* Writes the next byte for the line to `byte`; false where all is sent, and `byte` is as before. */
bool glyphite_encoder_poll(struct glyphite_encoder *encoder, uint8_t *byte);

#ifdef __cplusplus
}
#endif

#endif
