#include "glyphite_mlperf.h"

#include <stddef.h>
#include <string.h>

#include "glyphite_values.h"

#define END "\r\n"
#define FIRMWARE "ULPMark for tinyML Firmware V0.0.1" /* by which a runner knows the protocol */
#define WARMUPS 10u                                   /* where `infer` names none */
#define BYTES_PRINTED 8u                              /* on a line of `db print` */
#define COARSE 1000u                                  /* results have three decimals, */
#define FINE 1000000u                                 /* or six where the model's scale is finer */

/* A command: its first word, or the second behind `db`, and what runs it. */
struct command {
    char name[10];
    void (*run)(struct glyphite_mlperf *application, char *rest);
};

/* Copy from program memory to RAM. */
static void load(void *target, const void *source, uint8_t bytes) {
    for (uint8_t index = 0; index < bytes; index++) {
        ((uint8_t *)target)[index] = GLYPHITE_READ_BYTE((const uint8_t *)source + index);
    }
}

/* --- time ---------------------------------------------------------------------------------- */

/* Ticks since the start, which do not wrap where this is asked often enough. */
static uint64_t elapsed(struct glyphite_mlperf *application) {
    uint32_t now = application->ticks();
    application->elapsed += now - application->last;
    application->last = now;
    return application->elapsed;
}

static void say_time(struct glyphite_mlperf *application) {
    uint64_t ticks = elapsed(application);
    uint64_t seconds = ticks / application->timer_hz;
    uint64_t rest = ticks % application->timer_hz;
    GLYPHITE_SAY(application->write, "m-lap-us-");
    glyphite_say_number(application->write,
                        seconds * 1000000u + rest * 1000000u / application->timer_hz);
    GLYPHITE_SAY(application->write, END);
}

/* --- the model ----------------------------------------------------------------------------- */

static bool quantizes(const struct glyphite_mlperf *application) {
    return application->task.input == GLYPHITE_MLPERF_FLOATS && application->input_scale > 0;
}

/* What is kept of the host's bytes is this much other than they: pixels are kept as the tensor. */
static uint8_t flipped(const struct glyphite_mlperf *application) {
    return application->task.input == GLYPHITE_MLPERF_PIXELS ? 0x80 : 0;
}

/* The input tensor: what is kept of the host's bytes, or made of them behind them. */
static const uint8_t *tensor(const struct glyphite_mlperf *application) {
    const struct glyphite_mlperf_task *task = &application->task;
    if (!quantizes(application)) {
        return task->data;
    }
    for (uint32_t index = 0; index < application->engine.input_bytes; index++) {
        float value = glyphite_real(task->data, index, 0, 0);
        task->data[task->data_bytes + index] = (uint8_t)glyphite_quantized(
            value, application->input_scale, application->input_zero_point);
    }
    return task->data + task->data_bytes;
}

/* A run may overwrite its input, so each gets it anew. */
static void run_times(struct glyphite_mlperf *application, const uint8_t *from, uint32_t count) {
    for (; count > 0; count--) {
        memcpy(application->engine.input(), from, application->engine.input_bytes);
        application->engine.invoke();
        elapsed(application); /* a run takes less than the ticks need to wrap */
    }
}

static uint32_t values_out(const struct glyphite_mlperf *application) {
    uint32_t bytes = application->engine.output_bytes;
    return application->output_scale > 0 ? bytes : bytes / (uint32_t)sizeof(float);
}

/* The mean of (output - input)^2 over all values, which are as many on either side. */
static float squared_error(const struct glyphite_mlperf *application) {
    float sum = 0;
    uint32_t values = values_out(application);
    for (uint32_t index = 0; index < values; index++) {
        float difference =
            glyphite_real(application->engine.scores, index, application->output_scale,
                          application->output_zero_point) -
            glyphite_real(application->task.data, index, 0, 0);
        sum += difference * difference;
    }
    return sum / (float)values;
}

