// Test double of the Arduino core: the board's serial line is stdin and stdout.
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// Text in flash, as the cores mark it.
class __FlashStringHelper;
#define F(text) (reinterpret_cast<const __FlashStringHelper *>(text))

class SerialDouble {
  public:
    void begin(unsigned long baud);
    explicit operator bool();
    int available();
    int read();
    size_t write(uint8_t byte);
    size_t print(const char *text);
    size_t print(const __FlashStringHelper *text);
    size_t print(char character);
    size_t print(unsigned char number);
    size_t print(int number);
    size_t print(unsigned int number);
    size_t print(long number);
    size_t print(unsigned long number);
    size_t print(double number, int digits = 2);
    size_t println();

    template <typename What>
    size_t println(What what) {
        const size_t sent = print(what);
        return sent + println();
    }
};

extern SerialDouble Serial;

unsigned long micros();
unsigned long millis();
void delay(unsigned long milliseconds);

void setup();
void loop();

#endif
