/* libFuzzer's target: the board's end of the wire against a second implementation of it.
 *
 * An input's first byte says what the rest is: the bytes of the line, a program that makes them
 * (frames with a right CRC, cut, doubled, damaged, noise between), or a message to encode. The
 * second byte chooses the model. After the line the board has to answer hello.
 */
#include "glyphite_application.h"

#include "reference.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

/* --- the model: its tensors have exactly their size, so that the sanitizer guards their ends -- */

static struct reference wanted;
static uint8_t *input, *output;
static uint32_t runs;

static int8_t *model_input(void) {
    return wanted.kind == KIND_NOT_READY ? NULL : (int8_t *)input;
}

static void model_invoke(void) {
    REQUIRE(wanted.runs); /* the CRC is right, the size, too, and the id is a new one */
    REQUIRE(memcmp(input, wanted.tensor, wanted.input_bytes) == 0);
    reference_model(input, wanted.input_bytes, output, wanted.output_bytes);
    memset(input, 0xA5, wanted.input_bytes); /* as where an arena is used twice */
    runs++;
}

static const int8_t *model_output(void) {
    return wanted.kind == KIND_FAILING ? NULL : (const int8_t *)output;
}

static uint32_t ticks(void) {
    static uint32_t now = 0xFFFF0000u;
    return now += 1000;
}

static const struct glyphite_board board GLYPHITE_CONST = {"fuzzed", 0, 1000000, 64, ticks};
static struct glyphite_application application;
static struct glyphite_model model;

static const uint16_t input_sizes[] = {1, 7, 32, 300};
static const uint16_t output_sizes[] = {1, 10};

static void begin(uint8_t choice) {
    wanted.kind = choice % 8 == 6 ? KIND_NOT_READY : choice % 8 == 7 ? KIND_FAILING : KIND_SOUND;
    wanted.input_bytes = input_sizes[choice / 8 % 4];
    wanted.output_bytes = output_sizes[choice / 32 % 2];
    wanted.inferences = runs = 0;
    wanted.answered = false;
    wanted.frame_bytes = 0;
    input = malloc(wanted.input_bytes);
    output = malloc(wanted.output_bytes);
    int8_t *scores = malloc(wanted.output_bytes);
    REQUIRE(input && output && scores);
    struct glyphite_engine engine = {model_input,
                                     model_invoke,
                                     model_output,
                                     scores,
                                     (glyphite_size)wanted.input_bytes,
                                     (glyphite_size)wanted.output_bytes};
    memcpy(&model.engine, &engine, sizeof engine);
    glyphite_begin(&application, &model, &board);
}

static void end(void) {
    free(input);
    free(output);
    free(model.engine.scores);
}

/* --- the board's bytes ---------------------------------------------------------------------- */

static uint8_t said[LINE_BYTES];
static size_t said_bytes;

static bool poll_one(void) {
    uint8_t byte = 0xEE;
    bool more = glyphite_poll(&application, &byte);
    REQUIRE(more || byte == 0xEE);
    if (more) {
        REQUIRE(said_bytes < MESSAGE_BYTES);
        said[said_bytes++] = byte;
    }
    return more;
}

/* The items of hello fill it to its end, and its count of inferences is right. */
static void check_hello(const uint8_t *message, long count) {
    long at = 2;
    bool counted = false;
    REQUIRE(count > 2 && message[0] == GLYPHITE_MESSAGE_HELLO_ANSWER);
    REQUIRE(message[1] == GLYPHITE_PROTOCOL);
    while (at < count) {
        REQUIRE(at + 2 <= count && at + 2 + message[at + 1] <= count);
        if (message[at] == GLYPHITE_ITEM_INFERENCES) {
            const uint8_t *value = message + at + 2;
            REQUIRE(!counted && message[at + 1] == 4);
            REQUIRE((uint32_t)(value[0] | value[1] << 8 | value[2] << 16) == wanted.inferences);
            counted = true;
        }
        at += 2 + message[at + 1];
    }
    REQUIRE(counted);
}

