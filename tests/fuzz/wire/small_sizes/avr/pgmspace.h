/* In place of avr-libc's, for a PC: with -D__AVR__ the library counts in 16 bits, as on an Uno. */
#define PROGMEM
#define pgm_read_byte(address) (*(const unsigned char *)(address))
