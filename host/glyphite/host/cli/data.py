"""What the verbs that read data have in common: their options, and which data set is meant."""

import argparse
import dataclasses
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glyphite.convert.data.options import (
    LABEL,
    NUMBERS,
    ON_BAD,
    STEP,
    WINDOW,
    Kind,
    OnBad,
    Options,
)
from glyphite.convert.documents import quoted_path, unquoted_path
from glyphite.convert.errors import DataError, InputError
from glyphite.convert.manifest import INT16, RANDOM, DataRecord, Manifest, words_of
from glyphite.convert.user_code import named
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli.console import print_status
from glyphite.host.cli.digits import DIGITS, reads_digits
from glyphite.host.cli.doubts import is_random, note_cut_off, note_random
from glyphite.host.runners.base import Tensors

if TYPE_CHECKING:
    from glyphite.convert.data.dataset import DataSet
    from glyphite.host.measure.truth import Truth

DATA = "--data"
MNIST = "mnist"
KEPT = ("window", "step", "label", "numbers", "on_bad")
"""The options of a data set that a manifest keeps, by the names of their attributes."""
MOST_ROWS = 1_000_000
SHARES_APART = 0.1
"""How far beyond 0..1 inputs may reach that outputs of 0..1 can give back."""


def add_data(parser: argparse.ArgumentParser, default: str) -> None:
    """Declare ``--data`` and what says how it is read; ``default`` says what is taken else."""
    group = parser.add_argument_group("data")
    group.add_argument(
        DATA,
        metavar="SOURCE",
        help="mnist, fashion-mnist, a .npz, .npy or .csv, a folder of pictures, IDX files or "
        f"recordings, or FILE.py:FUNCTION: docs/data.md (default: {default})",
    )
    group.add_argument(
        WINDOW, type=_rows, metavar="N", help="of recordings: rows that make one sample"
    )
    group.add_argument(
        STEP,
        type=_rows,
        metavar="N",
        help="rows from one window to the next (default: half)",
    )
    group.add_argument(
        LABEL, metavar="NAME", help="the column of a CSV that is the target (default: the last)"
    )
    group.add_argument(
        NUMBERS, action="store_true", help="targets are numbers to be met, not classes"
    )
    group.add_argument(
        ON_BAD,
        choices=[str(each) for each in OnBad],
        default=str(OnBad.REFUSE),
        metavar="{" + ",".join(OnBad) + "}",
        help=f"what becomes of samples that cannot be used (default: {OnBad.REFUSE})",
    )


def add_preprocess(parser: argparse.ArgumentParser, default: str) -> None:
    """Declare ``--preprocess``; ``default`` says what is taken else."""
    parser.add_argument(
        "--preprocess",
        metavar="HOW",
        help="what is done to a sample before the model sees it: raw, unit (0..1), signed (-1..1), "
        f"inverted, standard (mean 0, deviation 1), or a number to divide by; default: {default}",
    )


def _rows(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_ROWS):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows: 1 to {MOST_ROWS:,} is.")
    return int(text)


@dataclass(frozen=True)
class Source:
    """A data set that is named, and not read yet."""

    text: str
    options: Options
    of_record: DataRecord | None = None
    """Where a record names it: it is then held against what the model was calibrated on."""


def source_of(arguments: argparse.Namespace, record: DataRecord | None = None) -> Source | None:
    """The data set that the arguments name, or a record; None where neither does."""
    if arguments.data is not None:
        return Source(arguments.data, _options(vars(arguments)))
    if record is None or record.source == RANDOM:
        return None
    is_path = record.source not in _names()
    text = str(unquoted_path(record.source)) if is_path else record.source
    return Source(text, _options(_typed(record.options)), record)


def _names() -> tuple[str, ...]:
    from glyphite.convert.data.names import NAMES

    return tuple(NAMES)


def _options(values: dict[str, Any]) -> Options:
    label = values.get("label")
    return Options(
        label=() if label is None else tuple(str(label).split(",")),
        numbers=bool(values.get("numbers")),
        window=values.get("window"),
        step=values.get("step"),
        on_bad=OnBad(values.get("on_bad") or OnBad.REFUSE),
        report=print_status,
    )


def _typed(options: dict[str, str]) -> dict[str, Any]:
    """The options of a record, by their types."""
    values: dict[str, Any] = {**options, "numbers": "numbers" in options}
    return values | {name: int(options[name]) for name in ("window", "step") if name in options}


