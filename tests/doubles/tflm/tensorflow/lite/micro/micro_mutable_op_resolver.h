// Test double of tflite::MicroMutableOpResolver, with the operators of the tests' models.
#ifndef TFLM_DOUBLE_MICRO_MUTABLE_OP_RESOLVER_H
#define TFLM_DOUBLE_MICRO_MUTABLE_OP_RESOLVER_H

#include <string.h>

#include "double_c_types.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace tflite {
namespace micro {

class MicroOpResolver {
  public:
    virtual const TFLMRegistration *FindOp(BuiltinOperator op) const = 0;
    virtual const TFLMRegistration *FindOp(const char *op) const = 0;
    virtual ~MicroOpResolver() {
    }
};

template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
  public:
    explicit MicroMutableOpResolver() {
    }

    const TFLMRegistration *FindOp(BuiltinOperator op) const override {
        for (unsigned int index = 0; index < count; index++) {
            if (op != BuiltinOperator_CUSTOM && registrations[index].builtin_code == op)
                return &registrations[index];
        }
        return nullptr;
    }

    const TFLMRegistration *FindOp(const char *op) const override {
        for (unsigned int index = 0; index < count; index++) {
            const char *name = registrations[index].custom_name;
            if (name != nullptr && strcmp(name, op) == 0)
                return &registrations[index];
        }
        return nullptr;
    }

    TfLiteStatus AddAdd() {
        return AddBuiltin(BuiltinOperator_ADD);
    }
    TfLiteStatus AddConv2D() {
        return AddBuiltin(BuiltinOperator_CONV_2D);
    }
    TfLiteStatus AddFullyConnected() {
        return AddBuiltin(BuiltinOperator_FULLY_CONNECTED);
    }
    TfLiteStatus AddMaxPool2D() {
        return AddBuiltin(BuiltinOperator_MAX_POOL_2D);
    }
    TfLiteStatus AddReshape() {
        return AddBuiltin(BuiltinOperator_RESHAPE);
    }
    TfLiteStatus AddSoftmax() {
        return AddBuiltin(BuiltinOperator_SOFTMAX);
    }

  private:
    TfLiteStatus AddBuiltin(BuiltinOperator op) {
        if (count >= tOpCount || FindOp(op) != nullptr)
            return kTfLiteError;
        registrations[count++] = {op, nullptr};
        return kTfLiteOk;
    }

    TFLMRegistration registrations[tOpCount];
    unsigned int count = 0;
};

} // namespace micro
using micro::MicroMutableOpResolver;
using micro::MicroOpResolver;
} // namespace tflite

#endif
