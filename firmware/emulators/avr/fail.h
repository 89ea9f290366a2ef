/* How the emulator ends where it cannot go on. */
#ifndef FAIL_H
#define FAIL_H

/* Says on stderr what cannot be done with what, and exits with 1. */
_Noreturn void fail(const char *what, const char *name);

#endif
