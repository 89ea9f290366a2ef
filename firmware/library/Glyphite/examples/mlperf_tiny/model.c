// The network itself; see model.h.
#if defined(__AVR__)
#include <uno/avr/model.inc>
#else
#include <uno/portable/model.inc>
#endif
