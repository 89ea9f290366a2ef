"""Faults in the compiler's frontend, passes and operators."""

from tests.faults.fault import Fault

FRONTEND = "convert/glyphite/convert/compiler/frontend/"
IR = "convert/glyphite/convert/compiler/ir/"
PASSES = "convert/glyphite/convert/compiler/passes/"
OPS = "convert/glyphite/convert/compiler/ops/"

FAULTS = (
    Fault(
        "the number of a new operator is read from the old field",
        FRONTEND + "tflite.py",
        "number = max(entry.BuiltinCode(), entry.DeprecatedBuiltinCode())",
        "number = entry.DeprecatedBuiltinCode()",
        ("convert/compiler/frontend/test_tflite.py",),
    ),
    Fault(
        "a custom operator may take a known name",
        FRONTEND + "tflite.py",
        'if name != "CUSTOM" and name in self.kinds.values():',
        'if name == "CUSTOM" and name in self.kinds.values():',
        ("convert/compiler/frontend/test_hostile.py",),
    ),
    Fault(
        "zero points may be fewer than scales",
        FRONTEND + "tflite.py",
        "if table.ZeroPointLength() != count:",
        "if table.ZeroPointLength() > count:",
        ("convert/compiler/frontend/test_tflite.py",),
    ),
    Fault(
        "an input may be a constant",
        FRONTEND + "check.py",
        "        if index in known:\n            raise damaged(f\"input",
        "        if index < 0:\n            raise damaged(f\"input",
        ("convert/compiler/frontend/test_tflite.py",),
    ),
    Fault(
        "constants are counted once however often they are taken",
        FRONTEND + "check.py",
        "taken = (tensor for operator in graph.operators for tensor in operator.inputs)",
        "taken = {tensor for operator in graph.operators for tensor in operator.inputs}",
        ("convert/compiler/frontend/test_hostile.py",),
    ),
    Fault(
        "a convolution whose output is the model's is fused",
        PASSES + "fuse_conv_max_pool.py",
        "if conv.outputs[0] in graph.outputs:",
        "if conv.outputs[0] in graph.inputs:",
        ("convert/compiler/passes",),
    ),
    Fault(
        "a convolution is fused with one of its readers",
        PASSES + "fuse_conv_max_pool.py",
        "len(consumers) != 1 or",
        "len(consumers) < 1 or",
        ("convert/compiler/passes",),
    ),
    Fault(
        "pools that share pixels are fused",
        PASSES + "fuse_conv_max_pool.py",
        "if axis.stride < axis.kernel:",
        "if axis.stride < axis.kernel - 1:",
        ("convert/compiler/passes",),
    ),
    Fault(
        "a fused window may have any number of rows",
        PASSES + "fuse_conv_max_pool.py",
        "rows <= MOST_WINDOW_ROWS",
        "rows <= 2 * MOST_WINDOW_ROWS",
        ("convert/compiler/passes",),
    ),
    Fault(
        "a folded constant may have another shape than its tensor",
        PASSES + "fold_shapes.py",
        '(output.dtype, output.shape) == ("int32", value.shape)',
        'output.dtype == "int32"',
        ("convert/compiler/passes", "convert/compiler/test_foreign.py"),
    ),
    Fault(
        "the bound on a sum leaves out inputs down to -128",
        OPS + "_requantize.py",
        "farthest = max(127 - input_zero_point, input_zero_point + 128)",
        "farthest = 127 - input_zero_point",
        ("convert/compiler/ops/test_requantize.py",),
    ),
    Fault(
        "a fused activation's limit rounds halves to even",
        OPS + "_requantize.py",
        "rounded = np.floor(abs(quotient) + 0.5) * np.sign(quotient)",
        "rounded = np.round(quotient)",
        ("convert/compiler/ops/test_requantize.py",),
    ),
    Fault(
        "the odd row of padding comes first",
        IR + "window.py",
        "+ self.reach - self.input, 0) // 2",
        "+ self.reach - self.input + 1, 0) // 2",
        ("convert/compiler/ops/test_window_operators.py",),
    ),
    Fault(
        "a sum to the mean keeps more bits than there are",
        OPS + "mean.py",
        "bits = min(count.bit_length() - 1, 31 + shift)",
        "bits = count.bit_length() - 1",
        ("convert/compiler/ops/test_moving_operators.py",),
    ),
    Fault(
        "a mean's sum is bounded by half of its range",
        OPS + "mean.py",
        "255 * _count(graph, operator)",
        "128 * _count(graph, operator)",
        ("convert/compiler/ops/test_moving_operators.py",),
    ),
    Fault(
        "a padding may cut one row",
        OPS + "pad.py",
        "if table.min() < 0:",
        "if table.min() < -1:",
        ("convert/compiler/ops/test_moving_operators.py",),
    ),
    Fault(
        "a concatenation takes more tensors than TFLM",
        OPS + "concatenation.py",
        "MOST_INPUTS = 10",
        "MOST_INPUTS = 11",
        ("convert/compiler/ops/test_moving_operators.py",),
    ),
    Fault(
        "a softmax is taken over its first row alone",
        OPS + "softmax.py",
        "rows=source.count // source.shape[-1],",
        "rows=1,",
        ("convert/compiler/ops/test_operators.py",),
    ),
    Fault(
        "a sigmoid is computed at its radius",
        OPS + "_sigmoid.py",
        "if abs(difference) >= radius:",
        "if abs(difference) > radius:",
        ("convert/compiler/ops/test_tables.py",),
    ),
    Fault(
        "a slice's unknown options are ignored",
        OPS + "strided_slice.py",
        "if options.others or source is None",
        "if source is None",
        ("convert/compiler/test_foreign.py",),
    ),
    Fault(
        "shuffled weights are taken for plain ones",
        OPS + "fully_connected.py",
        "if options.weights_format != 0:",
        "if options.weights_format > 1:",
        ("convert/compiler/ops/test_operators.py",),
    ),
    Fault(
        "only the first row's outputs are kept from the inputs",
        OPS + "fully_connected.py",
        "for row in (0, rows - 1))",
        "for row in (0,))",
        ("convert/compiler/ops/test_operators.py",),
    ),
    Fault(
        "weights' zero points are ignored but for the first",
        OPS + "_operands.py",
        "if any(quantization.zero_points):",
        "if quantization.zero_points[0]:",
        ("convert/compiler/frontend/test_tflite.py",),
    ),
)  # fmt: skip
