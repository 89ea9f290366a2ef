/* The wire's numbers. Made by `python -m glyphite.host.device.wire.header` from
   host/device/wire/protocol.py; change them there. */
#ifndef GLYPHITE_WIRE_H
#define GLYPHITE_WIRE_H

#define GLYPHITE_PROTOCOL 2
#define GLYPHITE_TEXT_BYTES 32
#define GLYPHITE_RANK_MAX 4
#define GLYPHITE_ANSWER_HEADER_BYTES 12
#define GLYPHITE_REFUSAL_BYTES 4
#define GLYPHITE_LITERALS_MAX 7
#define GLYPHITE_LONG_RUN 32

enum glyphite_message {
    /* to the board: no content; the board drops its cached answer */
    GLYPHITE_MESSAGE_HELLO = 1,
    /* to the board: id u16, encoding u8, the input tensors one after another */
    GLYPHITE_MESSAGE_INFER = 2,
    /* to the host: protocol u8, then items of type u8, length u8, value */
    GLYPHITE_MESSAGE_HELLO_ANSWER = 129,
    /* to the host: id u16, status i8; when OK: input CRC u32, ticks u32, scores */
    GLYPHITE_MESSAGE_INFER_ANSWER = 130,
};

enum glyphite_item {
    /* text: name and version of the firmware */
    GLYPHITE_ITEM_FIRMWARE = 1,
    /* text: the board's name */
    GLYPHITE_ITEM_BOARD = 2,
    /* text: the model's name */
    GLYPHITE_ITEM_MODEL_NAME = 3,
    /* 32 bytes: SHA-256 of the .tflite that the model was made from */
    GLYPHITE_ITEM_MODEL_SHA256 = 4,
    /* u32 per dimension, zeros after the last; an item for each input */
    GLYPHITE_ITEM_INPUT_SHAPE = 5,
    /* u32 per dimension, zeros after the last; an item for each output */
    GLYPHITE_ITEM_OUTPUT_SHAPE = 6,
    /* float32: real = scale * (quantized - zero_point) */
    GLYPHITE_ITEM_INPUT_SCALE = 7,
    /* i32 */
    GLYPHITE_ITEM_INPUT_ZERO_POINT = 8,
    /* float32 */
    GLYPHITE_ITEM_OUTPUT_SCALE = 9,
    /* i32 */
    GLYPHITE_ITEM_OUTPUT_ZERO_POINT = 10,
    /* u32: the processor's clock; 0 where it is not known */
    GLYPHITE_ITEM_CLOCK_HZ = 11,
    /* u32: ticks per second, for those of an answer; 0 where it is not known */
    GLYPHITE_ITEM_TIMER_HZ = 12,
    /* u32: bytes that may arrive while the board is busy */
    GLYPHITE_ITEM_RECEIVE_BUFFER = 13,
    /* u8 per encoding of the input tensor that the board decodes */
    GLYPHITE_ITEM_ENCODINGS = 14,
    /* u32: number of runs of the model since the board started */
    GLYPHITE_ITEM_INFERENCES = 15,
    /* text: what the board found wrong with its model's engine; empty where nothing */
    GLYPHITE_ITEM_REMARK = 16,
};

enum glyphite_encoding {
    /* the bytes of the tensor as they are in memory */
    GLYPHITE_ENCODING_RAW = 0,
    /* the background byte; then tokens, each with its literal bytes behind it */
    GLYPHITE_ENCODING_PACKED = 1,
};

enum glyphite_status {
    /* the scores follow */
    GLYPHITE_STATUS_OK = 0,
    /* the frame arrived damaged; send it again with the same id */
    GLYPHITE_STATUS_CORRUPT = -1,
    /* the payload has another size than the input tensor */
    GLYPHITE_STATUS_WRONG_SIZE = -2,
    /* the encoding is not one of those in hello */
    GLYPHITE_STATUS_UNKNOWN_ENCODING = -3,
    /* the model could not be set up: hello's REMARK says why, where it is known */
    GLYPHITE_STATUS_NOT_READY = -4,
    /* the model ran and gave no output */
    GLYPHITE_STATUS_FAILED = -5,
};

#endif
