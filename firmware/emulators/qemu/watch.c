/* A QEMU plugin that watches one function of a firmware: what runs in it, and how deep its stack
 * goes. README.md has the formats of the plan and of the report. */
#include "plugin.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS = 4096, SKIPPED = 16 };

/* Addresses from `start` on, before `end`. */
struct span {
    uint64_t start;
    uint64_t end;
};

/* An instruction that moves the stack pointer by a known number of bytes. */
struct move {
    uint64_t address;
    int64_t bytes;
};

/* Instructions that run in a row, counted for each part of the function. */
struct block {
    struct block *next;
    uint64_t start;
    uint64_t end; /* behind its last instruction */
    size_t instructions;
    size_t part;      /* that begins with it; 0: none does */
    int64_t moved;    /* how far the stack pointer is behind it */
    int64_t lowest;   /* the least that it is within it */
    uint64_t *runs;   /* by part */
    uint64_t *leaves; /* by part: how often it is followed by another place than its end */
};

static struct {
    uint64_t begin;        /* where the function begins */
    uint64_t marks[MARKS]; /* where its parts begin; part 0 is what comes before them */
    size_t parts;
    struct span skipped[SKIPPED]; /* interrupts' functions: they come between any two blocks */
    size_t skipped_count;
    struct move *moves; /* by rising address */
    size_t moves_count;
    const char *report;
} plan = {.parts = 1};

static struct {
    struct block *blocks;
    struct block *previous; /* that ran last */
    bool inside;            /* the function */
    uint64_t returns_to;
    size_t part;
    int64_t stack; /* the pointer against that at the function's begin */
    int64_t lowest;
    uint64_t calls;
} state;

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_API;

static void fail(const char *what, const char *name) {
    fprintf(stderr, "watch: %s %s\n", what, name);
    exit(1);
}

static void *zeros(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL) {
        fail("no memory for", "the counts");
    }
    return memory;
}

/* --- the plan ------------------------------------------------------------------------------- */

static void add_move(uint64_t address, int64_t bytes) {
    struct move *moves = realloc(plan.moves, (plan.moves_count + 1) * sizeof *moves);
    if (moves == NULL) {
        fail("no memory for", "the plan");
    }
    moves[plan.moves_count] = (struct move){address, bytes};
    plan.moves = moves;
    plan.moves_count++;
}

static void read_plan(const char *path) {
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail("cannot read", path);
    }
    char kind[8];
    unsigned long long address;
    long long bytes;
    while (fscanf(file, "%7s %llx %lld", kind, &address, &bytes) == 3) {
        if (strcmp(kind, "begin") == 0) {
            plan.begin = address;
        } else if (strcmp(kind, "part") == 0 && plan.parts < MARKS) {
            plan.marks[plan.parts++] = address;
        } else if (strcmp(kind, "move") == 0) {
            add_move(address, bytes);
        } else if (strcmp(kind, "skip") == 0 && plan.skipped_count < SKIPPED) {
            plan.skipped[plan.skipped_count++] = (struct span){address, address + (uint64_t)bytes};
        } else {
            fail("not understood:", kind);
        }
    }
    if (!feof(file) || plan.begin == 0) {
        fail("not a plan:", path);
    }
    fclose(file);
}

static int by_address(const void *key, const void *entry) {
    const uint64_t address = *(const uint64_t *)key;
    const uint64_t other = ((const struct move *)entry)->address;
    return (address > other) - (address < other);
}

/* --- what ran ------------------------------------------------------------------------------- */

static void forget(void) {
    for (struct block *block = state.blocks; block != NULL; block = block->next) {
        memset(block->runs, 0, plan.parts * sizeof *block->runs);
        memset(block->leaves, 0, plan.parts * sizeof *block->leaves);
    }
    state.part = 0;
    state.stack = 0;
    state.lowest = 0;
}