def options_of(arguments: argparse.Namespace) -> dict[str, str]:
    """The options of the data set that were given, for a manifest."""
    given = {name: getattr(arguments, name) for name in KEPT}
    given["on_bad"] = None if given["on_bad"] == OnBad.REFUSE else given["on_bad"]
    return {name: str(value) for name, value in given.items() if value not in (None, False)}


def kept_source(text: str) -> str:
    """A source as a manifest keeps it: the path of a file is absolute."""
    if text.lower() in (*_names(), RANDOM):
        return text.lower()
    function = named(text)
    if function is not None:
        return f"{quoted_path(function.path.absolute())}:{function.function}"
    return quoted_path(Path(text).absolute())


def load_data(
    source: Source,
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...] | None = None,
    *,
    tells_classes: bool = False,
) -> "DataSet":
    """The data set, laid out as a model takes and answers it; shapes are without the batch.

    Where the model gives back as many numbers as it takes, and the source has no numbers to be met
    and no classes that the outputs may be, the inputs are the targets; not so where the outputs are
    known to be shares of classes (``tells_classes``). Raises DataError where it cannot be loaded or
    does not fit, CodeError where a function of the user's own raises, InputError where a file
    cannot be read.
    """
    from glyphite.convert.data.check import fitted
    from glyphite.convert.data.load import load

    data = load(source.text, dataclasses.replace(source.options, shape=input_shape))
    for note in data.notes:
        print_status(note)
    if output_shape is None or tells_classes or not _gives_back(data, input_shape, output_shape):
        return fitted(data, input_shape, output_shape)
    return fitted(data.reconstructing(), input_shape, output_shape)


def _gives_back(
    data: "DataSet", input_shape: tuple[int, ...], output_shape: tuple[int, ...]
) -> bool:
    from glyphite.convert.data.check import without_ones
    from glyphite.convert.data.dataset import Numbers

    if isinstance(data.test.targets, Numbers):
        return False
    same = without_ones(input_shape) == without_ones(output_shape)
    is_odd_or_not = data.class_count <= 2 < prod(output_shape)  # two outputs tell two classes apart
    return same and (is_odd_or_not or not data.class_count)


def answers_classes(manifest: Manifest) -> bool:
    """Whether outputs are known to be of classes: these have names, or are shares of 1 and inputs
    are not, which such outputs cannot give back."""
    least, most = manifest.input_range
    is_symmetric = manifest.activations == INT16  # so its least tells nothing
    is_within = (is_symmetric or least >= -SHARES_APART) and most <= 1 + SHARES_APART
    is_shares = bool(manifest.output.scale) and manifest.gives_shares and not is_within
    return is_shares or _names_classes(manifest)


def _names_classes(manifest: Manifest) -> bool:
    numbers = tuple(str(index) for index in range(len(manifest.labels)))
    return len(numbers) > 1 and manifest.labels != numbers


def record_of(source: Source, data: "DataSet", arguments: argparse.Namespace) -> DataRecord:
    """What a manifest keeps of a data set."""
    record = source.of_record
    options = options_of(arguments) if record is None else record.options
    kept = kept_source(source.text) if record is None else record.source
    return DataRecord(kept, options, data.title, data.sha256, data.split)


@dataclass(frozen=True, eq=False)
class Tested:
    """Samples of a data set as a model takes them, and what is right for them."""

    tensors: Tensors
    """(n, *input shape)."""
    truth: "Truth"
    raw: Tensors
    """The same as the data have them."""
    kind: Kind
    """What they are: pictures, readings or other numbers."""

    def floats(self, manifest: Manifest) -> Tensors:
        """The same as a float model takes them: what int8 leaves of them may be less."""
        shape = manifest.input.shape[1:]
        return manifest.preprocessing.apply(self.raw).astype("float32").reshape(-1, *shape)


