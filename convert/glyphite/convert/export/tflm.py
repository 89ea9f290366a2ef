"""The TensorFlow Lite Micro sketch: the model as a C array, its operators, and its arena.

The files that are the same for every model (the sketch, and the code that sets up the interpreter)
are copied from ``firmware/library/Glyphite/examples/classify_tflm``.
"""

import dataclasses
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from glyphite.convert.boards import Board, load_board
from glyphite.convert.compiler.emit.model import Edge
from glyphite.convert.compiler.emit.text import byte_lines, environment, plain_name
from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.export.c_array import TEMPLATES, c_array, tie
from glyphite.convert.export.project import leave_no_other, replace_no_foreign
from glyphite.convert.export.tflm_arena import NO_SEEDS, SPARE, Arena, answers, arena_for
from glyphite.convert.export.tflm_dense import by_tensor, has_channels, misread
from glyphite.convert.export.tflm_graph import (
    TflmModel,
    TflmOperator,
    convolution_scratch,
    read_model,
)
from glyphite.convert.export.tflm_library import CHIRALE, CURRENT, Library
from glyphite.convert.files import read_bytes, remove, write_bytes, write_folder
from glyphite.convert.manifest import Manifest, sha256_of
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.version import __version__
from glyphite.convert.workspace import TFLITE, ModelFolder

LIBRARY = FIRMWARE / "library" / "Glyphite"
EXAMPLE = LIBRARY / "examples" / "classify_tflm"
_TOOLS = {"cxx": "g++", "readelf": "readelf", "nm": "nm"}
"""Tools that come with the C compiler."""
SHARED_FILES = ("tflm_model.h", "tflm_model.cc")
BOARD, ARDUINO = "cortex-m4", "nano33ble"
"""The board that build.sh builds for, and the one of the README's commands."""
PORT = "/dev/ttyACM0"
BY_TENSOR = "_by_tensor"
"""Ends the name of a variant of a model, for a library that knows one scale a tensor."""
SEEDS = range(2, 10)
"""Of the inputs among which the self-test's is chosen."""

NextStep = Callable[[str, Edge, Edge, str, str], str]
"""The command that compares a board with TFLM, for a model's name, its input and output, the
board's name and its port."""


@dataclass(frozen=True)
class SelfTest:
    """An input that the sketch runs at its start, and the answer that is right."""

    seed: int
    answer: bytes
    told_apart: bool
    """Whether a library that knows one scale a tensor gives another answer, where the model has
    more."""


@dataclass(frozen=True)
class TflmSketch:
    """An exported sketch."""

    folder: Path
    files: tuple[str, ...]
    model: TflmModel
    """The one in the sketch."""
    library: Library
    variant: ModelFolder | None
    """Where the model lies that was made for this library; None where it is the user's own."""
    arena: Arena
    test: SelfTest | None

    @property
    def operators(self) -> tuple[TflmOperator, ...]:
        """The kinds of operator of the model."""
        return self.model.operators


def write_sketch(
    model: ModelFolder,
    out: Path | None = None,
    library: Library = CURRENT,
    next_step: NextStep | None = None,
) -> TflmSketch:
    """Write the sketch into ``out``, by default ``build/<model>/tflm``.

    Where ``library`` knows one scale a tensor and the model has more, a variant of the model is
    made and put beside the sketch. Raises ModelError where TFLM lacks an operator, cannot run the
    model, the wire cannot carry its input or output, or no variant can be made; InputError where
    ``out`` cannot be a sketch or be written; ToolError where the package that reads a .tflite is
    not installed.
    """
    folder = model.tflm if out is None else out
    name = sketch_name(folder)
    own = read_model(read_bytes(model.tflite))
    held, variant = own, None
    if has_channels(own.graphs) and not library.by_channel:
        held = read_model(by_tensor(own.tflite, own.graphs))
        variant = _variant(model, folder)
    seeds = _seeds(held)
    arena = arena_for(held.tflite, held.graphs, convolution_scratch(held.graphs), seeds)
    test = _self_test(held, seeds) if arena.tried and seeds else None
    sketch = TflmSketch(folder, (), held, library, variant, arena, test)
    texts = _texts(sketch, variant or model, name, next_step)
    leave_no_other(folder, texts, is_own=out is None)
    replace_no_foreign(folder, texts)
    _remove_other_variants(folder, variant)
    write_folder(folder, texts, way_out="Name another folder with --out.")
    if variant is not None:
        _write_variant(model, variant, held)
    return dataclasses.replace(sketch, files=tuple(texts))


def sketch_name(folder: Path) -> str:
    """The name that a sketch in ``folder`` must have: the folder's own, as Arduino demands.

    Raises InputError where ``folder`` is a file, holds another sketch, or has a name that Arduino
    does not take.
    """
    name = folder.resolve().name
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}", name):
        raise InputError(
            f"{folder} cannot be an Arduino sketch: its name is {name!r}, and letters, digits, "
            "'_', '.' and '-' are allowed, 63 at most. Name another folder with --out."
        )
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file, and a folder is needed. Name one with --out.")
    others = sorted(path.name for path in folder.glob("*.ino") if path.name != f"{name}.ino")
    if others:
        raise InputError(
            f"{folder} holds another sketch, {others[0]}, and Arduino would join the two. "
            "Name an empty folder with --out."
        )
    return name


