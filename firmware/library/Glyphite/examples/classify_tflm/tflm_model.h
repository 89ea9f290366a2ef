/* The model of model.h, run by TensorFlow Lite Micro.
 *
 * tflm_model.cc defines the functions that model.h declares (model_input, model_invoke,
 * model_output), so whatever links with compiled C links with this in its place: a sketch, or the
 * main of firmware/ports. It needs the files that `glyphite export --tflm` makes beside it. */
#ifndef TFLM_MODEL_H
#define TFLM_MODEL_H

#ifdef __cplusplus
extern "C" {
#endif

enum tflm_state {
    TFLM_OTHER_BYTES = 1, /* ready, but the run of model_test.h gave another answer */
    TFLM_READY = 0,
    TFLM_WRONG_IDENTIFIER = -1, /* model_data is not a .tflite */
    TFLM_WRONG_VERSION = -2,    /* its schema has another version than 3 */
    TFLM_MISSING_OPERATOR = -3, /* model_ops.h lacks an operator that the model uses */
    TFLM_NOT_ALLOCATED = -4,    /* the arena is too small, or a kernel refuses the model */
    TFLM_WRONG_TENSORS = -5     /* input or output are not what model.h says */
};

/* Set the interpreter up and try it; later calls give the state of the first. model_input does it
 * too, so calling this is for those who want to know early. */
enum tflm_state tflm_model_setup(void);

/* What is wrong and what mends it, as one sentence; "ready" when nothing is. */
const char *tflm_model_fault(void);

#ifdef __cplusplus
}
#endif

#endif
