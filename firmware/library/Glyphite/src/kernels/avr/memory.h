/* Constants in an AVR's program memory. */
#pragma once

#include <stdint.h>

#if !defined(__AVR__)
#error "This model was compiled for an AVR: run `glyphite compile MODEL --board BOARD` for yours."
#endif

/* Where weights and layers lie: anywhere in flash, which takes pointers of 24 bits and `elpm` where
 * there is more than 64 KB of it. These are named address spaces of avr-gcc, and need GNU C. */
#if defined(__AVR_HAVE_ELPM__)
#define GLYPHITE_FAR __memx
#else
#define GLYPHITE_FAR __flash
#endif

typedef const GLYPHITE_FAR uint8_t *glyphite_far;

/* Its address as a number. */
#if defined(__AVR_HAVE_ELPM__)
typedef __uint24 glyphite_address;
#else
typedef uint16_t glyphite_address;
#endif
#define GLYPHITE_NUMBER(far) ((glyphite_address)(far))

/* How assembly reads it. GLYPHITE_LPM: the next byte to a register. GLYPHITE_LOAD_Z: Z
 * from a field that is an address, of GLYPHITE_ADDRESS_BYTES; uses r22. GLYPHITE_CARRY_PAGE: after
 * an addition to Z. */
#if defined(__AVR_HAVE_ELPM__)
#define GLYPHITE_LPM(to) "elpm " to ", Z+\n\t"
#define GLYPHITE_ADDRESS_BYTES 3
#define GLYPHITE_LOAD_Z(field)                                                                     \
    GLYPHITE_LOAD_3("r30", "r31", "r22", field) "out 0x3B, r22\n\t" /* RAMPZ */
#define GLYPHITE_CARRY_PAGE                                                                        \
    "brcc 1f\n\t"                                                                                  \
    "in r0, 0x3B\n\t"                                                                              \
    "inc r0\n\t"                                                                                   \
    "out 0x3B, r0\n\t"                                                                             \
    "1:\n\t"
#else
#define GLYPHITE_LPM(to) "lpm " to ", Z+\n\t"
#define GLYPHITE_ADDRESS_BYTES 2
#define GLYPHITE_LOAD_Z(field) GLYPHITE_LOAD_2("r30", "r31", field)
#define GLYPHITE_CARRY_PAGE ""
#endif

/* A kernel is not inlined: one copy serves all layers, since flash is worth more than time. */
#define GLYPHITE_AVR_KERNEL __attribute__((noinline, unused)) static
