#include "model.h"

static int8_t model_arena[MODEL_ARENA_BYTES];

int8_t *model_input(void) {
    return model_arena;
}

static int8_t saturate(int sum) {
    return (int8_t)(sum > 127 ? 127 : sum < -128 ? -128 : sum);
}

void model_invoke(void) {
    /* The scores overwrite the input, as a planned arena may. */
    for (int c = 0; c < MODEL_OUTPUT_BYTES; c++) {
        model_arena[c] = saturate(model_arena[c] + 2 * model_arena[c + 1] + c);
    }
}

const int8_t *model_output(void) {
    return model_arena;
}