/* What was polled is one frame with what was wanted, or nothing. */
static void check_answer(void) {
    static uint8_t message[LINE_BYTES];
    REQUIRE(runs == wanted.inferences);
    if (!wanted.greets && wanted.answer_bytes == 0) {
        REQUIRE(said_bytes == 0);
        return;
    }
    REQUIRE(said_bytes > 2 && said[0] == 0 && said[said_bytes - 1] == 0);
    REQUIRE(memchr(said + 1, 0, said_bytes - 2) == NULL);
    long count = reference_decode(said + 1, said_bytes - 2, message);
    if (wanted.greets) {
        check_hello(message, count);
        return;
    }
    REQUIRE(count == (long)wanted.answer_bytes);
    REQUIRE(memcmp(message, wanted.answer, wanted.answer_bytes) == 0);
}

/* --- the line ------------------------------------------------------------------------------- */

#define LONG_LINE 200u /* longer ones show nothing more, and take their time */

static uint8_t line[LINE_BYTES];
static size_t line_bytes;

static void put(const uint8_t *bytes, size_t count) {
    if (line_bytes + count <= LINE_BYTES) {
        memcpy(line + line_bytes, bytes, count);
        line_bytes += count;
    }
}

static void put_frame(const uint8_t *message, size_t count) {
    static uint8_t frame[LINE_BYTES];
    put(frame, reference_encode(message, count, frame));
}

struct program {
    const uint8_t *data;
    size_t left;
};

static uint8_t next(struct program *program) {
    if (program->left == 0) {
        return 0;
    }
    program->left--;
    return *program->data++;
}

/* A piece of the program as it stands; its length. */
static size_t take(struct program *program, size_t count, const uint8_t **bytes) {
    count = count < program->left ? count : program->left;
    *bytes = program->data;
    program->data += count;
    program->left -= count;
    return count;
}

/* INFER, up to the payload. */
static size_t put_header(struct program *program, uint8_t encoding, uint8_t *message) {
    const uint8_t header[] = {GLYPHITE_MESSAGE_INFER, next(program) % 3, 0, encoding};
    memcpy(message, header, sizeof header);
    return sizeof header;
}

static void put_raw(struct program *program) {
    uint8_t message[2 * TENSOR_BYTES];
    size_t count = put_header(program, GLYPHITE_ENCODING_RAW, message);
    size_t size = next(program);
    size = size < 64 ? wanted.input_bytes + size - 8 : wanted.input_bytes;
    size = size < TENSOR_BYTES ? size : 0;
    const uint8_t *content;
    size_t there = take(program, size, &content);
    memset(message + count, next(program), size);
    memcpy(message + count, content, there);
    put_frame(message, count + size);
}

/* PACKED: tokens as the program has them, until the tensor is full; then none or any more. */
static void put_packed(struct program *program) {
    uint8_t message[4 * TENSOR_BYTES];
    size_t count = put_header(program, GLYPHITE_ENCODING_PACKED, message);
    size_t more = next(program), filled = 0;
    message[count++] = next(program);
    while (filled < wanted.input_bytes && count < 2 * TENSOR_BYTES) {
        size_t rest = wanted.input_bytes - filled, token = next(program);
        size_t literals = token % 8, run = literals ? token / 8 : (token / 8 + 1) * 32;
        if (run + literals > rest || program->left == 0) {
            literals = rest < 7 ? rest : 7;
            run = rest - literals < 31 ? rest - literals : 31;
            token = run * 8 + literals;
        }
        message[count++] = (uint8_t)token;
        for (size_t index = 0; index < literals; index++) {
            message[count++] = next(program);
        }
        filled += run + literals;
    }
    if (more < 128) {
        const uint8_t *bytes;
        size_t there = take(program, more, &bytes);
        memcpy(message + count, bytes, there);
        put_frame(message, count + there);
    } else {
        put_frame(message, more < 160 ? count - 1 : count);
    }
}

static void put_piece(struct program *program) {
    const uint8_t *bytes;
    uint8_t how = next(program);
    size_t count = take(program, next(program), &bytes);
    if (how % 2) {
        put(bytes, count);
    } else {
        put_frame(bytes, count);
    }
}

