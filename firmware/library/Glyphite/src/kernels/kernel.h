/* What every kernel is declared with. */
#pragma once

#include <stdint.h>

/* A kernel takes a constant struct; where it is inlined the compiler knows every size in it and
 * specialises the loops. Define GLYPHITE_KERNEL as `static` to trade that speed for one copy. */
#ifndef GLYPHITE_KERNEL
#ifdef __GNUC__
#define GLYPHITE_KERNEL static inline __attribute__((always_inline))
#else
#define GLYPHITE_KERNEL static inline
#endif
#endif

/* The same for helpers, of which an AVR, whose flash is scarce, has one copy. */
#ifndef GLYPHITE_HELPER
#if defined(__AVR__)
#define GLYPHITE_HELPER static __attribute__((noinline, unused))
#else
#define GLYPHITE_HELPER GLYPHITE_KERNEL
#endif
#endif

/* A type qualifier of all constant arrays, for processors whose constants need one: an AVR's lie in
 * program memory, which only GNU C can name. */
#ifndef GLYPHITE_CONST
#if defined(__STRICT_ANSI__) || !defined(__AVR__)
#define GLYPHITE_CONST
#elif defined(__AVR_HAVE_ELPM__)
#define GLYPHITE_CONST __memx
#else
#define GLYPHITE_CONST __flash
#endif
#endif