/* Nothing is kept where the model failed. */
static void keep_results(struct glyphite_mlperf *application) {
    const int8_t *scores = application->engine.output();
    if (scores == NULL) {
        return;
    }
    memcpy(application->engine.scores, scores, application->engine.output_bytes);
    if (application->task.input == GLYPHITE_MLPERF_FLOATS) {
        application->error = squared_error(application);
    }
    application->answered = true;
}

/* --- commands ------------------------------------------------------------------------------ */

/* The number that comes next, or `usual` where there is none; false, and said: it is no number. */
static bool next_number(struct glyphite_mlperf *application, char **rest, uint32_t usual,
                        uint32_t *number) {
    const char *word = glyphite_next_word(rest);
    *number = usual;
    if (word == NULL || glyphite_number_of(word, number)) {
        return true;
    }
    GLYPHITE_SAY(application->write, "e-[Not a number: ");
    glyphite_say_word(application->write, word);
    GLYPHITE_SAY(application->write, "]" END);
    return false;
}

static void name(struct glyphite_mlperf *application, char *rest) {
    (void)rest;
    GLYPHITE_SAY(application->write, "m-name-dut-[");
    glyphite_say(application->write, application->board->name);
    GLYPHITE_SAY(application->write, "]" END);
}

static void profile(struct glyphite_mlperf *application, char *rest) {
    (void)rest;
    GLYPHITE_SAY(application->write, "m-profile-[" FIRMWARE "]" END "m-model-[");
    glyphite_say_word(application->write, application->task.id);
    GLYPHITE_SAY(application->write, "]" END);
}

static void timestamp(struct glyphite_mlperf *application, char *rest) {
    (void)rest;
    say_time(application);
}

static void help(struct glyphite_mlperf *application, char *rest) {
    (void)rest;
    GLYPHITE_SAY(application->write, FIRMWARE END
                 "A command ends with a percent sign." END "name, profile, timestamp, help" END
                 "db load N: N bytes of input will come" END "db HEX: the next of them" END
                 "db print [N] [FIRST]: those that have come" END
                 "infer [N] [W]: run N times, after W times unmeasured" END
                 "results: those of the last run, again" END);
}

static void results(struct glyphite_mlperf *application, char *rest) {
    (void)rest;
    if (!application->answered) {
        GLYPHITE_SAY(application->write, "e-[There are no results]" END);
        return;
    }
    GLYPHITE_SAY(application->write, "m-results-[");
    if (application->task.input == GLYPHITE_MLPERF_FLOATS) {
        glyphite_say_real(application->write, application->error, COARSE);
    } else {
        uint32_t unit = application->output_scale * (float)COARSE < 1.0f ? FINE : COARSE;
        for (uint32_t index = 0; index < values_out(application); index++) {
            if (index > 0) {
                application->write(',');
            }
            float value = glyphite_real(application->engine.scores, index,
                                        application->output_scale, application->output_zero_point);
            glyphite_say_real(application->write, value, unit);
        }
    }
    GLYPHITE_SAY(application->write, "]" END);
}

static void measure(struct glyphite_mlperf *application, uint32_t runs, uint32_t warmups) {
    const uint8_t *input = tensor(application);
    GLYPHITE_SAY(application->write, "m-warmup-start-");
    glyphite_say_number(application->write, warmups);
    GLYPHITE_SAY(application->write, END);
    run_times(application, input, warmups);
    GLYPHITE_SAY(application->write, "m-warmup-done" END "m-infer-start-");
    glyphite_say_number(application->write, runs);
    GLYPHITE_SAY(application->write, END);
    say_time(application);
    run_times(application, input, runs);
    say_time(application);
    keep_results(application);
    GLYPHITE_SAY(application->write, "m-infer-done" END);
    results(application, NULL);
}

