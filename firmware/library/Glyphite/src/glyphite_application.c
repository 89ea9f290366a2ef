#include "glyphite_application.h"

#include <stddef.h>
#include <string.h>

#include "glyphite_hello.h"

/* Which byte of a request comes next. */
enum request_state {
    STATE_MESSAGE,    /* its type */
    STATE_ID_LOW,     /* INFER: the id's low byte */
    STATE_ID_HIGH,    /* INFER: the id's high byte */
    STATE_ENCODING,   /* INFER: how the tensor is encoded */
    STATE_BACKGROUND, /* INFER, PACKED: the byte that runs are of */
    STATE_PAYLOAD,    /* INFER: the tensor */
    STATE_SKIP        /* bytes of a message that this firmware does not know */
};

/* An answer is sent as it lies in memory. */
typedef char glyphite_answer_is_a_header
    [sizeof(struct glyphite_answer) == GLYPHITE_ANSWER_HEADER_BYTES ? 1 : -1];

/* Copy from program memory to RAM. */
static void load(void *target, const void *source, uint8_t bytes) {
    for (uint8_t index = 0; index < bytes; index++) {
        ((uint8_t *)target)[index] = GLYPHITE_READ_BYTE((const uint8_t *)source + index);
    }
}

GLYPHITE_ONE_COPY void glyphite_begin(struct glyphite_application *application,
                                      const struct glyphite_model *model,
                                      const struct glyphite_board *board) {
    memset(application, 0, sizeof *application);
    application->model = model;
    application->board = board;
    application->answer.message = GLYPHITE_MESSAGE_INFER_ANSWER;
    load(&application->engine, &model->engine, sizeof application->engine);
    load(&application->ticks, &board->ticks, sizeof application->ticks);
}

/* --- receiving: one function a state ------------------------------------------------------- */

static uint16_t id_of(const struct glyphite_application *application) {
    return (uint16_t)(application->answer.id[0] | ((uint16_t)application->answer.id[1] << 8));
}

static bool repeated(const struct glyphite_application *application) {
    return application->answered && id_of(application) == application->answered_id;
}

static void st_message(struct glyphite_application *application, uint8_t byte) {
    application->message = byte;
    application->state = byte == GLYPHITE_MESSAGE_INFER ? STATE_ID_LOW : STATE_SKIP;
}

static void st_id_low(struct glyphite_application *application, uint8_t byte) {
    application->answer.id[0] = byte;
    application->state = STATE_ID_HIGH;
}

static void st_id_high(struct glyphite_application *application, uint8_t byte) {
    application->answer.id[1] = byte;
    application->state = STATE_ENCODING;
}

static void st_encoding(struct glyphite_application *application, uint8_t byte) {
    application->encoding = byte;
    application->received = 0;
    application->literals = 0;
    application->input = repeated(application) ? NULL : application->engine.input();
    application->state = byte == GLYPHITE_ENCODING_PACKED ? STATE_BACKGROUND : STATE_PAYLOAD;
}

static void st_background(struct glyphite_application *application, uint8_t byte) {
    application->background = byte;
    application->state = STATE_PAYLOAD;
}

/* Straight into the tensor: the CRC is checked before the model runs, not before this. Once it is
 * too long no more is counted, as 16 bits would go round. A run goes in as one, since a small board
 * has less time for a byte of the line than for 32 of these. */
static void put(struct glyphite_application *application, uint8_t byte, uint16_t count) {
    glyphite_size whole = application->engine.input_bytes;
    if (application->received > whole) {
        return;
    }
    glyphite_size left = (glyphite_size)(whole - application->received);
    glyphite_size taken = count < left ? count : left;
    if (application->input != NULL) {
        memset(application->input + application->received, byte, taken);
    }
    application->received = (glyphite_size)(application->received + count);
}

/* PACKED: a token's low bits count its literal bytes, its high bits the background before those.
 */
static void take_token(struct glyphite_application *application, uint8_t token) {
    uint16_t run = token / (GLYPHITE_LITERALS_MAX + 1);
    application->literals = token & GLYPHITE_LITERALS_MAX;
    if (application->literals == 0) {
        run = (uint16_t)((run + 1) * GLYPHITE_LONG_RUN);
    }
    put(application, application->background, run);
}

static void st_payload(struct glyphite_application *application, uint8_t byte) {
    if (application->encoding == GLYPHITE_ENCODING_PACKED) {
        if (application->literals == 0) {
            take_token(application, byte);
            return;
        }
        application->literals--;
    }
    put(application, byte, 1);
}

