/* The serial line's far end: what the host wrote, as single bytes, and what the board answers.
 *
 * The host hands the line over as standard input and output. Where that is the master of a
 * pseudo-terminal, every open() of its slave is seen, and means what DTR means on the real board:
 * reset. A pipe or a socket serves too; then there are no resets, and its end ends the board.
 */
#ifndef GLYPHITE_LINE_H
#define GLYPHITE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line {
    int in;
    int out;
    int watch;           /* inotify on the pseudo-terminal's slave; -1: there is none */
    uint8_t queue[1024]; /* written by the host, not yet on the wire */
    size_t start;
    size_t end;
    bool ended; /* the host closed its pipe */
    bool told;  /* the host knows that the board is there */
};

/* Takes standard input and output as the line; what the program prints then goes to stderr. */
void line_open(struct line *line);

/* Tells the host, once, that the board is there: by the speed of the pseudo-terminal. */
void line_tell(struct line *line);

/* Whether some program opened the port since the last call. */
bool line_was_opened(struct line *line);

/* The next byte from the host, or -1: none waits. */
int line_take(struct line *line);

/* One byte to the host. Waits while a reader is slow; lost where nobody has the port open. */
void line_put(struct line *line, uint8_t byte);

/* Sleeps until the host writes or opens the port, `nanoseconds` at most. */
void line_wait(const struct line *line, uint64_t nanoseconds);

#endif
