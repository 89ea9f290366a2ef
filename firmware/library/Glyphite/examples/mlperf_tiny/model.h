// The network uno, which reads handwritten digits: the library holds its C for an AVR and for every
// other processor. For a model of your own put model.c and model.h of `glyphite compile MODEL
// --board BOARD` in the place of this file and of model.c beside it.
#include <Glyphite.h>

#if defined(__AVR__)
#include <uno/avr/model.h>
#else
#include <uno/portable/model.h>
#endif
