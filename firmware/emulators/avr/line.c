#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { SLOW_READER_MS = 2000 };

/* A pseudo-terminal starts as a terminal for people: it echoes and rewrites line ends. */
void line_tell(struct line *line) {
    struct termios settings;
    if (!line->told && tcgetattr(line->in, &settings) == 0) {
        cfmakeraw(&settings);
        cfsetspeed(&settings, B115200);
        tcsetattr(line->in, TCSANOW, &settings);
    }
    line->told = true;
}

/* POLLHUP on the master would miss a port that is closed and opened again at once. */
static int watch_slave(int master) {
    char path[64];
    if (ptsname_r(master, path, sizeof path) != 0) {
        return -1;
    }
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch >= 0 && inotify_add_watch(watch, path, IN_OPEN) < 0) {
        close(watch);
        watch = -1;
    }
    return watch;
}

static int claim(int descriptor) {
    int own = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    fcntl(own, F_SETFL, fcntl(own, F_GETFL) | O_NONBLOCK);
    return own;
}

void line_open(struct line *line) {
    *line = (struct line){.in = claim(STDIN_FILENO), .out = claim(STDOUT_FILENO)};
    line->watch = watch_slave(line->in);
    dup2(STDERR_FILENO, STDOUT_FILENO);
}

bool line_was_opened(struct line *line) {
    char events[4096];
    bool opened = false;
    while (line->watch >= 0 && read(line->watch, events, sizeof events) > 0) {
        opened = true;
    }
    return opened;
}

static void fill(struct line *line) {
    ssize_t count = read(line->in, line->queue, sizeof line->queue);
    line->start = 0;
    line->end = count > 0 ? (size_t)count : 0;
    if (count == 0) {
        line->ended = true;
    }
}

int line_take(struct line *line) {
    if (line->start == line->end) {
        fill(line);
    }
    return line->start < line->end ? line->queue[line->start++] : -1;
}

void line_put(struct line *line, uint8_t byte) {
    struct pollfd room = {.fd = line->out, .events = POLLOUT};
    while (write(line->out, &byte, 1) < 0 && errno == EAGAIN) {
        if (poll(&room, 1, SLOW_READER_MS) <= 0 || !(room.revents & POLLOUT)) {
            return;
        }
    }
}

void line_wait(const struct line *line, uint64_t nanoseconds) {
    struct pollfd events[2] = {{.fd = line->in, .events = POLLIN},
                               {.fd = line->watch, .events = POLLIN}};
    struct timespec time = {.tv_sec = (time_t)(nanoseconds / 1000000000U),
                            .tv_nsec = (long)(nanoseconds % 1000000000U)};
    if (poll(events, 1, 0) > 0 && (events[0].revents & POLLHUP)) {
        events[0].fd = -1; /* nobody has the port open, and poll would say so for ever */
    }
    ppoll(events, 2, &time, NULL);
}
