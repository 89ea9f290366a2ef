#include "fail.h"

#include <stdio.h>
#include <stdlib.h>

void fail(const char *what, const char *name) {
    fprintf(stderr, "avr_board: %s %s\n", what, name);
    exit(1);
}
