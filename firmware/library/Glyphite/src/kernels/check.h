/* What must hold for the C to be right, held by the compiler. */
#pragma once

/* Does not compile where the constant `condition` is 0: C99 has no static assertions. */
#define GLYPHITE_CHECK(name, condition) typedef char glyphite_check_##name[(condition) ? 1 : -1]
