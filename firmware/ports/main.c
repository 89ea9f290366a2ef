/* The firmware of boards without Arduino. The GLYPHITE_... of the board come from its file. */
#include "model.h"

#include "Glyphite.h"
#include "port.h"

GLYPHITE_COMPILED_MODEL(model);

static const struct glyphite_board board GLYPHITE_CONST = {
    GLYPHITE_BOARD_NAME, GLYPHITE_CLOCK_HZ, GLYPHITE_TIMER_HZ, GLYPHITE_RECEIVE_BUFFER, port_ticks};

static struct glyphite_application application;

int main(void) {
    uint8_t byte;
    port_start();
    glyphite_begin(&application, &model, &board);
    model_input(); /* an interpreter is set up by this: now, not while the first tensor arrives */
    while (port_read(&byte)) {
        glyphite_sink(&application, byte);
        while (glyphite_poll(&application, &byte)) {
            port_write(byte);
        }
    }
    return 0;
}