def _variant(model: ModelFolder, folder: Path) -> ModelFolder:
    """Where the variant by tensor lies: a folder of a model, which every verb takes by its path."""
    root = folder / f"{model.name}{BY_TENSOR}"
    return ModelFolder(root, root / TFLITE)


def _remove_other_variants(folder: Path, variant: ModelFolder | None) -> None:
    """Those of earlier exports, which no sketch here is of any more; what else lies there stays."""
    for root in folder.glob(f"*{BY_TENSOR}"):
        if variant is None or root != variant.root:
            earlier = ModelFolder(root, root / TFLITE)
            remove(earlier.tflite)
            remove(earlier.manifest)
            with suppress(OSError):  # the user has put files of his own there
                root.rmdir()


def _write_variant(model: ModelFolder, variant: ModelFolder, held: TflmModel) -> None:
    """The variant's .tflite, and where the model has a manifest, one that is of the variant."""
    write_bytes(variant.tflite, held.tflite, way_out="Name another folder with --out.")
    if model.manifest.is_file():
        manifest = Manifest.load(model.manifest, model.mend)
        sha256 = sha256_of(variant.tflite)
        dataclasses.replace(manifest, name=variant.name, sha256=sha256, accuracy={}).save(
            variant.manifest
        )


def _seeds(model: TflmModel) -> range:
    """None where an answer may depend on more than the input: on earlier runs, or on a libm."""
    plain = {model.source.dtype, model.sink.dtype} == {"int8"} and not model.keeps_state
    return SEEDS if plain else NO_SEEDS


def _self_test(model: TflmModel, seeds: range) -> SelfTest:
    """The first input whose answer tells the library's arithmetic; else the first."""
    right = answers(model.tflite, seeds)
    wrong = right
    with suppress(ModelError):  # where it cannot be known, nothing can be told apart
        wrong = answers(misread(model.tflite, model.graphs), seeds)
    differ = [place for place in range(len(seeds)) if right[place] != wrong[place]]
    chosen = differ[0] if differ else 0
    return SelfTest(seeds[chosen], bytes.fromhex(right[chosen]), bool(differ))


def _texts(
    sketch: TflmSketch, model: ModelFolder, name: str, next_step: NextStep | None
) -> dict[str, str]:
    """The sketch's files, of which ``model`` is the model: name -> text."""
    templates, held = environment(TEMPLATES), sketch.model
    fields = {
        "name": plain_name(model.name),
        "version": __version__,
        "edges": [held.source, held.sink],
        "arena": sketch.arena,
        "spare": SPARE,
        "tie": tie(held.tflite),
        "operators": held.operators,
        "library": sketch.library,
        "test": sketch.test,
        "test_lines": list(byte_lines(sketch.test.answer)) if sketch.test else [],
        **_instructions(sketch, model, name, next_step),
    }
    ino = (EXAMPLE / "classify_tflm.ino").read_text(encoding="utf-8")
    made = {
        "model.h": "tflm_model.h",
        "model_ops.h": "model_ops.h",
        "model_test.h": "model_test.h",
        "README.txt": "tflm_README.txt",
        "build.sh": "tflm_build.sh",
    }
    return {
        f"{name}.ino": ino.replace(CHIRALE.header, sketch.library.header),
        **{file: (EXAMPLE / file).read_text(encoding="utf-8") for file in SHARED_FILES},
        **c_array(fields["name"], held.tflite),
        **{file: templates.get_template(f"{made[file]}.j2").render(fields) for file in made},
    }


def _instructions(
    sketch: TflmSketch, model: ModelFolder, name: str, next_step: NextStep | None
) -> dict[str, Any]:
    """What README.txt and build.sh tell: how the sketch is built, and which verb tries it."""
    board, held = load_board(BOARD), sketch.model
    emulated = f"sim://{board.name}?firmware=firmware.elf"
    steps = []
    if next_step is not None and held.runs_on_pc:
        ports = {ARDUINO: PORT, BOARD: emulated}
        edges = (held.source, held.sink)
        steps = [next_step(model.named, *edges, *one) for one in ports.items()]
    return {
        "model": plain_name(model.name),
        "steps": steps,
        "keeps_state": held.keeps_state,
        "variant": sketch.variant,
        "misread": has_channels(held.graphs),
        "sketch": name,
        "folder": quote(str(sketch.folder.resolve())),
        "glyphite": quote(str(LIBRARY)),
        "firmware": quote(str(FIRMWARE)),
        **_toolchain(board),
    }


def _toolchain(board: Board) -> dict[str, Any]:
    """What build.sh calls for the board."""
    toolchain = board.toolchain
    return {
        "board": board,
        **{tool: toolchain.cc.replace("gcc", name) for tool, name in _TOOLS.items()},
        "flags": " ".join((*toolchain.flags, toolchain.optimize, "-ffunction-sections")),
        "defines": " ".join(map(quote, board.definitions)),
    }
