#include "glyphite_text.h"

#include <stddef.h>

#define TOO_LARGE 4294967296.0f /* for a whole part of 32 bits */

void glyphite_say(glyphite_write write, const char *text) {
    for (char byte; (byte = (char)GLYPHITE_READ_BYTE((const uint8_t *)text)) != '\0'; text++) {
        write((uint8_t)byte);
    }
}

void glyphite_say_word(glyphite_write write, const char *word) {
    for (; *word != '\0'; word++) {
        write(*word > ' ' && *word <= '~' ? (uint8_t)*word : '?');
    }
}

void glyphite_say_number(glyphite_write write, uint64_t number) {
    char digits[20];
    uint8_t count = 0;
    do {
        digits[count++] = (char)('0' + (char)(number % 10));
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        write((uint8_t)digits[--count]);
    }
}

/* A number below `unit`, a power of ten, with all its digits. */
static void say_decimals(glyphite_write write, uint32_t number, uint32_t unit) {
    for (unit /= 10; unit > 0; unit /= 10) {
        write((uint8_t)('0' + number / unit % 10));
    }
}

void glyphite_say_real(glyphite_write write, float value, uint32_t unit) {
    if (value < 0) {
        write('-');
        value = -value;
    }
    if (!(value < TOO_LARGE)) {
        if (value >= TOO_LARGE) {
            GLYPHITE_SAY(write, "inf");
        } else {
            GLYPHITE_SAY(write, "nan");
        }
        return;
    }
    uint32_t whole = (uint32_t)value;
    uint32_t part = (uint32_t)((value - (float)whole) * (float)unit + 0.5f);
    if (part >= unit) {
        part -= unit;
        whole++;
    }
    glyphite_say_number(write, whole);
    write('.');
    say_decimals(write, part, unit);
}

void glyphite_say_hex(glyphite_write write, uint8_t byte) {
    for (int shift = 4; shift >= 0; shift -= 4) {
        uint8_t digit = (byte >> shift) & 15;
        write((uint8_t)(digit < 10 ? '0' + digit : 'a' + digit - 10));
    }
}

char *glyphite_next_word(char **rest) {
    char *word = *rest;
    while (*word == ' ') {
        word++;
    }
    if (*word == '\0') {
        return NULL;
    }
    char *end = word;
    while (*end != ' ' && *end != '\0') {
        end++;
    }
    *rest = *end == ' ' ? end + 1 : end;
    *end = '\0';
    return word;
}

bool glyphite_number_of(const char *word, uint32_t *number) {
    uint64_t value = 0;
    for (const char *digit = word; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9') {
            return false;
        }
        value = 10u * value + (uint64_t)(*digit - '0');
        if (value > UINT32_MAX) {
            return false;
        }
    }
    if (*word != '\0') {
        *number = (uint32_t)value;
    }
    return *word != '\0';
}

int8_t glyphite_digit_of(char digit) {
    if (digit >= '0' && digit <= '9') {
        return (int8_t)(digit - '0');
    }
    char lower = (char)(digit | 0x20);
    return lower >= 'a' && lower <= 'f' ? (int8_t)(lower - 'a' + 10) : -1;
}
