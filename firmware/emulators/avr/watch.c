#include "watch.h"

#include "fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void watch_begin(struct watch *watch, const char *plan, const char *report) {
    char kind[8];
    FILE *file = fopen(plan, "r");
    if (file == NULL) {
        fail("cannot read", plan);
    }
    watch->report = report;
    while (watch->parts < WATCHED_PARTS &&
           fscanf(file, "%7s %" SCNx32 " 0", kind, &watch->begins[watch->parts]) == 2) {
        if (strcmp(kind, watch->parts == 0 ? "begin" : "part") != 0) {
            fail("not understood:", kind);
        }
        watch->parts++;
    }
    if (!feof(file) || watch->parts == 0) {
        fail("not a plan:", plan);
    }
    fclose(file);
}

/* Written before the sketch can tell the host that it has an answer. */
static void report(const struct watch *watch) {
    FILE *file = fopen(watch->report, "w");
    if (file == NULL) {
        fail("cannot write", watch->report);
    }
    fprintf(file, "calls %" PRIu64 "\nstack %u\nbalance 0\n", watch->calls,
            (unsigned)(watch->pointer - watch->lowest));
    for (unsigned part = 0; part < watch->parts; part++) {
        fprintf(file, "cycles %u %" PRIu64 "\n", part, watch->cycles[part]);
    }
    fclose(file);
}

static void enter(struct watch *watch, uint16_t pointer) {
    memset(watch->cycles, 0, sizeof watch->cycles);
    watch->inside = true;
    watch->part = 0;
    watch->pointer = watch->lowest = pointer;
}

/* A function has returned when its return address is off the stack. */
static void go_on(struct watch *watch, uint32_t pc, uint16_t pointer, uint64_t cycles) {
    watch->cycles[watch->part] += cycles;
    if (pointer < watch->lowest) {
        watch->lowest = pointer;
    }
    if (pointer > watch->pointer) {
        watch->inside = false;
        watch->calls++;
        report(watch);
        return;
    }
    for (unsigned part = 1; part < watch->parts; part++) {
        if (watch->begins[part] == pc) {
            watch->part = part;
        }
    }
}

void watch_step(struct watch *watch, uint32_t pc, uint16_t pointer, uint64_t cycles) {
    if (watch->report == NULL) {
        return;
    }
    if (watch->inside) {
        go_on(watch, pc, pointer, cycles);
    } else if (pc == watch->begins[0]) {
        enter(watch, pointer);
    }
}
