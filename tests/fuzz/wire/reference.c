#include "reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELLO = 1, INFER = 2, INFER_ANSWER = 0x82, RAW = 0, PACKED = 1 };
enum { OK = 0, CORRUPT = -1, WRONG_SIZE = -2, UNKNOWN_ENCODING = -3, NOT_READY = -4, FAILED = -5 };

void require(bool found, const char *what, const char *file, int line) {
    if (!found) {
        fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
        abort();
    }
}

/* By a table, high bit first, on reflected bytes: the library goes bit by bit, low bit first. */
static uint32_t reflected(uint32_t value, int bits) {
    uint32_t result = 0;
    for (int bit = 0; bit < bits; bit++) {
        result |= (value >> bit & 1u) << (bits - 1 - bit);
    }
    return result;
}

static uint32_t table[256];
static uint8_t turned[256];

static void fill_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t rest = byte << 24;
        for (int bit = 0; bit < 8; bit++) {
            rest = rest & 0x80000000u ? rest << 1 ^ 0x04C11DB7u : rest << 1;
        }
        table[byte] = rest;
        turned[byte] = (uint8_t)reflected(byte, 8);
    }
}

static uint32_t crc_of(const uint8_t *data, size_t count) {
    uint32_t rest = 0xFFFFFFFFu;
    for (size_t index = 0; index < count; index++) {
        rest = rest << 8 ^ table[rest >> 24 ^ turned[data[index]]];
    }
    return ~reflected(rest, 32);
}

uint32_t reference_crc(const uint8_t *data, size_t count) {
    if (table[1] == 0) {
        fill_tables();
        REQUIRE(crc_of((const uint8_t *)"123456789", 9) == 0xCBF43926u);
    }
    return crc_of(data, count);
}

size_t reference_cobs_decode(const uint8_t *encoded, size_t count, uint8_t *decoded, bool *whole) {
    size_t at = 0, filled = 0;
    *whole = true;
    while (at < count) {
        size_t code = encoded[at++], there = count - at;
        size_t run = code - 1 < there ? code - 1 : there;
        memcpy(decoded + filled, encoded + at, run);
        at += run;
        filled += run;
        *whole = run == code - 1;
        if (*whole && code < 255 && at < count) {
            decoded[filled++] = 0;
        }
    }
    return filled;
}

long reference_decode(const uint8_t *encoded, size_t count, uint8_t *message) {
    static uint8_t content[LINE_BYTES];
    bool whole;
    size_t filled = reference_cobs_decode(encoded, count, content, &whole);
    if (!whole || filled < 4) {
        return -1;
    }
    uint32_t crc = 0;
    for (size_t index = filled - 4; index < filled; index++) {
        crc = crc << 8 | content[index];
    }
    if (crc != reference_crc(content, filled - 4)) {
        return -1;
    }
    memcpy(message, content, filled - 4);
    return (long)filled - 4;
}

size_t reference_encode(const uint8_t *message, size_t count, uint8_t *frame) {
    static uint8_t content[LINE_BYTES];
    uint32_t crc = reference_crc(message, count);
    memcpy(content, message, count);
    for (int shift = 24; shift >= 0; shift -= 8) {
        content[count++] = (uint8_t)(crc >> shift);
    }
    size_t code_at = 1, filled = 2;
    frame[0] = 0;
    for (size_t index = 0; index < count; index++) {
        if (filled - code_at == 255) { /* full, and more follows */
            frame[code_at] = 255;
            code_at = filled++;
        }
        if (content[index] != 0) {
            frame[filled++] = content[index];
        } else {
            frame[code_at] = (uint8_t)(filled - code_at);
            code_at = filled++;
        }
    }
    frame[code_at] = (uint8_t)(filled - code_at);
    frame[filled++] = 0;
    return filled;
}

long reference_unpack(const uint8_t *packed, size_t count, uint8_t *tensor, size_t room) {
    size_t at = 1, filled = 0;
    while (at < count) {
        size_t token = packed[at++], literals = token % 8;
        size_t run = literals ? token / 8 : (token / 8 + 1) * 32;
        for (; run > 0; run--, filled++) {
            if (filled < room) {
                tensor[filled] = packed[0];
            }
        }
        for (; literals > 0; literals--, filled++) {
            if (at == count) {
                return -1;
            }
            if (filled < room) {
                tensor[filled] = packed[at];
            }
            at++;
        }
    }
    return (long)filled;
}

