/* Checks of the library that run on any target: they end in one line, "pass" or the failed line's
 * number, on the port's serial line. */
#include "model.h"

#include "Glyphite.h"
#include "port.h"

#include <string.h>

GLYPHITE_COMPILED_MODEL(model);

static uint32_t ticks(void) {
    return 0;
}

static const struct glyphite_board board GLYPHITE_CONST = {"units", 1, 1, 1, ticks};

static int failed_line;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition) && failed_line == 0) {                                                    \
            failed_line = __LINE__;                                                                \
        }                                                                                          \
    } while (0)

static void crc_has_the_published_check_value(void) {
    const char *digits = "123456789";
    uint32_t crc = 0;
    for (; *digits; digits++) {
        glyphite_crc32(&crc, (uint8_t)*digits);
    }
    CHECK(crc == 0xCBF43926);
}

static uint8_t pattern(const void *context, glyphite_size index) {
    const uint8_t *step = context;
    return (uint8_t)(index * *step);
}

/* Steps 0 (all zeros), 1 (a zero every 256: blocks of 254 and 2), 85 and others. */
static void decoder_undoes_encoder(uint8_t step, uint16_t length) {
    struct glyphite_encoder encoder;
    struct glyphite_decoder decoder;
    enum glyphite_event event = GLYPHITE_EVENT_NONE;
    uint16_t received = 0;
    uint8_t byte;
    glyphite_decoder_reset(&decoder);
    glyphite_encoder_start(&encoder, pattern, &step, length);
    while (glyphite_encoder_poll(&encoder, &byte)) {
        event = glyphite_decoder_sink(&decoder, byte);
        if (event == GLYPHITE_EVENT_BYTE) {
            CHECK(decoder.byte == pattern(&step, received));
            received++;
        }
    }
    CHECK(event == GLYPHITE_EVENT_END);
    CHECK(received == length);
    CHECK(!glyphite_encoder_poll(&encoder, &byte));
}

static const uint8_t header[] = {GLYPHITE_MESSAGE_INFER, 0x34, 0x12, GLYPHITE_ENCODING_RAW};

/* The request for tensor[i] = i, as the host would frame it; its answer's scores. */
static uint8_t request(const void *context, glyphite_size index) {
    (void)context;
    return index < sizeof header ? header[index] : (uint8_t)(index - sizeof header);
}

static void application_answers(void) {
    struct glyphite_application application;
    struct glyphite_encoder encoder;
    struct glyphite_decoder decoder;
    uint8_t answer[GLYPHITE_ANSWER_HEADER_BYTES + MODEL_OUTPUT_BYTES];
    uint8_t received = 0;
    uint8_t byte;
    glyphite_begin(&application, &model, &board);
    glyphite_encoder_start(&encoder, request, NULL, sizeof header + MODEL_INPUT_BYTES);
    while (glyphite_encoder_poll(&encoder, &byte)) {
        CHECK(glyphite_sink(&application, byte));
    }
    glyphite_decoder_reset(&decoder);
    while (glyphite_poll(&application, &byte)) {
        if (glyphite_decoder_sink(&decoder, byte) == GLYPHITE_EVENT_BYTE &&
            received < sizeof answer) {
            answer[received++] = decoder.byte;
        }
    }
    CHECK(received == sizeof answer);
    CHECK(answer[0] == GLYPHITE_MESSAGE_INFER_ANSWER && answer[1] == 0x34 && answer[2] == 0x12);
    CHECK(answer[3] == GLYPHITE_STATUS_OK);
    for (int c = 0; c < MODEL_OUTPUT_BYTES; c++) {
        CHECK(answer[GLYPHITE_ANSWER_HEADER_BYTES + c] == c + 2 * (c + 1) + c);
    }
    CHECK(application.inferences == 1);
}

/* 0.7 s: long enough for the 24 bits of a SysTick to wrap; the clock must not jump. */
static void clock_goes_forward(void) {
    uint32_t before = port_ticks();
    uint32_t start = before;
    while (before - start < GLYPHITE_TIMER_HZ / 10 * 7) {
        for (volatile int turn = 0; turn < 20000; turn++) {
        }
        uint32_t now = port_ticks();
        CHECK(now - before < GLYPHITE_TIMER_HZ / 2);
        before = now;
    }
}

static void say(const char *text) {
    for (; *text; text++) {
        port_write((uint8_t)*text);
    }
}

static void say_line(int line) {
    char digits[12];
    char *at = digits + sizeof digits - 1;
    for (*at = 0; line > 0; line /= 10) {
        *--at = (char)('0' + line % 10);
    }
    say("failed in line ");
    say(at);
}

int main(void) {
    uint8_t byte;
    port_start();
    crc_has_the_published_check_value();
    for (uint16_t length = 0; length < 800; length = (uint16_t)(length + 1 + length / 3)) {
        decoder_undoes_encoder(0, length);
        decoder_undoes_encoder(1, length);
        decoder_undoes_encoder(85, length);
    }
    decoder_undoes_encoder(1, 252);
    decoder_undoes_encoder(1, 254);
    application_answers();
    clock_goes_forward();
    if (failed_line) {
        say_line(failed_line);
    } else {
        say("pass");
    }
    say("\n");
    while (port_read(&byte)) {
    }
    return 0;
}