/* Damage what is on the line: cut its end, change a byte of it, or send some of it twice. */
static void damage(struct program *program) {
    uint8_t how = next(program);
    size_t back = 1u + next(program) % 64;
    back = back < line_bytes ? back : line_bytes;
    if (how % 3 == 0) {
        line_bytes -= back;
    } else if (how % 3 == 1 && back > 0) {
        line[line_bytes - back] ^= next(program);
    } else if (how % 3 == 2) {
        static uint8_t again[64];
        memcpy(again, line + line_bytes - back, back);
        put(again, back);
    }
}

static void make_line(struct program program) {
    const uint8_t hello = GLYPHITE_MESSAGE_HELLO;
    while (program.left > 0 && line_bytes < LONG_LINE) {
        switch (next(&program) % 8) {
        case 0:
            put_frame(&hello, 1);
            break;
        case 1:
        case 2:
            put_raw(&program);
            break;
        case 3:
        case 4:
            put_packed(&program);
            break;
        case 5:
            put_piece(&program);
            break;
        default:
            damage(&program);
        }
    }
}

/* --- the board on that line ----------------------------------------------------------------- */

/* The decoder alone: it gives the message's bytes, and then tells whether they were right. */
static void check_decoder(void) {
    static uint8_t decoded[LINE_BYTES], message[LINE_BYTES];
    struct glyphite_decoder decoder;
    size_t filled = 0, start = 0;
    glyphite_decoder_reset(&decoder);
    for (size_t at = 0; at < line_bytes; at++) {
        enum glyphite_event event = glyphite_decoder_sink(&decoder, line[at]);
        REQUIRE(line[at] == 0 || event == GLYPHITE_EVENT_NONE || event == GLYPHITE_EVENT_BYTE);
        if (event == GLYPHITE_EVENT_BYTE) {
            decoded[filled++] = decoder.byte;
        }
        if (line[at] == 0) {
            long count = reference_decode(line + start, at - start, message);
            REQUIRE(event == (at == start ? GLYPHITE_EVENT_NONE
                              : count < 0 ? GLYPHITE_EVENT_BROKEN
                                          : GLYPHITE_EVENT_END));
            REQUIRE(count < 0 || (filled == (size_t)count && !memcmp(decoded, message, filled)));
            filled = 0;
            start = at + 1;
        }
    }
}

/* `slow`: so many bytes of an answer are polled before the next byte is offered. */
static void run_board(uint8_t slow) {
    for (size_t at = 0; at < line_bytes; at++) {
        reference_sink(&wanted, line[at]);
        REQUIRE(glyphite_sink(&application, line[at]));
        uint8_t offered = at + 1 < line_bytes ? line[at + 1] : 0;
        bool answers = wanted.greets || wanted.answer_bytes > 0;
        for (size_t polled = 1; poll_one(); polled++) {
            if (slow && polled % slow == 0) {
                REQUIRE(!glyphite_sink(&application, offered)); /* it is not taken meanwhile */
            }
        }
        REQUIRE(answers == (said_bytes > 0));
        check_answer();
        said_bytes = 0;
    }
}

static uint8_t byte_at(const void *context, glyphite_size index) {
    return ((const uint8_t *)context)[index];
}

static void check_encoder(const uint8_t *message, size_t count) {
    static uint8_t frame[LINE_BYTES];
    struct glyphite_encoder encoder;
    uint8_t byte;
    size_t at = 0, length = reference_encode(message, count, frame);
    glyphite_encoder_start(&encoder, byte_at, message, (glyphite_size)count);
    while (glyphite_encoder_poll(&encoder, &byte)) {
        REQUIRE(at < length && frame[at] == byte);
        at++;
    }
    REQUIRE(at == length && !glyphite_encoder_poll(&encoder, &byte));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
    const uint8_t hello = GLYPHITE_MESSAGE_HELLO;
    if (count < 2 || count > MESSAGE_BYTES) {
        return -1; /* not into the corpus */
    }
    struct program program = {data + 2, count - 2};
    begin(data[1]);
    line_bytes = 0;
    if (data[0] % 8 == 0) {
        check_encoder(program.data, program.left);
    } else if (data[0] % 8 == 1) {
        put(program.data, program.left);
    } else {
        make_line(program);
    }
    put_frame(&hello, 1);
    check_decoder();
    run_board(data[0] / 8);
    REQUIRE(wanted.greets); /* by the last byte, which check_answer has seen answered */
    end();
    return 0;
}
