/* The firmware that speaks MLPerf Tiny's text protocol, of boards without Arduino. The
 * GLYPHITE_... of the board come from its file, the GLYPHITE_MLPERF_... from the benchmark. */
#include "model.h"

#include "glyphite_mlperf.h"
#include "port.h"

GLYPHITE_COMPILED_MODEL(model);
GLYPHITE_MLPERF_TASK(task, GLYPHITE_MLPERF_ID, GLYPHITE_MLPERF_INPUT, GLYPHITE_MLPERF_DATA_BYTES);

static const struct glyphite_board board GLYPHITE_CONST = {
    GLYPHITE_BOARD_NAME, GLYPHITE_CLOCK_HZ, GLYPHITE_TIMER_HZ, GLYPHITE_RECEIVE_BUFFER, port_ticks};

static struct glyphite_mlperf application;

int main(void) {
    uint8_t byte;
    port_start();
    model_input(); /* an interpreter is set up by this */
    glyphite_mlperf_begin(&application, &model, &board, &task, port_write);
    glyphite_mlperf_announce(&application);
    while (port_read(&byte)) {
        glyphite_mlperf_sink(&application, byte);
    }
    return 0;
}
