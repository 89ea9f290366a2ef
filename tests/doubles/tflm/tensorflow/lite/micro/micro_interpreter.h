// Test double of tflite::MicroInterpreter, see double.cc.
#ifndef TFLM_DOUBLE_MICRO_INTERPRETER_H
#define TFLM_DOUBLE_MICRO_INTERPRETER_H

#include "double_c_types.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

#define TFLITE_SCHEMA_VERSION (3)

namespace tflite {
namespace micro {

class MicroInterpreter {
  public:
    MicroInterpreter(const Model *model, const MicroOpResolver &op_resolver, uint8_t *tensor_arena,
                     size_t tensor_arena_size);
    ~MicroInterpreter();
    MicroInterpreter(const MicroInterpreter &) = delete;
    MicroInterpreter &operator=(const MicroInterpreter &) = delete;

    TfLiteStatus AllocateTensors();
    TfLiteStatus Invoke();
    TfLiteTensor *input(size_t index);
    TfLiteTensor *output(size_t index);

  private:
    const Model *const model_;
    const MicroOpResolver &op_resolver_;
    uint8_t *const arena_;
    const size_t arena_size_;
    bool allocated_ = false;
    TfLiteTensor input_;
    TfLiteTensor output_;
};

} // namespace micro
using micro::MicroInterpreter;
} // namespace tflite

#endif
