// Behind model.h: TensorFlow Lite Micro. While it cannot be set up, model_input() gives NULL, and
// the application answers every request with GLYPHITE_STATUS_NOT_READY.
#include "tflm_model.h"

#include <stdint.h>
#include <string.h>

#include <new>

#include "model.h"
#include "model_data.h"
#include "model_ops.h"
#include "model_test.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

using namespace tflite; // newer versions keep kTfLiteOk and the like there, older ones globally

constexpr uint32_t schema_version = 3;

alignas(16) uint8_t arena[MODEL_ARENA_BYTES];

// Made by placement new and never destroyed: a board needs no code to run at exit.
alignas(ModelOps) unsigned char ops_memory[sizeof(ModelOps)];
alignas(MicroInterpreter) unsigned char interpreter_memory[sizeof(MicroInterpreter)];

MicroInterpreter *interpreter; // nullptr until it is ready
bool invoked;                  // the last model_invoke succeeded
bool tried;
tflm_state state;

bool has_operator(const ModelOps &ops, const OperatorCode &code) {
    // The schema's first field for the operator's number had a byte; larger numbers are in the new.
    int32_t number = static_cast<int32_t>(code.builtin_code());
    if (number < code.deprecated_builtin_code())
        number = code.deprecated_builtin_code();
    if (number == BuiltinOperator_CUSTOM)
        return code.custom_code() != nullptr && ops.FindOp(code.custom_code()->c_str()) != nullptr;
    return ops.FindOp(static_cast<BuiltinOperator>(number)) != nullptr;
}

// The operators that run: a file may list more.
bool has_operators(const ModelOps &ops, const Model &model) {
    for (uint32_t graph = 0; graph < model.subgraphs()->size(); graph++) {
        const auto *operators = model.subgraphs()->Get(graph)->operators();
        for (uint32_t index = 0; operators != nullptr && index < operators->size(); index++) {
            const uint32_t code = operators->Get(index)->opcode_index();
            if (!has_operator(ops, *model.operator_codes()->Get(code)))
                return false;
        }
    }
    return true;
}

constexpr TfLiteType type_of(const int8_t *) {
    return kTfLiteInt8;
}

constexpr TfLiteType type_of(const float *) {
    return kTfLiteFloat32;
}

template <typename T>
bool holds(const TfLiteTensor *tensor, size_t bytes) {
    const T *none = nullptr;
    return tensor != nullptr && tensor->type == type_of(none) && tensor->bytes == bytes;
}

// Whether the library gives TensorFlow Lite Micro's bytes, as far as one run can tell.
bool passes_test(MicroInterpreter &made) {
#ifdef MODEL_TEST_SEED
    static const uint8_t answer[MODEL_OUTPUT_BYTES] = MODEL_TEST_ANSWER;
    uint8_t *input = static_cast<uint8_t *>(made.input(0)->data.data);
    uint32_t state = MODEL_TEST_SEED;
    for (uint32_t index = 0; index < MODEL_INPUT_BYTES; index++) {
        state = state * 1664525u + 1013904223u;
        const bool other = (state >> 24) % (MODEL_TEST_SEED + 1) == 0;
        input[index] = static_cast<uint8_t>(other ? state >> 16 : MODEL_INPUT_ZERO_POINT);
    }
    return made.Invoke() == kTfLiteOk &&
           memcmp(made.output(0)->data.data, answer, sizeof answer) == 0;
#else
    static_cast<void>(made);
    return true;
#endif
}

tflm_state setup() {
    if (memcmp(model_data + 4, "TFL3", 4) != 0)
        return TFLM_WRONG_IDENTIFIER;
    const Model *model = GetModel(model_data);
    if (model->version() != schema_version)
        return TFLM_WRONG_VERSION;
    ModelOps *ops = new (ops_memory) ModelOps();
    if (add_model_ops(*ops) != nullptr || !has_operators(*ops, *model))
        return TFLM_MISSING_OPERATOR;
    MicroInterpreter *made =
        new (interpreter_memory) MicroInterpreter(model, *ops, arena, sizeof arena);
    if (made->AllocateTensors() != kTfLiteOk)
        return TFLM_NOT_ALLOCATED;
    if (!holds<MODEL_INPUT_TYPE>(made->input(0), MODEL_INPUT_BYTES) ||
        !holds<MODEL_OUTPUT_TYPE>(made->output(0), MODEL_OUTPUT_BYTES))
        return TFLM_WRONG_TENSORS;
    interpreter = made;
    return passes_test(*made) ? TFLM_READY : TFLM_OTHER_BYTES;
}

} // namespace

tflm_state tflm_model_setup() {
    if (!tried) {
        tried = true;
        state = setup();
    }
    return state;
}

const char *tflm_model_fault() {
    switch (tflm_model_setup()) {
    case TFLM_READY:
        return "ready";
    case TFLM_OTHER_BYTES:
        return "This library computes other bytes than TensorFlow Lite Micro on a PC: name it in "
               "glyphite export --tflm --library.";
    case TFLM_WRONG_IDENTIFIER:
        return "model_data.cc holds no .tflite model (no TFL3 in it): export the model again.";
    case TFLM_WRONG_VERSION:
        return "The model's schema is not version 3: export the model again.";
    case TFLM_MISSING_OPERATOR:
        return "model_ops.h lacks an operator of the model, or room for it: export the model "
               "again.";
    case TFLM_NOT_ALLOCATED:
        return "TensorFlow Lite Micro cannot prepare the model: raise MODEL_ARENA_BYTES in "
               "model.h, or use a newer TensorFlow Lite Micro.";
    default:
        return "The model's input or output is not what model.h says: export the model again.";
    }
}

// What hello tells: at most 32 bytes.
extern "C" const char *glyphite_remark(void) {
    switch (tflm_model_setup()) {
    case TFLM_READY:
        return nullptr;
    case TFLM_OTHER_BYTES:
        return "self-test gave other bytes";
    case TFLM_WRONG_IDENTIFIER:
        return "model_data.cc holds no .tflite";
    case TFLM_WRONG_VERSION:
        return "schema is not version 3";
    case TFLM_MISSING_OPERATOR:
        return "an operator is missing";
    case TFLM_NOT_ALLOCATED:
        return "arena too small, or old kernels";
    default:
        return "other tensors than in model.h";
    }
}

MODEL_INPUT_TYPE *model_input() {
    return tflm_model_setup() >= TFLM_READY
               ? static_cast<MODEL_INPUT_TYPE *>(interpreter->input(0)->data.data)
               : nullptr;
}

void model_invoke() {
    invoked = tflm_model_setup() >= TFLM_READY && interpreter->Invoke() == kTfLiteOk;
}

const MODEL_OUTPUT_TYPE *model_output() {
    return invoked ? static_cast<const MODEL_OUTPUT_TYPE *>(interpreter->output(0)->data.data)
                   : nullptr;
}
