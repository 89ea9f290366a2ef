// Test double of TensorFlow Lite Micro's C types, in the places of the version asked for:
// by default tflite::micro with aliases in tflite and globally (2026),
// with TFLM_NO_GLOBAL_C_ALIASES without the global ones,
// with TFLM_DOUBLE_OF_2025 globally only.
#ifndef TFLM_DOUBLE_C_TYPES_H
#define TFLM_DOUBLE_C_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifndef TFLM_DOUBLE_OF_2025
namespace tflite {
namespace micro {
#endif

typedef enum { kTfLiteFloat32 = 1, kTfLiteInt8 = 9 } TfLiteType;
typedef enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;

typedef union TfLitePtrUnion {
    int8_t *int8;
    void *data;
} TfLitePtrUnion;

typedef struct TfLiteTensor {
    TfLitePtrUnion data;
    size_t bytes;
    TfLiteType type;
} TfLiteTensor;

typedef struct TFLMRegistration {
    int32_t builtin_code;
    const char *custom_name;
} TFLMRegistration;

#ifndef TFLM_DOUBLE_OF_2025
} // namespace micro
using micro::kTfLiteError;
using micro::kTfLiteFloat32;
using micro::kTfLiteInt8;
using micro::kTfLiteOk;
using micro::TfLiteStatus;
using micro::TfLiteTensor;
using micro::TfLiteType;
using micro::TFLMRegistration;
} // namespace tflite
#ifndef TFLM_NO_GLOBAL_C_ALIASES
using ::tflite::micro::kTfLiteError;
using ::tflite::micro::kTfLiteFloat32;
using ::tflite::micro::kTfLiteInt8;
using ::tflite::micro::kTfLiteOk;
using ::tflite::micro::TfLiteStatus;
using ::tflite::micro::TfLiteTensor;
using ::tflite::micro::TfLiteType;
#endif
#endif

#endif
