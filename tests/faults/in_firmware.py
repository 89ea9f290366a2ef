"""Faults in the firmware's C: the frames, the application and the kernels."""

from tests.faults.fault import Fault

SRC = "firmware/library/Glyphite/src/"
PORTABLE = SRC + "kernels/portable/"
DSP = SRC + "kernels/dsp/"
AVR = SRC + "kernels/avr/"

FAULTS = (
    Fault(
        "any request gets the cached answer",
        SRC + "glyphite_application.c",
        "return application->answered && application->id == application->answered_id;",
        "return application->answered;",
        ("firmware/test_application.py",),
    ),
    Fault(
        "hello keeps the cached answer",
        SRC + "glyphite_application.c",
        "application->answered = false;",
        ";",
        ("firmware/test_application.py",),
    ),
    Fault(
        "a tensor may be too long",
        SRC + "glyphite_application.c",
        "if (application->received != application->engine.input_bytes) {",
        "if (application->received < application->engine.input_bytes) {",
        ("firmware/test_application.py",),
    ),
    Fault(
        "inferences are not counted",
        SRC + "glyphite_application.c",
        "application->inferences++;",
        "",
        ("firmware/test_application.py",),
    ),
    Fault(
        "a frame that lost its end may pass",
        SRC + "glyphite_frame.c",
        "bool good = decoder->left == 0 && decoder->holding",
        "bool good = decoder->holding",
        ("firmware/test_frame_c.py",),
    ),
    Fault(
        "the board takes the zero behind a full block",
        SRC + "glyphite_frame.c",
        "encoder->zero_follows = run < rest && run < LONGEST_RUN;",
        "encoder->zero_follows = run < rest;",
        ("firmware/test_frame_c.py",),
    ),
    Fault(
        "hello's counter repeats its low byte",
        SRC + "glyphite_hello.c",
        "return (uint8_t)(inferences >> (8 * at));",
        "return (uint8_t)inferences;",
        ("firmware/test_application.py",),
    ),
    Fault(
        "halves of negative numbers round up",
        SRC + "fixed_point.h",
        "const int32_t threshold = (mask >> 1) + (value < 0);",
        "const int32_t threshold = mask >> 1;",
        ("convert/compiler/ir/test_fixed_point.py",),
    ),
    Fault(
        "padding is counted in an average",
        PORTABLE + "average_pool_2d.h",
        ": glyphite_average_pool_2d_divide(sum, count);",
        ": glyphite_average_pool_2d_divide(sum, whole);",
        ("convert/compiler/ops/test_window_operators.py",),
    ),
    Fault(
        "the largest of negative values is 0",
        PORTABLE + "max_pool_2d.h",
        "int32_t largest = INT8_MIN;",
        "int32_t largest = 0;",
        ("convert/compiler/ops/test_window_operators.py",),
    ),
    Fault(
        "a share below 1/512 shifts too far",
        PORTABLE + "softmax.h",
        "leading_zeros < 4 ? 31",
        "leading_zeros < 3 ? 31",
        ("convert/compiler/ops/test_operators.py",),
    ),
    Fault(
        "a padding's rows lie below",
        PORTABLE + "pad.h",
        "const int32_t from = y - pad->top;",
        "const int32_t from = y - pad->bottom;",
        ("convert/compiler/ops/test_moving_operators.py",),
    ),
    Fault(
        "a float's negative half rounds towards zero",
        PORTABLE + "quantize.h",
        "(rest <= -0.5f)",
        "(rest < -0.5f)",
        ("convert/compiler/test_edges.py",),
    ),
    Fault(
        "a dilated window begins a place too early",
        SRC + "kernels/window.h",
        "origin < 0 ? (dilation - 1 - origin) / dilation : 0",
        "origin < 0 ? -origin / dilation : 0",
        ("convert/compiler/ops/test_window_operators.py",),
    ),
    Fault(
        "the DSP's exact form rounds negative halves up",
        DSP + "requantize.h",
        "product += product >> 31;",
        "product += 0;",
        ("firmware/test_dsp_kernels.py",),
    ),
    Fault(
        "the last channels of a DSP layer are not read whole",
        DSP + "fully_connected.h",
        "const int32_t steps = (layer->input_channels + 3) / 4;",
        "const int32_t steps = layer->input_channels / 4;",
        ("firmware/test_dsp_kernels.py",),
    ),
    Fault(
        "an AVR's softmax cuts its terms off",
        AVR + "softmax.h",
        "return ((uint32_t)softmax->exponentials[difference] + 0x800) >> 12;",
        "return (uint32_t)softmax->exponentials[difference] >> 12;",
        ("firmware/test_avr_models.py",),
    ),
    Fault(
        "an AVR's average cuts its halves off",
        AVR + "average_pool_2d.h",
        "const int16_t half = count / 2;",
        "const int16_t half = 0;",
        ("firmware/test_avr_models.py",),
    ),
)  # fmt: skip
