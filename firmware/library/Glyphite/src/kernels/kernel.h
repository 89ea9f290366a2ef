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

/* A type qualifier of all constant arrays, for processors whose constants need one. */
#ifndef GLYPHITE_CONST
#define GLYPHITE_CONST
#endif
