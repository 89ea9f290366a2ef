/* The fields of a struct by their names, for assembly that has the struct at Y. */
#pragma once

#include <stddef.h>

/* An operand of assembly: the offset of a field, which the compiler knows. It refuses a field that
 * has not the size that the assembly counts on: an array has no negative size. */
#define GLYPHITE_FIELD(struct_name, field, bytes)                                                  \
    GLYPHITE_FIELD_AS(field, struct_name, field, bytes)
/* The same by another name, for a field of a struct within. */
#define GLYPHITE_FIELD_AS(name, struct_name, field, bytes)                                         \
    [name] "i"(offsetof(struct struct_name, field) +                                               \
               0 * sizeof(char[sizeof(((struct struct_name *)0)->field) == (bytes) ? 1 : -1]))

/* Reads or writes a field of 1, 2 or 3 bytes, the lowest first. */
#define GLYPHITE_LOAD(to, field) "ldd " to ", Y+%[" field "]\n\t"
#define GLYPHITE_LOAD_2(low, high, field)                                                          \
    "ldd " low ", Y+%[" field "]\n\t"                                                              \
    "ldd " high ", Y+%[" field "]+1\n\t"
#define GLYPHITE_LOAD_3(low, middle, high, field)                                                  \
    GLYPHITE_LOAD_2(low, middle, field) "ldd " high ", Y+%[" field "]+2\n\t"
#define GLYPHITE_SAVE(field, from) "std Y+%[" field "], " from "\n\t"
#define GLYPHITE_SAVE_2(field, low, high)                                                          \
    "std Y+%[" field "], " low "\n\t"                                                              \
    "std Y+%[" field "]+1, " high "\n\t"
#define GLYPHITE_SAVE_3(field, low, middle, high)                                                  \
    GLYPHITE_SAVE_2(field, low, middle) "std Y+%[" field "]+2, " high "\n\t"
