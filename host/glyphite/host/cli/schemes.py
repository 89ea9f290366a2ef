"""``glyphite schemes``: every way to quantize a model beside each other, in one table."""

import argparse
import dataclasses
import hashlib
from dataclasses import dataclass

import numpy as np

from glyphite.convert.boards import Board, load_board
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.data.dataset import DataSet
from glyphite.convert.data.load import require_there
from glyphite.convert.documents import now
from glyphite.convert.errors import CheckFailedError, GlyphiteError, InputError, ModelError
from glyphite.convert.files import require_room
from glyphite.convert.hold import held
from glyphite.convert.manifest import RANDOM, Manifest, sha256_of, words_of
from glyphite.convert.quantize.by_scheme import quantized_by
from glyphite.convert.quantize.calibration import Calibration
from glyphite.convert.quantize.float_model import FORMS, FloatModel
from glyphite.convert.quantize.schemes import Scheme, all_names, scheme_named
from glyphite.convert.workspace import TFLITE, ModelFolder
from glyphite.host.cli.arguments import add_board, add_count, add_json
from glyphite.host.cli.bench import COUNT, measured
from glyphite.host.cli.build import compile_and_build
from glyphite.host.cli.calibrating import Samples, samples_of
from glyphite.host.cli.compare import tools
from glyphite.host.cli.console import print_json, print_status, progress_bar, say_loading
from glyphite.host.cli.data import add_data, add_preprocess
from glyphite.host.cli.digits import count_of
from glyphite.host.cli.float_source import float_source
from glyphite.host.cli.quantizing import (
    add_aware,
    count_for,
    manifest_of,
    opened,
    trained_further,
    write_model,
)
from glyphite.host.cli.schemes_table import print_schemes
from glyphite.host.measure.bench.measure import require_countable
from glyphite.host.measure.schemes import Answers, against, steps_of
from glyphite.host.measure.schemes_record import (
    FILE,
    FOLDER,
    Cost,
    Row,
    SchemesRecord,
    as_document,
    read,
    save,
)
from glyphite.host.measure.truth import Truth, truth_of
from glyphite.host.runners.base import Scores, Tensors, require_finite

EXAMPLE = "glyphite schemes seed --only per-channel,per-tensor,aware"

BOARD = "cortex-m4"
AT_A_TIME = 500
"""Samples that the float model answers together."""
ONLY_INT8 = "Its activations are int16, and the compiler and the boards take int8 alone."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    parser.add_argument("model", metavar="MODEL", help=f"a model's name, or the path of {FORMS}")
    parser.add_argument(
        "--only",
        metavar="NAMES",
        type=_names,
        default=all_names(),
        help=f"schemes with commas between them (default: {', '.join(all_names())})",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with a run that was cut short (of the same model, data and options)",
    )
    add_board(parser, BOARD)
    add_count(parser, count_of, None, "all test samples")
    add_aware(parser)
    add_preprocess(parser, "the one under which the float model reads its data")
    add_data(parser, "that of the model's last conversion, or MNIST if it reads digits")
    add_json(parser)


def _names(text: str) -> tuple[str, ...]:
    """Each once, in the order that was typed; what they name is looked up later."""
    return tuple(dict.fromkeys(filter(None, text.split(","))))


def run(arguments: argparse.Namespace) -> int:
    """Quantize by each scheme, measure it, and write schemes.json after each.

    Raises InputError where a scheme is unknown or the data are random, CheckFailedError where the
    generated C differs from TensorFlow Lite Micro in a byte.
    """
    schemes = [scheme_named(name) for name in arguments.only]
    if not schemes:
        raise InputError("--only names no scheme. Name one, or leave the option out.")
    if arguments.data == RANDOM:
        raise InputError(
            "Schemes are told apart by their accuracy, and random numbers have none. Name data "
            "with --data: see docs/data.md."
        )
    if arguments.data is not None:
        require_there(arguments.data)
    board = load_board(arguments.board or BOARD)
    require_countable(board)
    folder, source = float_source(arguments.model)
    with held(folder.root, print_status):
        require_room(folder.root / FILE, folder=folder.root / FOLDER)
        with progress_bar("Reading", 2) as progress:
            say_loading()
            model = opened(source, progress)
            samples = samples_of(arguments, [folder], model)
            progress(1)
        record = _Run(arguments, folder, model, samples, board).all(schemes)
    if arguments.json:
        print_json(as_document(record))
    else:
        print_schemes(record, folder)
    if differing := [row.scheme for row in record.rows if row.bytes_differ]:
        raise CheckFailedError(
            f"The generated C differs from TensorFlow Lite Micro by the schemes "
            f"{', '.join(differing)}. The compiler is wrong: report the model and the table."
        )
    return 0


