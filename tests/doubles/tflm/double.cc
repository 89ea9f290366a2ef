// Test double of TensorFlow Lite Micro's interpreter. Built with
//   -DTFLM_DOUBLE_ARENA_BYTES=<what the real one needs for the model>
//   -Dmodel_input=compiled_input -Dmodel_invoke=compiled_invoke -Dmodel_output=compiled_output
// and linked with model.c of `glyphite compile`, built with the same renaming: the answers are its.
#include "tensorflow/lite/micro/micro_interpreter.h"

#include <stdio.h>
#include <stdlib.h>

#include "model.h"

namespace tflite {
namespace micro {

namespace {

// The real interpreter takes these on trust, and a board then stops in a fault.
void insist(bool promise, const char *text) {
    if (!promise) {
        fprintf(stderr, "double of TensorFlow Lite Micro: %s\n", text);
        abort();
    }
}

bool is_aligned(const void *address) {
    return reinterpret_cast<uintptr_t>(address) % 16 == 0;
}

// As the real one, it looks for the operators that run, not for all that the file lists.
bool all_registered(const Model &model, const MicroOpResolver &resolver) {
    const auto *operators = model.subgraphs()->Get(0)->operators();
    for (uint32_t index = 0; index < operators->size(); index++) {
        const uint32_t code = operators->Get(index)->opcode_index();
        if (resolver.FindOp(model.operator_codes()->Get(code)->builtin_code()) == nullptr)
            return false;
    }
    return true;
}

// The real library has objects that are made before main(); a board's start-up must do it.
volatile bool start = true;
const bool started = start;

// The real one works through the model for some milliseconds here, and bytes may arrive meanwhile.
void take_a_while() {
    for (volatile uint32_t round = 0; round < 500000; round = round + 1) {
    }
}

} // namespace

MicroInterpreter::MicroInterpreter(const Model *model, const MicroOpResolver &op_resolver,
                                   uint8_t *tensor_arena, size_t tensor_arena_size)
    : model_(model), op_resolver_(op_resolver), arena_(tensor_arena),
      arena_size_(tensor_arena_size), input_(), output_() {
    insist(started, "no constructor ran before main()");
    insist(model->version() == TFLITE_SCHEMA_VERSION, "the schema version was not checked");
    insist(is_aligned(tensor_arena), "the arena is not aligned to 16 bytes");
}

MicroInterpreter::~MicroInterpreter() {
}

TfLiteStatus MicroInterpreter::AllocateTensors() {
    if (arena_size_ < TFLM_DOUBLE_ARENA_BYTES || !all_registered(*model_, op_resolver_))
        return kTfLiteError;
    take_a_while();
    input_.data.int8 = reinterpret_cast<int8_t *>(arena_);
    input_.bytes = MODEL_INPUT_BYTES;
    input_.type = kTfLiteInt8;
    output_.data.int8 = input_.data.int8 + 16; // over the input, as a planned arena may have it
    output_.bytes = MODEL_OUTPUT_BYTES;
    output_.type = kTfLiteInt8;
    allocated_ = true;
    return kTfLiteOk;
}

TfLiteStatus MicroInterpreter::Invoke() {
    if (!allocated_)
        return kTfLiteError;
    memcpy(model_input(), input_.data.int8, MODEL_INPUT_BYTES);
    model_invoke();
    memcpy(output_.data.int8, model_output(), MODEL_OUTPUT_BYTES);
    return kTfLiteOk;
}

TfLiteTensor *MicroInterpreter::input(size_t index) {
    return index == 0 ? &input_ : nullptr;
}

TfLiteTensor *MicroInterpreter::output(size_t index) {
    return index == 0 ? &output_ : nullptr;
}

} // namespace micro
} // namespace tflite