static void infer(struct glyphite_mlperf *application, char *rest) {
    uint32_t runs;
    uint32_t warmups;
    if (!next_number(application, &rest, 1, &runs) ||
        !next_number(application, &rest, WARMUPS, &warmups)) {
        return;
    }
    application->answered = false;
    if (runs == 0) {
        GLYPHITE_SAY(application->write, "e-[At least one run is needed]" END);
    } else if (application->engine.input() == NULL) {
        GLYPHITE_SAY(application->write, "e-[The model could not be set up]" END);
    } else if (application->received != application->task.data_bytes) {
        GLYPHITE_SAY(application->write, "e-[The input has ");
        glyphite_say_number(application->write, application->received);
        GLYPHITE_SAY(application->write, " of ");
        glyphite_say_number(application->write, application->task.data_bytes);
        GLYPHITE_SAY(application->write, " bytes]" END);
    } else {
        measure(application, runs, warmups);
    }
}

static void db_load(struct glyphite_mlperf *application, char *rest) {
    uint32_t bytes;
    application->expected = application->received = 0;
    if (!next_number(application, &rest, 0, &bytes)) {
        return;
    }
    if (bytes == 0) {
        GLYPHITE_SAY(application->write, "e-['db load' needs a number of bytes above 0]" END);
    } else if (bytes > application->task.data_bytes) {
        GLYPHITE_SAY(application->write, "e-[There is room for ");
        glyphite_say_number(application->write, application->task.data_bytes);
        GLYPHITE_SAY(application->write, " bytes]" END);
    } else {
        application->expected = bytes;
        GLYPHITE_SAY(application->write, "m-[Expecting ");
        glyphite_say_number(application->write, bytes);
        GLYPHITE_SAY(application->write, " bytes]" END);
    }
}

static void db_print(struct glyphite_mlperf *application, char *rest) {
    uint32_t count;
    uint32_t first;
    if (!next_number(application, &rest, UINT32_MAX, &count) ||
        !next_number(application, &rest, 0, &first)) {
        return;
    }
    uint32_t there = first < application->received ? application->received - first : 0;
    for (uint32_t index = 0; index < count && index < there; index++) {
        if (index % BYTES_PRINTED > 0) {
            application->write('-');
        } else if (index > 0) {
            GLYPHITE_SAY(application->write, END "m-buffer-");
        } else {
            GLYPHITE_SAY(application->write, "m-buffer-");
        }
        glyphite_say_hex(application->write,
                         application->task.data[first + index] ^ flipped(application));
    }
    if (count > 0 && there > 0) {
        GLYPHITE_SAY(application->write, END);
    }
}

/* Take bytes of the input: those of a whole command, or none where something is wrong with it. */
static void db_bytes(struct glyphite_mlperf *application, const char *digits) {
    uint8_t bytes[GLYPHITE_MLPERF_LINE / 2];
    uint8_t count = 0;
    for (; digits[0] != '\0'; digits += 2) {
        int8_t high = glyphite_digit_of(digits[0]);
        int8_t low = digits[1] == '\0' ? 0 : glyphite_digit_of(digits[1]);
        if (high < 0 || low < 0) {
            GLYPHITE_SAY(application->write, "e-[Not a hexadecimal digit]" END);
            return;
        }
        if (digits[1] == '\0') {
            GLYPHITE_SAY(application->write, "e-[An odd number of hexadecimal digits]" END);
            return;
        }
        bytes[count++] = (uint8_t)(16 * high + low) ^ flipped(application);
    }
    if (count > application->expected - application->received) {
        GLYPHITE_SAY(application->write, "e-[More than the ");
        glyphite_say_number(application->write, application->expected);
        GLYPHITE_SAY(application->write, " bytes that 'db load' announced]" END);
        return;
    }
    memcpy(application->task.data + application->received, bytes, count);
    application->received += count;
    if (application->received == application->expected) {
        GLYPHITE_SAY(application->write, "m-load-done" END);
    }
}

