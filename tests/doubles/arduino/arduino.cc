// Test double of the Arduino core, see Arduino.h. The sketch ends when the line is closed.
#include "Arduino.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

SerialDouble Serial;

void SerialDouble::begin(unsigned long) {
}

int SerialDouble::available() {
    struct pollfd line = {STDIN_FILENO, POLLIN, 0};
    return poll(&line, 1, 100) > 0 ? 1 : 0;
}

int SerialDouble::read() {
    uint8_t byte;
    if (::read(STDIN_FILENO, &byte, 1) != 1)
        exit(0);
    return byte;
}

size_t SerialDouble::write(uint8_t byte) {
    return ::write(STDOUT_FILENO, &byte, 1) == 1 ? 1 : 0;
}

size_t SerialDouble::println(const char *text) {
    size_t sent = 0;
    for (const char *at = text; *at != '\0'; at++)
        sent += write(static_cast<uint8_t>(*at));
    return sent + write('\r') + write('\n');
}

unsigned long micros() {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<unsigned long>(now.tv_sec) * 1000000UL +
           static_cast<unsigned long>(now.tv_nsec) / 1000UL;
}

int main() {
    setup();
    for (;;)
        loop();
}
