/* Constants in program memory.
 *
 * An AVR reads its flash with instructions of its own, and a plain const array would be copied
 * into its little RAM. Elsewhere these macros are what one would write without them. On parts with
 * more than 64 KB of flash the near read used here reaches the first 64 KB: a section of that name
 * is what the linker places first, before the weights of a large model. */
#ifndef GLYPHITE_MEMORY_H
#define GLYPHITE_MEMORY_H

#include <stdint.h>

#if defined(__AVR__)
#include <avr/pgmspace.h>
#if defined(__AVR_HAVE_ELPM__)
#define GLYPHITE_CONST __attribute__((section(".progmem.gcc_glyphite")))
#else
#define GLYPHITE_CONST PROGMEM
#endif
#define GLYPHITE_READ_BYTE(address) pgm_read_byte(address)
/* Lets the compiler forget where a pointer points. An AVR's instruction that reads a field takes 4
 * bytes where it knows the address, and 2 where it has a pointer. */
#define GLYPHITE_FORGET(pointer) __asm__("" : "+b"(pointer))
/* A function of which an AVR has one copy, and not one wherever it is called. */
#define GLYPHITE_ONE_COPY __attribute__((noinline))
#else
#define GLYPHITE_ONE_COPY
#define GLYPHITE_FORGET(pointer) ((void)0)
#define GLYPHITE_CONST
#define GLYPHITE_READ_BYTE(address) (*(const uint8_t *)(address))
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Glyphite sends numbers as they lie in memory and needs a little-endian processor."
#endif

#endif