static void receive(struct glyphite_application *application, uint8_t byte) {
    switch (application->state) {
    case STATE_MESSAGE:
        st_message(application, byte);
        break;
    case STATE_ID_LOW:
        st_id_low(application, byte);
        break;
    case STATE_ID_HIGH:
        st_id_high(application, byte);
        break;
    case STATE_ENCODING:
        st_encoding(application, byte);
        break;
    case STATE_BACKGROUND:
        st_background(application, byte);
        break;
    case STATE_PAYLOAD:
        st_payload(application, byte);
        break;
    default:
        break;
    }
}

/* --- answering ----------------------------------------------------------------------------- */

static void send(struct glyphite_application *application, glyphite_byte_at byte_at,
                 glyphite_size length) {
    application->sending = true;
    glyphite_encoder_start(&application->line.encoder, byte_at, application, length);
}

static uint8_t answer_byte(const void *context, glyphite_size index) {
    const struct glyphite_application *application = context;
    if (index < GLYPHITE_ANSWER_HEADER_BYTES) {
        return ((const uint8_t *)&application->answer)[index];
    }
    return (uint8_t)application->engine.scores[index - GLYPHITE_ANSWER_HEADER_BYTES];
}

static void send_answer(struct glyphite_application *application, int8_t status) {
    glyphite_size length = GLYPHITE_REFUSAL_BYTES;
    application->answer.status = status;
    if (status == GLYPHITE_STATUS_OK) {
        length = (glyphite_size)(GLYPHITE_ANSWER_HEADER_BYTES + application->engine.output_bytes);
    }
    send(application, answer_byte, length);
}

static uint8_t hello_byte(const void *context, glyphite_size index) {
    const struct glyphite_application *application = context;
    return glyphite_hello_byte(application->model, application->board, &application->inferences,
                               (uint16_t)index);
}

static void finish_hello(struct glyphite_application *application) {
    application->answered = false; /* a new conversation: its ids start anew */
    send(application, hello_byte, glyphite_hello_length());
}

static int8_t run(struct glyphite_application *application) {
    if (application->input == NULL) {
        return GLYPHITE_STATUS_NOT_READY;
    }
    if (application->encoding > GLYPHITE_ENCODING_PACKED) {
        return GLYPHITE_STATUS_UNKNOWN_ENCODING;
    }
    if (application->received != application->engine.input_bytes || application->literals > 0) {
        return GLYPHITE_STATUS_WRONG_SIZE;
    }
    struct glyphite_answer *answer = &application->answer;
    application->answered = false; /* as the new answer takes the old one's place */
    answer->crc = 0;
    for (const int8_t *end = application->input + application->received; application->input != end;
         application->input++) {
        glyphite_crc32(&answer->crc, (uint8_t)*application->input);
    }
    answer->ticks = application->ticks();
    application->engine.invoke();
    answer->ticks = application->ticks() - answer->ticks;
    application->inferences++;
    const int8_t *scores = application->engine.output();
    if (scores == NULL) {
        return GLYPHITE_STATUS_FAILED;
    }
    memcpy(application->engine.scores, scores, application->engine.output_bytes);
    application->answered_id = id_of(application);
    application->answered = true;
    return GLYPHITE_STATUS_OK;
}

static void finish_infer(struct glyphite_application *application) {
    send_answer(application, repeated(application) ? GLYPHITE_STATUS_OK : run(application));
}

/* A whole message. One cut off before its payload, or of an unknown type, is met with silence. */
static void finish(struct glyphite_application *application) {
    if (application->state == STATE_PAYLOAD) {
        finish_infer(application);
    } else if (application->message == GLYPHITE_MESSAGE_HELLO) {
        finish_hello(application);
    }
}

static void restart(struct glyphite_application *application) {
    application->state = STATE_MESSAGE;
    application->message = 0;
}

GLYPHITE_ONE_COPY bool glyphite_sink(struct glyphite_application *application, uint8_t byte) {
    GLYPHITE_FORGET(application);
    if (application->sending) {
        return false;
    }
    switch (glyphite_decoder_sink(&application->line.decoder, byte)) {
    case GLYPHITE_EVENT_BYTE:
        receive(application, application->line.decoder.byte);
        break;
    case GLYPHITE_EVENT_END:
        finish(application);
        restart(application);
        break;
    case GLYPHITE_EVENT_BROKEN:
        if (application->state == STATE_PAYLOAD) {
            send_answer(application, GLYPHITE_STATUS_CORRUPT);
        }
        restart(application);
        break;
    default:
        break;
    }
    return true;
}

GLYPHITE_ONE_COPY bool glyphite_poll(struct glyphite_application *application, uint8_t *byte) {
    GLYPHITE_FORGET(application);
    if (!application->sending) {
        return false;
    }
    if (glyphite_encoder_poll(&application->line.encoder, byte)) {
        return true;
    }
    application->sending = false;
    glyphite_decoder_reset(&application->line.decoder);
    return false;
}
