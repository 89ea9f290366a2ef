// Test double of the Arduino core, see Arduino.h.
#include "Arduino.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

SerialDouble Serial;

// While nothing comes time flies: each look at an empty line is so long for millis(). Once the line
// is closed the sketch ends by itself.
static const unsigned long IDLE_MS = 20, LEFT_MS = 60000;
static unsigned long flown, closed;

void SerialDouble::begin(unsigned long) {
}

SerialDouble::operator bool() {
    return true;
}

int SerialDouble::available() {
    int count = 0;
    struct pollfd line = {STDIN_FILENO, POLLIN, 0};
    if (poll(&line, 1, 1) > 0 && (ioctl(STDIN_FILENO, FIONREAD, &count) != 0 || count == 0)) {
        closed += IDLE_MS;
        if (closed > LEFT_MS)
            exit(0);
    }
    return count;
}

int SerialDouble::read() {
    uint8_t byte;
    if (available() == 0) {
        flown += IDLE_MS;
        return -1;
    }
    return ::read(STDIN_FILENO, &byte, 1) == 1 ? byte : -1;
}

size_t SerialDouble::write(uint8_t byte) {
    return ::write(STDOUT_FILENO, &byte, 1) == 1 ? 1 : 0;
}

size_t SerialDouble::print(const char *text) {
    size_t sent = 0;
    for (const char *at = text; *at != '\0'; at++)
        sent += write(static_cast<uint8_t>(*at));
    return sent;
}

size_t SerialDouble::print(const __FlashStringHelper *text) {
    return print(reinterpret_cast<const char *>(text));
}

size_t SerialDouble::print(char character) {
    return write(static_cast<uint8_t>(character));
}

size_t SerialDouble::print(unsigned char number) {
    return print(static_cast<unsigned long>(number));
}

size_t SerialDouble::print(int number) {
    return print(static_cast<long>(number));
}

size_t SerialDouble::print(unsigned int number) {
    return print(static_cast<unsigned long>(number));
}

size_t SerialDouble::print(long number) {
    char text[24];
    snprintf(text, sizeof text, "%ld", number);
    return print(text);
}

size_t SerialDouble::print(unsigned long number) {
    char text[24];
    snprintf(text, sizeof text, "%lu", number);
    return print(text);
}

size_t SerialDouble::print(double number, int digits) {
    char text[64];
    snprintf(text, sizeof text, "%.*f", digits, number);
    return print(text);
}

size_t SerialDouble::println() {
    return print("\r\n");
}

unsigned long micros() {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<unsigned long>(now.tv_sec) * 1000000UL +
           static_cast<unsigned long>(now.tv_nsec) / 1000UL;
}

unsigned long millis() {
    return micros() / 1000 + flown;
}

void delay(unsigned long milliseconds) {
    flown += milliseconds;
}

int main() {
    setup();
    for (;;)
        loop();
}
