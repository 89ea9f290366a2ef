/* Text for people and programs, said and read without printf, scanf and their buffers. */
#ifndef GLYPHITE_TEXT_H
#define GLYPHITE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "glyphite_memory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sends one byte, and may wait for room. */
typedef void (*glyphite_write)(uint8_t byte);

/* A text in program memory, up to its zero. */
void glyphite_say(glyphite_write write, const char *text);

/* A word in RAM, as printable ASCII whatever is in it: '?' for what is none. */
void glyphite_say_word(glyphite_write write, const char *word);

/* In decimal. */
void glyphite_say_number(glyphite_write write, uint64_t number);

/* In decimal, with as many decimals as `unit`, a power of ten above 1, has zeros; to the nearest,
 * halves away from zero. "nan" for what is no number, "inf" for 2^32 and above. */
void glyphite_say_real(glyphite_write write, float value, uint32_t unit);

/* Two hexadecimal digits. */
void glyphite_say_hex(glyphite_write write, uint8_t byte);

/* The next of the words between spaces in `*rest`, which goes on behind it; NULL: there is none. A
 * zero is put behind the word. */
char *glyphite_next_word(char **rest);

/* Decimal digits as a number of 32 bits; false: `word` is none, and `number` is as before. */
bool glyphite_number_of(const char *word, uint32_t *number);

/* The value of a hexadecimal digit, -1 for what is none. */
int8_t glyphite_digit_of(char digit);

#ifdef __cplusplus
}
#endif

/* Say a literal, which then lies in program memory. */
#define GLYPHITE_SAY(write, literal)                                                               \
    do {                                                                                           \
        static const char said[] GLYPHITE_CONST = literal;                                         \
        glyphite_say(write, said);                                                                 \
    } while (0)

#endif
