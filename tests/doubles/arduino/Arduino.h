// Test double of the Arduino core: the board's serial line is stdin and stdout.
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stddef.h>
#include <stdint.h>

class SerialDouble {
  public:
    void begin(unsigned long baud);
    int available();
    int read();
    size_t write(uint8_t byte);
    size_t println(const char *text);
    size_t print(const char *text);
    size_t print(unsigned long number);
    size_t println(unsigned long number);
};

extern SerialDouble Serial;

unsigned long micros();
void delay(unsigned long milliseconds);

void setup();
void loop();

#endif
