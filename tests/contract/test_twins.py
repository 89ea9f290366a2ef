"""The listings of convert/compiler/ops and of kernels/portable are the same architecture twice."""

from pathlib import Path

from glyphite.convert.compiler import ops
from glyphite.convert.compiler.emit.kernels import PORTABLE
from glyphite.convert.compiler.ops import definitions, lowerings, supported

WITHOUT_KERNEL = {"expand_dims", "reshape", "squeeze", "padv2", "pack", "shape", "strided_slice"}
"""Operators that move no byte, PADV2, whose kernel is that of PAD, and those computed here."""


def files() -> set[str]:
    """The names of the operators' Python files."""
    assert named()
    return set(named().values())


def kernels() -> set[str]:
    """The kernels that the operators name: ``KERNEL``, or else the operator's own name."""
    found = {own: getattr(lowerings()[name], "KERNEL", None) for name, own in named().items()}
    return {kernel.name if kernel else own for own, kernel in found.items()}


def named() -> dict[str, str]:
    """The Python file's name by the operator's."""
    found = {name: file.__name__ for name, file in lowerings().items()}  # type: ignore[attr-defined]
    return {name: path.rsplit(".", 1)[1] for name, path in found.items()}


def test_every_operator_has_its_kernel_and_every_kernel_an_operator() -> None:
    """A kernel has its operator's name, but where several operators share one and name it."""
    assert kernels() - WITHOUT_KERNEL == {path.stem for path in PORTABLE.glob("*.h")}


def test_every_operator_of_a_tflite_has_options_a_version_and_checks() -> None:
    for name, definition in definitions().items():
        assert name == definition.NAME
        assert definition.LAST_VERSION >= 1
        assert callable(definition.parse)
        assert callable(definition.check)


def test_fused_operators_are_not_offered_to_users() -> None:
    assert "CONV_2D+MAX_POOL_2D" in lowerings()
    assert set(lowerings()) - set(supported()) == {"CONV_2D+MAX_POOL_2D", "CONV_2D of groups"}
    assert {"CONV_2D", "MAX_POOL_2D"} < set(supported())


def test_an_operators_file_is_found_by_being_there() -> None:
    assert ops.__file__ is not None
    assert {path.stem for path in Path(ops.__file__).parent.glob("[a-z]*.py")} == files()