@dataclass(frozen=True)
class _Made:
    """A model by one scheme."""

    folder: ModelFolder
    manifest: Manifest


class _Run:
    """One run of the verb: what all schemes share."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        folder: ModelFolder,
        model: FloatModel,
        samples: Samples,
        board: Board,
    ) -> None:
        if samples.data is None:
            raise InputError("Nothing says what the model is for. Name its data with --data.")
        self._data: DataSet = samples.data
        self._arguments, self._folder, self._model = arguments, folder, model
        self._samples, self._board = samples, board
        part, count = self._data.test, arguments.count
        if count is not None and count > len(part):
            raise InputError(
                f"--count {count}: {self._data.title} has {len(part):,} test samples. Ask for "
                "fewer."
            )
        self._part = part.take(slice(count))
        self._floats: Scores = np.empty(0)

    def all(self, schemes: list[Scheme]) -> SchemesRecord:
        """The record of all schemes, which is written after each."""
        record: SchemesRecord | None = None
        known = self._known() if self._arguments.resume else None
        names = {scheme.name for scheme in schemes}
        others = known.rows if known else []
        rows = [row for row in others if row.scheme not in names and self._is_there(row)]
        for number, scheme in enumerate(schemes, 1):
            print_status(f"Scheme {number} of {len(schemes)}: {scheme.name}, {scheme.title}.")
            row = known.row(scheme.name) if known else None
            if record is None:
                record = known or self._begun(scheme)
            if row is not None and self._is_there(row):
                print_status("It is there from the last run.")
            else:
                row = self._row(scheme)
            rows.append(row)
            record = dataclasses.replace(
                record, rows=list(rows), complete=number == len(schemes), date=now()
            )
            save(self._folder.root, record)
        if record is None:
            raise InputError("There is no scheme to measure. Name one.")
        return record

    def _known(self) -> SchemesRecord | None:
        """The last run's record, where it is of the same model, data and options."""
        try:
            last = read(self._folder.root / FILE)
        except InputError:
            return None
        mine = (self._float_sha256, self._data.sha256, len(self._part), self._board.name, tools())
        theirs = last.float_sha256, last.data["sha256"], last.images, last.board, last.tools
        if mine == theirs:
            return last
        print_status("The last run was of another model, data, board or tools: all is measured.")
        return None

    def _is_there(self, row: Row) -> bool:
        path = self._place(row.scheme).tflite
        is_same = row.sha256 is not None and path.is_file() and sha256_of(path) == row.sha256
        known = row.aware_epochs, row.aware_samples
        return is_same and known in ((None, None), self._aware)

    @property
    def _aware(self) -> tuple[int, int]:
        """Epochs of the training aware of int8, and samples, as many as there are."""
        learnt = self._samples.learnt_from
        there = 0 if learnt is None else len(learnt)
        return self._arguments.aware_epochs, min(self._arguments.aware_samples, there)

    @property
    def _float_sha256(self) -> str:
        return hashlib.sha256(self._model.content).hexdigest()

    def _place(self, name: str) -> ModelFolder:
        root = self._folder.root / FOLDER / name
        return ModelFolder(root, root / TFLITE)

    def _begun(self, scheme: Scheme) -> SchemesRecord:
        """A record without rows. What is right has the same labels by each scheme."""
        manifest = self._first_manifest(scheme)
        truth = self._truth(manifest)
        return SchemesRecord(
            model=self._folder.name,
            float_sha256=self._float_sha256,
            float_bytes=len(self._model.float_tflite),
            task=truth.task,
            data=truth.data,
            images=truth.count,
            float_figures=truth.judge(manifest, self._float_scores()),
            board=self._board.name,
            goal=Goal.SPEED,
            cost_inputs=min(COUNT, truth.count),
            rows=[],
            complete=False,
            tools=tools(),
            date=now(),
        )

    def _row(self, scheme: Scheme) -> Row:
        """A scheme's figures; one that the model cannot be quantized by has the reason alone."""
        calibrated = self._samples.calibration(count_for(scheme, None))
        row = _empty(scheme, calibrated, self._aware if scheme.is_aware else (None, None))
        try:
            made = self._made(scheme, calibrated)
            return self._measured(scheme, made, row)
        except ModelError as error:
            return dataclasses.replace(row, reasons=[str(error)])

    def _made(self, scheme: Scheme, calibrated: Calibration) -> _Made:
        if scheme.is_aware:
            content = trained_further(self._model, self._samples, calibrated, self._arguments)
        else:
            with progress_bar("Quantizing", 2 * len(calibrated.inputs)) as progress:
                content = quantized_by(scheme, self._model, calibrated.inputs, progress)
        folder = self._place(scheme.name)
        manifest = manifest_of(
            scheme,
            content,
            folder.name,
            model=self._model,
            samples=self._samples,
            calibrated=calibrated,
        )
        write_model(folder, folder.root, self._model, manifest, content)
        return _Made(folder, manifest)

    def _measured(self, scheme: Scheme, made: _Made, row: Row) -> Row:
        tensors = made.manifest.quantize(self._part.inputs)
        with progress_bar("Answering", steps_of(made.manifest, tensors)) as progress:
            given = Answers(
                made.folder.tflite,
                made.manifest,
                tensors,
                lambda name: lambda steps: progress(steps, name),
                compiles=scheme.activations == "int8",
            )
        found, pair = against(
            made.manifest, given.scores, self._float_scores(), self._truth(made.manifest)
        )
        cost, reasons = None, given.reasons
        if scheme.activations != "int8":
            reasons = [ONLY_INT8]
        else:
            try:
                cost = self._cost(made.folder, tensors[:COUNT])
            except GlyphiteError as error:
                reasons.append(f"No instructions: {error}")
        low, high = found["interval"] or (None, None)
        return dataclasses.replace(
            row,
            sha256=made.manifest.sha256,
            tflite_bytes=made.folder.tflite.stat().st_size,
            engine=given.engine,
            correct=found["correct"],
            accuracy=found["accuracy"],
            low=low,
            high=high,
            error=found["error"],
            only_float_right=pair["only_first_right"],
            only_scheme_right=pair["only_second_right"],
            mcnemar=pair["mcnemar"],
            cost=cost,
            bytes=given.bytes,
            reasons=reasons,
        )

    def _cost(self, folder: ModelFolder, tensors: Tensors) -> Cost:
        prepared = compile_and_build(str(folder.tflite), self._board.named)
        inputs = f"the first {len(tensors)} test samples of {self._data.title}"
        _, found = measured(prepared, tensors, inputs)
        return Cost(
            unit=found["unit"],
            count=found["count"],
            cycles=found["cycles"],
            cycle_model=found["cycle_model"],
            flash_bytes=found["flash_bytes"],
        )

    def _truth(self, manifest: Manifest) -> Truth:
        record = self._samples.record
        words = words_of(record.source, record.options)
        return truth_of(self._data, self._part, manifest, words)

    def _float_scores(self) -> Scores:
        """What the float model answers: (n, outputs) of float32."""
        if not len(self._floats):
            parts = []
            with progress_bar("Answering", len(self._part)) as progress:
                for start in range(0, len(self._part), AT_A_TIME):
                    raw = self._part.inputs[start : start + AT_A_TIME]
                    seen = self._samples.preprocessing.apply(raw).astype(np.float32)
                    parts.append(self._model.answers(seen).reshape(len(raw), -1))
                    progress(len(raw), "float")
            self._floats = np.concatenate(parts)
            require_finite(self._floats, self._folder.float_model)
        return self._floats

    def _first_manifest(self, scheme: Scheme) -> Manifest:
        """One that says how outputs are told: of the usual scheme by few samples."""
        few = self._samples.calibration(1)
        content = self._model.quantized(few.inputs)
        return manifest_of(
            scheme, content, "first", model=self._model, samples=self._samples, calibrated=few
        )


def _empty(
    scheme: Scheme, calibrated: Calibration, aware: tuple[int, int] | tuple[None, None]
) -> Row:
    """A row without figures; ``aware``: epochs and samples of a training aware of int8."""
    return Row(
        scheme=scheme.name,
        title=scheme.title,
        weights=str(scheme.weights),
        rule=str(scheme.rule),
        activations=scheme.activations,
        calibration_samples=len(calibrated.inputs),
        calibration=calibrated.source,
        aware_epochs=aware[0],
        aware_samples=aware[1],
        **dict.fromkeys(
            (
                *("sha256", "tflite_bytes", "engine", "correct", "accuracy", "low", "high"),
                *("error", "only_float_right", "only_scheme_right", "mcnemar", "cost", "bytes"),
            )
        ),
        reasons=[],
    )
