"""Every error that a user can see.

The tree::

    GlyphiteError                 exit code 1
    |-- InputError                exit code 2: what was named cannot be used
    |   |-- ModelError            a model or .tflite that is broken or not supported
    |   |-- BoardError            no such board, or a board file with a mistake
    |   |-- DataError             the data set cannot be loaded, or is not the published one
    |   |-- ImageError            a picture that cannot be read
    |   `-- CodeError             a file of the user's own Python raised
    |-- ToolError                 a compiler, emulator or package is absent or failed
    |   `-- TimeLimitError        another program ran for longer than it may
    |-- LinkError                 the board is silent, or answers what it should not
    |   `-- PortError             exit code 2: no such port, or it cannot be used
    |-- DoesNotFitError           the firmware is larger than the board
    `-- CheckFailedError          a comparison ran, and its result is beyond its limit

A message says what was found, what is allowed, and the way out.
"""

CONVERT_AGAIN = (
    "Convert the float model again, as a quantized .tflite cannot be turned back into it: "
    "`glyphite convert MODEL.keras`, which takes a .tflite of float32 throughout as well, or "
    "TensorFlow's converter with converter.optimizations = [tf.lite.Optimize.DEFAULT], a "
    "representative_dataset, and converter.inference_input_type = converter.inference_output_type "
    "= tf.int8."
)
"""The way out for a .tflite that is not int8 throughout."""


class GlyphiteError(Exception):
    """The root: caught once, in the command line, and printed without a traceback."""

    exit_code = 1


class InputError(GlyphiteError):
    """What the user named cannot be used as it is."""

    exit_code = 2


class ModelError(InputError):
    """A model that is missing, broken, or beyond what is supported."""


class BoardError(InputError):
    """No such board, or a board file with a mistake in it."""


class DataError(InputError):
    """The data set cannot be loaded, or is not the published one."""


class ImageError(InputError):
    """A picture that cannot be read."""


class CodeError(InputError):
    """A file of the user's own Python raised; the message ends with that code's traceback."""


class ToolError(GlyphiteError):
    """A compiler, an emulator or an optional package is absent, or it failed."""


class TimeLimitError(ToolError):
    """Another program ran for longer than it may, and was stopped."""


class LinkError(GlyphiteError):
    """The board does not answer, answers wrongly, or is another one than expected."""


class PortError(LinkError):
    """The port that was named does not exist, is in use, or may not be used."""

    exit_code = InputError.exit_code


class DoesNotFitError(GlyphiteError):
    """The firmware needs more flash or RAM than the board has."""


class CheckFailedError(GlyphiteError):
    """A comparison ran to its end, and its result is beyond its limit."""
