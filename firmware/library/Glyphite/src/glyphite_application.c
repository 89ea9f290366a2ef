#include "glyphite_application.h"

#include <stddef.h>
#include <string.h>

#include "glyphite_hello.h"

/* Which byte of a request comes next. */
enum request_state {
    STATE_MESSAGE,  /* its type */
    STATE_ID_LOW,   /* INFER: the id's low byte */
    STATE_ID_HIGH,  /* INFER: the id's high byte */
    STATE_ENCODING, /* INFER: how the tensor is encoded */
    STATE_PAYLOAD,  /* INFER: the tensor */
    STATE_SKIP      /* bytes of a message that this firmware does not know */
};

/* Copy from program memory to RAM. */
static void load(void *target, const void *source, uint8_t bytes) {
    for (uint8_t index = 0; index < bytes; index++) {
        ((uint8_t *)target)[index] = GLYPHITE_READ_BYTE((const uint8_t *)source + index);
    }
}

void glyphite_begin(struct glyphite_application *application, const struct glyphite_model *model,
                    const struct glyphite_board *board) {
    memset(application, 0, sizeof *application);
    application->model = model;
    application->board = board;
    load(&application->engine, &model->engine, sizeof application->engine);
    load(&application->ticks, &board->ticks, sizeof application->ticks);
    glyphite_decoder_reset(&application->decoder);
}

/* --- receiving: one function a state ------------------------------------------------------- */

static bool repeated(const struct glyphite_application *application) {
    return application->answered && application->id == application->answered_id;
}

static void st_message(struct glyphite_application *application, uint8_t byte) {
    application->message = byte;
    application->state = byte == GLYPHITE_MESSAGE_INFER ? STATE_ID_LOW : STATE_SKIP;
}

static void st_id_low(struct glyphite_application *application, uint8_t byte) {
    application->id = byte;
    application->state = STATE_ID_HIGH;
}

static void st_id_high(struct glyphite_application *application, uint8_t byte) {
    application->id = (uint16_t)(application->id | ((uint16_t)byte << 8));
    application->state = STATE_ENCODING;
}

static void st_encoding(struct glyphite_application *application, uint8_t byte) {
    application->encoding = byte;
    application->received = 0;
    application->input = application->engine.input();
    application->state = STATE_PAYLOAD;
}

/* Straight into the tensor: the CRC is checked before the model runs, not before this. */
static void st_payload(struct glyphite_application *application, uint8_t byte) {
    bool wanted = application->input != NULL && !repeated(application);
    if (wanted && application->received < application->engine.input_bytes) {
        application->input[application->received] = (int8_t)byte;
    }
    application->received++;
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
    case STATE_PAYLOAD:
        st_payload(application, byte);
        break;
    default:
        break;
    }
}

/* --- answering ----------------------------------------------------------------------------- */

static uint8_t answer_byte(const void *context, uint16_t index) {
    const struct glyphite_application *application = context;
    if (index < GLYPHITE_ANSWER_HEADER_BYTES) {
        return application->answer[index];
    }
    return (uint8_t)application->engine.scores[index - GLYPHITE_ANSWER_HEADER_BYTES];
}

static void send_answer(struct glyphite_application *application) {
    uint16_t length = (uint16_t)(GLYPHITE_ANSWER_HEADER_BYTES + application->engine.output_bytes);
    glyphite_encoder_start(&application->encoder, answer_byte, application, length);
}

static uint8_t refusal_byte(const void *context, uint16_t index) {
    const struct glyphite_application *application = context;
    switch (index) {
    case 0:
        return GLYPHITE_MESSAGE_INFER_ANSWER;
    case 1:
        return (uint8_t)application->id;
    case 2:
        return (uint8_t)(application->id >> 8);
    default:
        return (uint8_t)application->status;
    }
}

static void refuse(struct glyphite_application *application, enum glyphite_status status) {
    application->status = (int8_t)status;
    glyphite_encoder_start(&application->encoder, refusal_byte, application,
                           GLYPHITE_REFUSAL_BYTES);
}

static uint8_t hello_byte(const void *context, uint16_t index) {
    const struct glyphite_application *application = context;
    return glyphite_hello_byte(application->model, application->board, application->inferences,
                               index);
}

static void finish_hello(struct glyphite_application *application) {
    application->answered = false; /* a new conversation: its ids start anew */
    glyphite_encoder_start(&application->encoder, hello_byte, application, glyphite_hello_length());
}

static uint16_t tensor_crc(const struct glyphite_application *application) {
    uint16_t crc = GLYPHITE_CRC_START;
    for (uint32_t index = 0; index < application->engine.input_bytes; index++) {
        crc = glyphite_crc16(crc, (uint8_t)application->input[index]);
    }
    return crc;
}

static void keep_answer(struct glyphite_application *application, uint16_t crc, uint32_t ticks,
                        const int8_t *scores) {
    uint8_t *answer = application->answer;
    answer[0] = GLYPHITE_MESSAGE_INFER_ANSWER;
    answer[1] = (uint8_t)application->id;
    answer[2] = (uint8_t)(application->id >> 8);
    answer[3] = GLYPHITE_STATUS_OK;
    answer[4] = (uint8_t)crc;
    answer[5] = (uint8_t)(crc >> 8);
    for (uint8_t index = 0; index < 4; index++) {
        answer[6 + index] = (uint8_t)(ticks >> (8 * index));
    }
    for (uint16_t index = 0; index < application->engine.output_bytes; index++) {
        application->engine.scores[index] = scores[index];
    }
    application->answered_id = application->id;
    application->answered = true;
}

static enum glyphite_status run(struct glyphite_application *application) {
    if (application->input == NULL) {
        return GLYPHITE_STATUS_NOT_READY;
    }
    if (application->encoding != GLYPHITE_ENCODING_RAW) {
        return GLYPHITE_STATUS_UNKNOWN_ENCODING;
    }
    if (application->received != application->engine.input_bytes) {
        return GLYPHITE_STATUS_WRONG_SIZE;
    }
    uint16_t crc = tensor_crc(application);
    uint32_t start = application->ticks();
    application->engine.invoke();
    uint32_t ticks = application->ticks() - start;
    application->inferences++;
    const int8_t *scores = application->engine.output();
    if (scores == NULL) {
        return GLYPHITE_STATUS_FAILED;
    }
    keep_answer(application, crc, ticks, scores);
    return GLYPHITE_STATUS_OK;
}

static void finish_infer(struct glyphite_application *application) {
    enum glyphite_status status = repeated(application) ? GLYPHITE_STATUS_OK : run(application);
    if (status == GLYPHITE_STATUS_OK) {
        send_answer(application);
    } else {
        refuse(application, status);
    }
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

bool glyphite_sink(struct glyphite_application *application, uint8_t byte) {
    if (glyphite_encoder_busy(&application->encoder)) {
        return false;
    }
    switch (glyphite_decoder_sink(&application->decoder, byte)) {
    case GLYPHITE_EVENT_BYTE:
        receive(application, application->decoder.byte);
        break;
    case GLYPHITE_EVENT_END:
        finish(application);
        restart(application);
        break;
    case GLYPHITE_EVENT_BROKEN:
        if (application->state == STATE_PAYLOAD) {
            refuse(application, GLYPHITE_STATUS_CORRUPT);
        }
        restart(application);
        break;
    default:
        break;
    }
    return true;
}

bool glyphite_poll(struct glyphite_application *application, uint8_t *byte) {
    return glyphite_encoder_poll(&application->encoder, byte);
}