static bool dispatch(struct glyphite_mlperf *application, const struct command *commands,
                     uint8_t count, const char *word, char *rest) {
    for (uint8_t index = 0; index < count; index++) {
        struct command command;
        load(&command, &commands[index], sizeof command);
        if (strcmp(command.name, word) == 0) {
            command.run(application, rest);
            return true;
        }
    }
    return false;
}

static const struct command db_commands[] GLYPHITE_CONST = {{"load", db_load}, {"print", db_print}};

static void db(struct glyphite_mlperf *application, char *rest) {
    const char *word = glyphite_next_word(&rest);
    if (word == NULL) {
        GLYPHITE_SAY(application->write, "e-['db' needs 'load', 'print' or bytes]" END);
    } else if (!dispatch(application, db_commands, sizeof db_commands / sizeof db_commands[0], word,
                         rest)) {
        db_bytes(application, word);
    }
}

static const struct command commands[] GLYPHITE_CONST = {
    {"name", name}, {"profile", profile}, {"timestamp", timestamp}, {"help", help},
    {"db", db},     {"infer", infer},     {"results", results}};

static void run_command(struct glyphite_mlperf *application) {
    char *rest = application->line;
    if (application->too_long) {
        GLYPHITE_SAY(application->write, "e-[A command has at most 80 characters]" END);
        return;
    }
    const char *word = glyphite_next_word(&rest);
    if (word == NULL) {
        GLYPHITE_SAY(application->write, "e-[Unknown command: ]" END);
    } else if (!dispatch(application, commands, sizeof commands / sizeof commands[0], word, rest)) {
        GLYPHITE_SAY(application->write, "e-[Unknown command: ");
        glyphite_say_word(application->write, word);
        GLYPHITE_SAY(application->write, "]" END);
    }
}

static void forget_line(struct glyphite_mlperf *application) {
    application->length = 0;
    application->too_long = false;
}

void glyphite_mlperf_sink(struct glyphite_mlperf *application, uint8_t byte) {
    uint64_t now = elapsed(application);
    if (now - application->heard > (uint64_t)GLYPHITE_MLPERF_SILENCE * application->timer_hz) {
        forget_line(application);
    }
    if (byte == '%') {
        application->line[application->length] = '\0';
        run_command(application);
        GLYPHITE_SAY(application->write, "m-ready" END);
        forget_line(application);
    } else if (byte == '\0' || byte == '\r' || byte == '\n') {
        /* of a terminal program: the protocol has none */
    } else if (application->length < GLYPHITE_MLPERF_LINE) {
        application->line[application->length++] = (char)byte;
    } else {
        application->too_long = true;
    }
    application->heard = elapsed(application);
}

void glyphite_mlperf_begin(struct glyphite_mlperf *application, const struct glyphite_model *model,
                           const struct glyphite_board *board,
                           const struct glyphite_mlperf_task *task, glyphite_write write) {
    memset(application, 0, sizeof *application);
    application->model = model;
    application->board = board;
    application->write = write;
    load(&application->task, task, sizeof application->task);
    load(&application->engine, &model->engine, sizeof application->engine);
    load(&application->input_scale, &model->input_scale, sizeof application->input_scale);
    load(&application->input_zero_point, &model->input_zero_point,
         sizeof application->input_zero_point);
    load(&application->output_scale, &model->output_scale, sizeof application->output_scale);
    load(&application->output_zero_point, &model->output_zero_point,
         sizeof application->output_zero_point);
    load(&application->timer_hz, &board->timer_hz, sizeof application->timer_hz);
    load(&application->ticks, &board->ticks, sizeof application->ticks);
    application->last = application->ticks();
}

void glyphite_mlperf_announce(struct glyphite_mlperf *application) {
    GLYPHITE_SAY(application->write, "m-timestamp-mode-performance" END);
    say_time(application);
    GLYPHITE_SAY(application->write, "m-init-done" END "m-ready" END);
}
