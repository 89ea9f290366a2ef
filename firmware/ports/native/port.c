/* The machine itself as a board: the serial line is stdin and stdout, which must be raw. */
#define _POSIX_C_SOURCE 199309L

#include "port.h"

#include <stddef.h>
#include <time.h>
#include <unistd.h>

static uint8_t received[GLYPHITE_RECEIVE_BUFFER];
static size_t received_bytes;
static size_t received_at;

static uint8_t kept[256];
static size_t kept_bytes;

void port_start(void) {
}

static void flush(void) {
    size_t sent = 0;
    while (sent < kept_bytes) {
        ssize_t count = write(STDOUT_FILENO, kept + sent, kept_bytes - sent);
        if (count <= 0) {
            break; /* nobody listens: port_read will see the end of the line */
        }
        sent += (size_t)count;
    }
    kept_bytes = 0;
}

bool port_read(uint8_t *byte) {
    if (received_at == received_bytes) {
        flush();
        ssize_t count = read(STDIN_FILENO, received, sizeof received);
        if (count <= 0) {
            return false;
        }
        received_bytes = (size_t)count;
        received_at = 0;
    }
    *byte = received[received_at++];
    return true;
}

void port_write(uint8_t byte) {
    if (kept_bytes == sizeof kept) {
        flush();
    }
    kept[kept_bytes++] = byte;
}

uint32_t port_ticks(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)now.tv_sec * 1000000u + (uint32_t)(now.tv_nsec / 1000);
}
