#include "glyphite_hello.h"

#include <stddef.h>

#define ITEM_HEADER_BYTES 2u  /* type, length */
#define HELLO_HEADER_BYTES 2u /* message, protocol */

/* What every board of this version can do. */
struct library {
    char firmware[GLYPHITE_TEXT_BYTES];
    uint8_t encodings[2];
};

static const struct library this_library GLYPHITE_CONST = {
    "Glyphite " GLYPHITE_VERSION, {GLYPHITE_ENCODING_RAW, GLYPHITE_ENCODING_PACKED}};

enum source {
    OF_LIBRARY, /* struct library */
    OF_MODEL,   /* struct glyphite_model */
    OF_BOARD,   /* struct glyphite_board */
    OF_COUNTER, /* the number of inferences */
    OF_REMARK   /* glyphite_remark() */
};

/* An item's value is a piece of a struct in program memory, as it lies there. */
struct item {
    uint8_t type;   /* enum glyphite_item */
    uint8_t source; /* enum source */
    uint8_t offset; /* in the source's struct */
    uint8_t length; /* of the value, in bytes */
};

#define FIELD(type, source, structure, field)                                                      \
    { type, source, offsetof(structure, field), sizeof((structure *)0)->field }
#define LIBRARY(type, field) FIELD(GLYPHITE_ITEM_##type, OF_LIBRARY, struct library, field)
#define MODEL(type, field) FIELD(GLYPHITE_ITEM_##type, OF_MODEL, struct glyphite_model, field)
#define BOARD(type, field) FIELD(GLYPHITE_ITEM_##type, OF_BOARD, struct glyphite_board, field)

static const struct item items[] GLYPHITE_CONST = {
    LIBRARY(FIRMWARE, firmware),
    BOARD(BOARD, name),
    MODEL(MODEL_NAME, name),
    MODEL(MODEL_SHA256, sha256),
    MODEL(INPUT_SHAPE, input_shape),
    MODEL(OUTPUT_SHAPE, output_shape),
    MODEL(INPUT_SCALE, input_scale),
    MODEL(INPUT_ZERO_POINT, input_zero_point),
    MODEL(OUTPUT_SCALE, output_scale),
    MODEL(OUTPUT_ZERO_POINT, output_zero_point),
    BOARD(CLOCK_HZ, clock_hz),
    BOARD(TIMER_HZ, timer_hz),
    BOARD(RECEIVE_BUFFER, receive_buffer),
    LIBRARY(ENCODINGS, encodings),
    {GLYPHITE_ITEM_INFERENCES, OF_COUNTER, 0, sizeof(uint32_t)},
    {GLYPHITE_ITEM_REMARK, OF_REMARK, 0, GLYPHITE_TEXT_BYTES},
};

#define ITEMS (sizeof items / sizeof items[0])

__attribute__((weak)) const char *glyphite_remark(void) {
    return NULL;
}

static uint8_t remark_byte(uint8_t at) {
    const char *text = glyphite_remark();
    for (; text != NULL && at > 0 && *text != '\0'; at--) {
        text++;
    }
    return text == NULL ? 0 : (uint8_t)*text;
}

uint16_t glyphite_hello_length(void) {
    uint16_t length = HELLO_HEADER_BYTES;
    for (uint8_t index = 0; index < ITEMS; index++) {
        length = (uint16_t)(length + ITEM_HEADER_BYTES + GLYPHITE_READ_BYTE(&items[index].length));
    }
    return length;
}

static uint8_t value_byte(const struct glyphite_model *model, const struct glyphite_board *board,
                          const uint32_t *inferences, const struct item *item, uint8_t at) {
    const uint8_t *base = (const uint8_t *)&this_library;
    switch (GLYPHITE_READ_BYTE(&item->source)) {
    case OF_COUNTER:
        return ((const uint8_t *)inferences)[at];
    case OF_REMARK:
        return remark_byte(at);
    case OF_MODEL:
        base = (const uint8_t *)model;
        break;
    case OF_BOARD:
        base = (const uint8_t *)board;
        break;
    default:
        break;
    }
    return GLYPHITE_READ_BYTE(base + GLYPHITE_READ_BYTE(&item->offset) + at);
}

uint8_t glyphite_hello_byte(const struct glyphite_model *model, const struct glyphite_board *board,
                            const uint32_t *inferences, uint16_t index) {
    const struct item *item = items;
    uint8_t length = GLYPHITE_READ_BYTE(&item->length);
    if (index == 0) {
        return GLYPHITE_MESSAGE_HELLO_ANSWER;
    }
    if (index == 1) {
        return GLYPHITE_PROTOCOL;
    }
    index = (uint16_t)(index - HELLO_HEADER_BYTES);
    while (index >= ITEM_HEADER_BYTES + length) {
        index = (uint16_t)(index - ITEM_HEADER_BYTES - length);
        item++;
        length = GLYPHITE_READ_BYTE(&item->length);
    }
    if (index == 0) {
        return GLYPHITE_READ_BYTE(&item->type);
    }
    if (index == 1) {
        return length;
    }
    return value_byte(model, board, inferences, item, (uint8_t)(index - ITEM_HEADER_BYTES));
}