/* Written when the function returns, so before the firmware can tell anyone that it did. */
static void write_report(void) {
    FILE *file = fopen(plan.report, "w");
    if (file == NULL) {
        fail("cannot write", plan.report);
    }
    fprintf(file, "calls %llu\nstack %lld\nbalance %lld\n", (unsigned long long)state.calls,
            (long long)-state.lowest, (long long)state.stack);
    for (const struct block *block = state.blocks; block != NULL; block = block->next) {
        for (size_t part = 0; part < plan.parts; part++) {
            if (block->runs[part] != 0) {
                fprintf(file, "block %zu %llx %llx %zu %llu %llu\n", part,
                        (unsigned long long)block->start, (unsigned long long)block->end,
                        block->instructions, (unsigned long long)block->runs[part],
                        (unsigned long long)block->leaves[part]);
            }
        }
    }
    fclose(file);
}

/* A call ends the block that it is in, so the function returns to that block's end. */
static void enter_or_leave(const struct block *block, const struct block *before) {
    if (!state.inside && block->start == plan.begin && before != NULL) {
        forget();
        state.inside = true;
        state.returns_to = before->end;
    } else if (state.inside && block->start == state.returns_to) {
        state.inside = false;
        state.calls++;
        write_report();
    }
}

static void executed(unsigned int processor, void *data) {
    struct block *block = data;
    struct block *before = state.previous;
    (void)processor;
    state.previous = block;
    if (state.inside && block->start != before->end) {
        before->leaves[state.part]++;
    }
    enter_or_leave(block, before);
    if (!state.inside) {
        return;
    }
    if (block->part != 0) {
        state.part = block->part;
    }
    block->runs[state.part]++;
    if (state.stack + block->lowest < state.lowest) {
        state.lowest = state.stack + block->lowest;
    }
    state.stack += block->moved;
}

/* --- translation ---------------------------------------------------------------------------- */

static size_t part_at(uint64_t address) {
    for (size_t part = 1; part < plan.parts; part++) {
        if (plan.marks[part] == address) {
            return part;
        }
    }
    return 0;
}

/* The first halfword tells the two sizes apart (Armv7-M Architecture Reference Manual, A5.1). QEMU
 * has a size too, but it counts bytes in that it looked at beyond the end of a page. */
static uint64_t size_of(const struct qemu_plugin_insn *instruction) {
    const uint8_t *bytes = qemu_plugin_insn_data(instruction);
    return bytes[1] >> 3 >= 0x1D ? 4 : 2;
}

static bool is_skipped(uint64_t address) {
    for (size_t index = 0; index < plan.skipped_count; index++) {
        if (address >= plan.skipped[index].start && address < plan.skipped[index].end) {
            return true;
        }
    }
    return false;
}

static void add_instruction(struct block *block, const struct qemu_plugin_insn *instruction) {
    const uint64_t address = qemu_plugin_insn_vaddr(instruction);
    const struct move *move =
        bsearch(&address, plan.moves, plan.moves_count, sizeof *plan.moves, by_address);
    block->end = address + size_of(instruction);
    if (move != NULL) {
        block->moved += move->bytes;
        block->lowest = block->moved < block->lowest ? block->moved : block->lowest;
    }
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    const uint64_t start = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
    (void)id;
    if (is_skipped(start)) {
        return;
    }
    struct block *block = zeros(1, sizeof *block);
    block->start = start;
    block->instructions = qemu_plugin_tb_n_insns(tb);
    for (size_t index = 0; index < block->instructions; index++) {
        add_instruction(block, qemu_plugin_tb_get_insn(tb, index));
    }
    block->part = part_at(block->start);
    block->runs = zeros(plan.parts, sizeof *block->runs);
    block->leaves = zeros(plan.parts, sizeof *block->leaves);
    block->next = state.blocks;
    state.blocks = block;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, QEMU_PLUGIN_CB_NO_REGS, block);
}

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int count,
                                      char **arguments);

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int count,
                                      char **arguments) {
    static char report[4096];
    (void)info;
    for (int index = 0; index < count; index++) {
        if (strncmp(arguments[index], "plan=", 5) == 0) {
            read_plan(arguments[index] + 5);
        } else if (strncmp(arguments[index], "report=", 7) == 0) {
            snprintf(report, sizeof report, "%s", arguments[index] + 7);
        }
    }
    if (plan.begin == 0 || report[0] == '\0') {
        fail("usage:", "-plugin watch.so,plan=FILE,report=FILE");
    }
    plan.report = report;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
