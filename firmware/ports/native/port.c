/* The machine itself as a board: the serial line is stdin and stdout, which must be raw. */
#define _POSIX_C_SOURCE 199309L

#include "port.h"

#include <stddef.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#include <windows.h>
#else
#include <time.h>
#include <unistd.h>
#endif

enum { FROM_HOST, TO_HOST };

static uint8_t received[GLYPHITE_RECEIVE_BUFFER];
static size_t received_bytes;
static size_t received_at;

static uint8_t kept[256];
static size_t kept_bytes;

#ifdef _WIN32

void port_start(void) {
    _setmode(FROM_HOST, _O_BINARY); /* as text, a line's end is rewritten, and 0x1A ends it all */
    _setmode(TO_HOST, _O_BINARY);
}

static long take(void *bytes, size_t count) {
    return _read(FROM_HOST, bytes, (unsigned)count);
}

static long give(const void *bytes, size_t count) {
    return _write(TO_HOST, bytes, (unsigned)count);
}

uint32_t port_ticks(void) {
    LARGE_INTEGER now, second;
    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&second);
    uint64_t seconds = (uint64_t)(now.QuadPart / second.QuadPart);
    uint64_t rest = (uint64_t)(now.QuadPart % second.QuadPart);
    return (uint32_t)(seconds * 1000000u + rest * 1000000u / (uint64_t)second.QuadPart);
}

#else

void port_start(void) {
}

static long take(void *bytes, size_t count) {
    return (long)read(FROM_HOST, bytes, count);
}

static long give(const void *bytes, size_t count) {
    return (long)write(TO_HOST, bytes, count);
}

uint32_t port_ticks(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)now.tv_sec * 1000000u + (uint32_t)(now.tv_nsec / 1000);
}

#endif

static void flush(void) {
    size_t sent = 0;
    while (sent < kept_bytes) {
        long count = give(kept + sent, kept_bytes - sent);
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
        long count = take(received, sizeof received);
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
