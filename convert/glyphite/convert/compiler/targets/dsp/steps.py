"""Steps by the DSP kernels, in place of portable ones that give the same bytes.

Over whole tensors a step takes the fewest instructions (:func:`fastest`) or no larger weights
(:func:`smallest`). By rows it needs less memory (:func:`by_rows`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import Rows, RowWindow
from glyphite.convert.compiler.targets.dsp import depthwise, variants
from glyphite.convert.compiler.targets.dsp.still import settled
from glyphite.convert.compiler.targets.dsp.winograd import winograd_pays
from glyphite.convert.compiler.targets.dsp.words import Variant, gather_words

Fields = Mapping[str, Any]

WORD = 4
"""Bytes."""
MOST_PIXELS = 4
"""That a convolution computes at a time."""


def fastest(step: Step) -> Step | None:
    """The step by the kernel of the fewest instructions, over whole tensors."""
    step = _settled(step)
    fields = _flat(step)
    if step.kernel in ("conv_2d", "conv_2d_max_pool_2d") and not winograd_pays(step.fields):
        return _whole(step, _direct(step.kernel, fields))
    return _whole(step, variants.fastest(step.kernel, fields))


def smallest(step: Step) -> Step | None:
    """The step by a kernel whose weights are as large as before, over whole tensors."""
    step = _settled(step)
    return _whole(step, variants.variant(step.kernel, _flat(step)))


def by_rows(step: Step) -> Iterator[Step]:
    """The step a row at a time, by ever less scratch memory; at last rather slow."""
    step = _settled(step)
    if step.kernel == "fully_connected":
        found = smallest(step)
        if found is not None:
            yield found
    elif step.rows is not None and step.kernel in _BY_ROWS:
        yield from _BY_ROWS[step.kernel](step, step.rows)


def _settled(step: Step) -> Step:
    return replace(step, fields=settled(step.kernel, step.fields))


def _flat(step: Step) -> Fields:
    return variants.as_one_row(step.fields) if step.kernel == "conv_2d" else step.fields


def _direct(kernel: str, fields: Fields) -> Variant | None:
    """Without Winograd."""
    if kernel == "conv_2d":
        return variants.conv_2d_expanded(fields)
    return variants.conv_2d_max_pool_2d_plane(fields) or variants.variant(kernel, fields)


def _whole(step: Step, variant: Variant | None) -> Step | None:
    if variant is None:
        gathers = step.rows is not None and step.rows.gathered
        return replace(step, rows=None) if gathers else None  # sums in registers, not in memory
    return replace(
        step,
        kernel=variant.kernel,
        fields=variant.fields,
        leads=tuple(_lead(step, variant.kernel, lead) for lead in step.leads),
        window_rows=_window_rows(step, variant.kernel),
        rows=None,
        scratch_bytes=WORD * variant.scratch_words,
    )


def _window_rows(step: Step, kernel: str) -> int:
    """Input rows that a call points at."""
    pairs = ("dsp_conv_2d_winograd", "dsp_depthwise_conv_2d_pair")
    least = 1 if kernel == "dsp_conv_2d" else 0  # also where that is a fully connected layer
    return 4 if kernel in pairs else max(step.window_rows, least)


def _lead(step: Step, kernel: str, lead: int | None) -> int | None:
    """The portable kernel's lead holds for those that read a block's inputs before they write it,
    in the same order.

    Rows that are made in pairs are written one row early. Depthwise kernels write each row four
    channels at a time, so that all its inputs must outlive it, and by whole images all rows. A
    fully connected layer of one vector reads all of it first.
    """
    if lead is None or kernel == "dsp_depthwise_conv_2d_image":
        return None
    if kernel == "dsp_conv_2d_winograd":
        return lead + _row_bytes(step.fields)
    if kernel.startswith("dsp_depthwise"):
        return lead + 2 * _row_bytes(step.fields)
    if kernel == "dsp_fully_connected" and step.fields["rows"] == 1:
        return -int(step.fields["input_channels"])
    return lead


def _row_bytes(fields: Fields) -> int:
    """Of the output."""
    return int(fields["window"]["output_width"] * fields["output_channels"])


def _row_step(
    step: Step,
    rows: Rows,
    variant: Variant,
    scratch_words: int,
    **changes: Any,  # noqa: ANN401
) -> Step:
    made = replace(rows, function=f"{variant.kernel}_row", **changes)
    return replace(
        step,
        kernel=variant.kernel,
        fields=variant.fields,
        leads=tuple(None for _ in step.leads),
        rows=made,
        scratch_bytes=WORD * scratch_words,
    )


def _conv_2d_rows(step: Step, rows: Rows) -> Iterator[Step]:
    """With blocks of ever fewer pixels."""
    found = variants.conv_2d(step.fields)
    if found is None:
        return
    steps = -(-step.fields["weights"][0].size // 4)
    gathered = gather_words(step.fields)
    for pixels in range(min(MOST_PIXELS, step.fields["window"]["output_width"]), 0, -1):
        block = {"pixels": pixels, "rest": step.fields["window"]["output_width"] % pixels}
        variant = replace(found, fields={**found.fields, **block})
        yield _row_step(step, rows, variant, 2 * steps * pixels + gathered)


def _pooled_rows(step: Step, rows: Rows) -> Iterator[Step]:
    plane = variants.conv_2d_max_pool_2d_plane(step.fields)
    if plane is not None:
        yield _row_step(step, rows, plane, 0, windows=(_pairs(step.fields["conv"], rows),))
        return
    found = variants.conv_2d_max_pool_2d(step.fields)
    if found is not None:
        yield _row_step(step, rows, found, found.scratch_words)


def _pairs(conv: Fields, rows: Rows) -> RowWindow:
    """The four rows under a pooled row of a 3x3 filter, each once."""
    (window,) = rows.windows
    assert window is not None
    return RowWindow(window.height, 4, 2, 1, conv["window"]["padding_top"])


def _depthwise_rows(step: Step, rows: Rows) -> Iterator[Step]:
    found = depthwise.depthwise_conv_2d_row(step.fields)
    if found is not None:
        yield _row_step(step, rows, found, found.scratch_words, leads=(None,))


def _arithmetic_rows(step: Step, rows: Rows) -> Iterator[Step]:
    found = variants.arithmetic({**step.fields, "rows": 1})
    if found is not None and None not in rows.windows:
        yield replace(
            step,
            kernel=found.kernel,
            fields=found.fields,
            rows=replace(rows, function=found.kernel, arguments=()),
        )


_BY_ROWS = {
    "arithmetic": _arithmetic_rows,
    "conv_2d": _conv_2d_rows,
    "conv_2d_max_pool_2d": _pooled_rows,
    "depthwise_conv_2d": _depthwise_rows,
}