void reference_model(const uint8_t *tensor, size_t input_bytes, uint8_t *scores,
                     size_t output_bytes) {
    memset(scores, 0x55, output_bytes);
    for (size_t index = 0; index < input_bytes; index++) {
        scores[index % output_bytes] += (uint8_t)(tensor[index] * (index + 1));
    }
}

static void say(struct reference *board, const uint8_t *id, int status) {
    const uint8_t answer[] = {INFER_ANSWER, id[0], id[1], (uint8_t)status};
    memcpy(board->answer, answer, sizeof answer);
    board->answer_bytes = sizeof answer;
}

static void say_cached(struct reference *board) {
    board->answer_bytes = 12 + board->output_bytes;
    memcpy(board->answer, board->cached, board->answer_bytes);
}

/* A request that is whole, of an id that was not answered last. */
static int run(struct reference *board, const uint8_t *message, size_t count) {
    const uint8_t *payload = message + 4;
    long size = (long)count - 4;
    if (board->kind == KIND_NOT_READY) {
        return NOT_READY;
    }
    if (message[3] > PACKED) {
        return UNKNOWN_ENCODING;
    }
    if (message[3] == PACKED) {
        size = reference_unpack(payload, count - 4, board->tensor, board->input_bytes);
    }
    if (size != (long)board->input_bytes) {
        return WRONG_SIZE;
    }
    if (message[3] == RAW) {
        memcpy(board->tensor, payload, board->input_bytes);
    }
    board->runs = true;
    board->inferences++;
    return board->kind == KIND_FAILING ? FAILED : OK;
}

static void keep(struct reference *board, const uint8_t *id) {
    const uint32_t numbers[] = {reference_crc(board->tensor, board->input_bytes), 1000};
    say(board, id, OK);
    memcpy(board->cached, board->answer, 4);
    for (int byte = 0; byte < 8; byte++) {
        board->cached[4 + byte] = (uint8_t)(numbers[byte / 4] >> (8 * (byte % 4)));
    }
    reference_model(board->tensor, board->input_bytes, board->cached + 12, board->output_bytes);
    board->answered = true;
    board->answered_id = (uint16_t)(id[0] | id[1] << 8);
}

/* Whether a message is an INFER that has come as far as its payload. */
static bool has_payload(const uint8_t *message, size_t count) {
    return count >= 4 && message[0] == INFER && (message[3] != PACKED || count >= 5);
}

static void judge(struct reference *board) {
    static uint8_t message[LINE_BYTES];
    long count = reference_decode(board->frame, board->frame_bytes, message);
    if (count < 0) { /* the newest four bytes may have been the CRC, and are not looked at */
        bool whole;
        size_t filled = reference_cobs_decode(board->frame, board->frame_bytes, message, &whole);
        if (filled > 4 && has_payload(message, filled - 4)) {
            say(board, message + 1, CORRUPT);
        }
    } else if (count > 0 && message[0] == HELLO) {
        board->greets = true;
        board->answered = false;
    } else if (has_payload(message, (size_t)count)) {
        uint16_t id = (uint16_t)(message[1] | message[2] << 8);
        int status = OK;
        if (!board->answered || board->answered_id != id) {
            status = run(board, message, (size_t)count);
            if (status == OK) {
                keep(board, message + 1);
            }
        }
        if (status == OK) {
            say_cached(board);
        } else {
            say(board, message + 1, status);
        }
    }
}

void reference_sink(struct reference *board, uint8_t byte) {
    board->runs = board->greets = false;
    board->answer_bytes = 0;
    if (byte != 0) {
        REQUIRE(board->frame_bytes < LINE_BYTES);
        board->frame[board->frame_bytes++] = byte;
        return;
    }
    if (board->frame_bytes > 0) {
        judge(board);
    }
    board->frame_bytes = 0;
}