def test_samples(
    arguments: argparse.Namespace,
    manifest: Manifest,
    count: int | None = None,
    beside: Manifest | None = None,
    usual: int | None = None,
) -> Tested:
    """The first ``count`` test samples of the data set that is meant; where that is None, at most
    ``usual`` of them, or all.

    Where the source has one part alone, and is not what the model was calibrated on, all of it is
    tested with; nor may it be that of a model ``beside`` it that gets the same samples. Raises
    InputError where no data set is named and none is known, or it has fewer samples; DataError
    where it does not fit the model.
    """
    from glyphite.convert.data.dataset import Part
    from glyphite.host.measure.truth import truth_of

    source = _named_or_known(arguments, manifest, beside)
    shapes = manifest.input.shape[1:], manifest.output.shape[1:]
    data = load_data(source, *shapes, tells_classes=answers_classes(manifest))
    is_known = manifest.data is not None and manifest.data.sha256 == data.sha256
    if source.of_record is not None and source.of_record is manifest.data and not is_known:
        print_status(f"{data.title} has changed since {manifest.name} was calibrated on it.")
    note_random(manifest)
    _require_same_classes(data, manifest)
    is_known |= beside is not None and _is_of(beside.data, source, data)
    is_known |= beside is not None and _is_of(manifest.data, source, data)
    part: Part = data.whole if data.split_is_made and not is_known else data.test
    if count is not None and count > len(part):
        raise InputError(
            f"--count {count}: {data.title} has {len(part):,} test samples. Ask for fewer."
        )
    part = part.take(slice(usual if count is None else count))
    note_cut_off(manifest, data.title, part.inputs)
    words = [] if source.of_record is not None or arguments.data is None else _words(arguments)
    truth = truth_of(data, part, manifest, words)
    return Tested(manifest.quantize(part.inputs), truth, part.inputs, data.kind)


def title_of(folder: ModelFolder) -> str:
    """What a table calls a model: its name, and that it was calibrated on random numbers, if so."""
    record = _record(folder)
    return f"{folder.name}{', calibrated on random numbers' if is_random(record) else ''}"


def calibrated_on(folder: ModelFolder) -> dict[str, str]:
    """The same for a document: the data that a model was calibrated on, "" where nobody knows."""
    record = _record(folder)
    return {"calibrated_on": "" if record is None else record.name}


def _record(folder: ModelFolder) -> DataRecord | None:
    try:
        return Manifest.load(folder.manifest).data
    except InputError:  # there is none, or the verbs that need one refuse it
        return None


def _words(arguments: argparse.Namespace) -> list[str]:
    """The options that name the data set, to be typed anywhere."""
    return words_of(kept_source(arguments.data), options_of(arguments))


def _is_of(record: DataRecord | None, source: Source, data: "DataSet") -> bool:
    """Whether a model was calibrated on the data set, be it in pictures of another size."""
    kept = kept_source(source.text) if source.of_record is None else source.of_record.source
    return record is not None and (record.source == kept or record.sha256 == data.sha256)


def _named_or_known(
    arguments: argparse.Namespace, manifest: Manifest, beside: Manifest | None = None
) -> Source:
    known = (each.data for each in (manifest, beside) if each is not None)
    sources = (source_of(arguments, record) for record in known)
    if (source := next(filter(None, sources), None)) is not None:
        return source
    if reads_digits(manifest.input, manifest.output) and manifest.labels == DIGITS:
        return Source(MNIST, Options(report=print_status))
    source_, sink = manifest.input, manifest.output
    calibrated = " It was calibrated on random numbers." if manifest.data else ""
    raise InputError(
        f"{manifest.name} takes {source_.dtype} inputs of shape {source_.shape[1:]} and gives "
        f"{sink.dtype} outputs of shape {sink.shape[1:]}, and nothing says what data it is for."
        f"{calibrated} Name them with --data (see docs/data.md); without any, `glyphite verify` "
        "compares bytes."
    )


def _require_same_classes(data: "DataSet", manifest: Manifest) -> None:
    """DataError where a data set calls the classes otherwise, or has them in another order."""
    if data.classes and _names_classes(manifest) and data.classes != manifest.labels:
        raise DataError(
            f"{data.title} has the classes {', '.join(data.classes)}, and {manifest.name} those of "
            f"its calibration: {', '.join(manifest.labels)}, in this order. Take data of the same "
            "classes, or convert the model anew with --data."
        )


def require_limits(arguments: argparse.Namespace, truth: "Truth") -> None:
    """Make sure that a limit of accuracy is given only where there are classes, and one of the
    error only where there are numbers to be met.

    Raises InputError where it is not.
    """
    from glyphite.host.measure.truth import Task

    classes = ("is a limit of accuracy", "classes", Task.CLASSES)
    numbers = ("is a limit of a regression's error", "numbers to be met", Task.NUMBERS)
    limits = {"max_drop": classes, "min_accuracy": classes, "max_error": numbers}
    for option, (what, needed, task) in limits.items():
        if getattr(arguments, option, None) is not None and truth.task is not task:
            instead = "Say --max-error instead" if truth.task is Task.NUMBERS else "Leave it out"
            raise InputError(
                f"--{option.replace('_', '-')} {what}, and {truth.data['title']} "
                f"has no {needed} (its task is {truth.task}). {instead}."
            )
