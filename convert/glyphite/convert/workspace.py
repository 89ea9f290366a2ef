"""Where files lie: one folder per model below ``build/``.

Each stage reads and writes these files; no stage hands objects to the next::

    build/seed/model.keras  history.json  pictures/   train; training-<digest>.npz while it lasts
    build/seed/model_int8.tflite  manifest.json       convert, model_float.tflite of a float .tflite
    build/seed/compare.json  scores.npz               compare
    build/seed/layers.json                            compare --layers
    build/seed/robustness.json                        compare --robustness
    build/seed/c/model.c  model.h                     compile; c-<board>-<goal> with those
    build/seed/tflm/                                  export --tflm
    build/seed/Glyphite-seed.zip                      export --arduino
    build/seed/cmake/  zephyr/  esp-idf/  platformio/ export --cmake; cmake-<board> and so on
    build/seed/<board>/<goal>/c/  firmware.elf        build
    build/seed/<board>/<goal>/size.json               build
    build/seed/mlperf/<board>/<goal>/                 build --protocol mlperf: the same files
    build/seed/mlperf/run/                            mlperf
    build/seed/<board>/<goal>/bench.json              bench
    build/seed/<board>/<goal>/verify.json             verify; without <goal> of a real board
    build/seed/<board>/<goal>/stream.json  stream.npz stream, of an emulated board
    build/seed/<board>/stream.json  stream.npz        stream, of a real one: it tells no build
    build/seed/<board>/answers.part                   stream, until it has ended well
    build/seed/tflm.scores                            stream: TFLM's, by the samples' hashes
    build/seed/report.json  report.html               report
    build/mnist/search/search.db  search.json  ...    search

A model that comes with this package, such as ``uno``, stays in the package; what is made from it
goes to ``build/`` as well. A model of the same name that was trained here is used instead.

What is made from a .tflite of the user's own goes to ``build/<name>``, or, where another model has
that folder, to ``build/<name>-<first digits of its SHA-256>``. A .keras of the user's own does so
where another model was trained in ``build/<name>``. :func:`safe_name` makes the name. The first
.tflite of a name has the folder, and ``source.json`` there says so, until it is moved or deleted.
"""

import difflib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from glyphite.convert.c_text import tflite_of_text
from glyphite.convert.documents import quoted_path, read_json, to_json, unquoted_path
from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.files import write_text
from glyphite.convert.hold import held
from glyphite.convert.manifest import Manifest, sha256_of
from glyphite.convert.names import safe_name
from glyphite.convert.shipped import MODELS
from glyphite.convert.text import command, printable

TFLITE = "model_int8.tflite"
SOURCE = "source.json"
FIRMWARE_FILE = "firmware.elf"

OWN_FOLDERS = (
    "c",
    "pictures",
    "tflm",
    "cmake",
    "zephyr",
    "esp-idf",
    "platformio",
    "mlperf",
    "schemes",
)
"""In a model's folder, beside those of the boards."""

DEFAULT = "uno"
"""The model of this package that every board can hold."""

SHA_DIGITS = 8
"""Of a model whose name another has: as many as tell models apart at sight."""

MOST_TFLITE_BYTES = 64 << 20
"""The largest file that is read: many times the flash of any microcontroller."""


def build_root() -> Path:
    """The folder of all models: ``$GLYPHITE_BUILD``, or ``build`` in the current folder."""
    return Path(os.environ.get("GLYPHITE_BUILD") or "build")


@dataclass(frozen=True)
class _Source:
    """The content of source.json."""

    tflite: str
    """The absolute path of the .tflite of the user's own from which the files there are made, as
    :func:`quoted_path` writes it."""


@dataclass(frozen=True)
class ModelFolder:
    """One model's files. ``tflite`` lies elsewhere when the user named a .tflite of their own."""

    root: Path
    tflite: Path
    build: str = ""
    """The folder of the one build that is meant, in ``root`` or absolute; "" where none is."""

    @property
    def name(self) -> str:
        """The model's name: that of its folder, made safe."""
        return safe_name(Path(os.path.abspath(self.root)).name)  # noqa: PTH100 - resolves no link

    @property
    def named(self) -> str:
        """What a command calls it: by its name where that leads here, else by its path."""
        if self.shipped or replace(self, build="") == _at_home(self.root.name):
            return self.root.name
        path = str(self.root if self.tflite.parent == self.root else self.tflite)
        return f".{os.sep}{path}" if path.startswith("-") else path

    @property
    def mend(self) -> str:
        """The sentence on how the manifest and the .tflite are made to fit each other again."""
        if self.shipped:
            return "It came with Glyphite: install that anew."
        return f"Make both anew with `{command('glyphite', 'convert', self.named)}`."

    @property
    def shipped(self) -> bool:
        """Whether the model came with this package, so that nothing is written beside it."""
        return self.tflite.parent.parent == MODELS

    @property
    def keras(self) -> Path:
        """The trained float model."""
        return self._source / "model.keras"

    @property
    def float_tflite(self) -> Path:
        """The float model where it is none of Keras: a float32 .tflite."""
        return self.root / "model_float.tflite"

    @property
    def float_model(self) -> Path:
        """The float model that there is: of Keras, or else a float32 .tflite."""
        has_keras = is_file(self.keras) or not is_file(self.float_tflite)
        return self.keras if has_keras else self.float_tflite

    @property
    def history(self) -> Path:
        """Loss and accuracy by epoch."""
        return self._source / "history.json"

    @property
    def pictures(self) -> Path:
        """The folder of the plots of the training run."""
        return self.root / "pictures"

    @property
    def manifest(self) -> Path:
        """The manifest, which describes the model: see ``glyphite.convert.manifest``."""
        return self._source / "manifest.json"

    @property
    def compare(self) -> Path:
        """The figures of the last comparison."""
        return self.root / "compare.json"

    @property
    def scores(self) -> Path:
        """The scores of every runner in the last comparison."""
        return self.root / "scores.npz"

    @property
    def generated(self) -> Path:
        """The folder of the compiled C: that of ``glyphite compile``, or of the build."""
        return self.root / self.build / "c"

    @property
    def tflm(self) -> Path:
        """The folder of the TensorFlow Lite Micro sketch."""
        return self.root / "tflm"

    def variant(self, kind: str, *of: str) -> Path:
        """The folder for something of a ``kind`` in OWN_FOLDERS that is not as usual.

        ``of``: what it is made for, in words that say so; empty ones are as usual.
        """
        return self.root / safe_name("-".join((kind, *filter(None, of))))

    def for_build(
        self, board: str, goal: str, out: Path | None = None, kind: str = ""
    ) -> "ModelFolder":
        """The same model, with the places of its build for the board whose files go by ``board``.

        ``goal`` is what ``--optimize`` asked for; ``out``, a folder of the user's own.
        ``kind``: one of OWN_FOLDERS, for firmware that is not as usual.
        """
        usual = "/".join(filter(None, (kind, self.board(board).name, goal)))
        place = usual if out is None else str(out.absolute())
        return replace(self, build=place)

    def build_of(self, image: Path) -> "ModelFolder":
        """The same model, with the places of the build whose firmware ``image`` is.

        Without one, where the C of that firmware is not beside it.
        """
        has_c = is_file(image.parent / "c" / "model.c")
        return replace(self, build=str(image.parent.absolute()) if has_c else "")

    def image(self, board: str) -> Path:
        """The firmware of the build, or without one in the board's folder."""
        return (self.root / self.build if self.build else self.board(board)) / FIRMWARE_FILE

    def board(self, board: str) -> Path:
        """The folder of one board's builds and streaming results."""
        name = safe_name(board)
        taken = name.casefold().startswith(tuple(f"{own}-" for own in OWN_FOLDERS))
        return self.root / (f"board-{name}" if taken or name.casefold() in OWN_FOLDERS else name)

    @property
    def source(self) -> Path:
        """Tells of which .tflite of the user's own the folder is."""
        return self.root / SOURCE

    @property
    def _source(self) -> Path:
        """The folder of the files that say how the model was made."""
        return self.tflite.parent if self.shipped else self.root


def model_folder(name: str) -> ModelFolder:
    """The folder of the model called ``name``, whether or not it exists yet.

    Raises ModelError where no model can be called so: see :func:`safe_name`.
    """
    if name != safe_name(name):
        raise ModelError(
            f"{printable(repr(name))} is not a model's name: letters, digits, '_', '-' and '.' are "
            f"allowed. Name it {safe_name(name)}, say, or name the path of a file."
        )
    return _at_home(name)


def find_model(text: str) -> ModelFolder:
    """The model that ``text`` names: a name below ``build/``, the name of a model that comes with
    this package, or the path of a .tflite or of C with one in an array (:mod:`.c_text`).

    The results of a path go to a folder below ``build/``, or into its own folder where that already
    is the folder of a model. Raises ModelError where there is no such model, and where its .tflite
    is larger than ``MOST_TFLITE_BYTES`` or its text holds no model; InputError where it cannot be
    read.
    """
    path = Path(text)
    if path.suffix == ".tflite" or is_file(path):
        return _of_file(path)
    if is_file(path / TFLITE):
        return _of_file(path / TFLITE)
    name = path.name if os.path.isdir(path) else text  # noqa: PTH112 - as in is_file
    folder = model_folder(name)
    if folder.tflite.is_file():
        return _limited(folder)
    if (MODELS / name / TFLITE).is_file() and not folder.float_model.is_file():
        return _folder_at(MODELS / name)
    if folder.float_model.is_file():
        convert = command("glyphite", "convert", name)
        raise ModelError(f"The model {name!r} is not quantized yet. Do so with `{convert}`.")
    raise _unknown(name)


def _unknown(name: str) -> ModelError:
    models = model_names()
    beside = Path(f"{name}.tflite")
    near = [command(beside)] if is_file(beside) else difflib.get_close_matches(name, models, 1)
    meant = f"Did you mean {near[0]}? " if near else ""
    return ModelError(
        f"No model called {name!r}. {meant}There are: {', '.join(models)}. Name one of them or a "
        ".tflite file, or make one: see `glyphite train --help` and `glyphite convert --help`."
    )


def model_names() -> list[str]:
    """The models that can be named: those made below ``build/``, and those of this package."""
    made = {path.parent.name for path in _made()}
    return sorted(made | {path.parent.name for path in MODELS.glob(f"*/{TFLITE}")})


def default_model() -> str:
    """The name of the model that was converted last, or else of the one of this package."""
    newest = max(_made(), key=lambda path: path.stat().st_mtime_ns, default=None)
    return newest.parent.name if newest else DEFAULT


def _made() -> list[Path]:
    """The .tflite files below ``build/`` that a name leads to."""
    found = build_root().glob(f"*/{TFLITE}")
    return [
        path for path in found if is_file(path) and path.parent.name == safe_name(path.parent.name)
    ]


def _of_file(path: Path) -> ModelFolder:
    """The model in the .tflite at ``path``."""
    if not is_file(path):
        raise _no_file(path)
    if path.name == TFLITE:
        return _limited(_folder_at(path.parent))
    _limited(ModelFolder(build_root(), path))
    path = tflite_of_text(path, build_root() / ".arrays")
    folder = ModelFolder(build_root() / safe_name(path.stem), path)
    digest = sha256_of(path)
    if _owner(folder.root) in (None, digest) and _rival(folder) is None:
        return folder
    return ModelFolder(build_root() / f"{folder.name}-{digest[:SHA_DIGITS]}", path)


def _no_file(path: Path) -> ModelError:
    names = [other.name for other in path.parent.glob("*.tflite")]
    near = difflib.get_close_matches(path.name, names, 1)
    meant = f"Did you mean {command(path.with_name(near[0]))}? " if near else ""
    return ModelError(f"No such file: {path}. {meant}Name a .tflite file, or a model's name.")


def _owner(root: Path) -> str | None:
    """The SHA-256 of the model that was made in the folder ``root``, or came with this package.

    "" where it is not known, and None where the folder is free for a file of the user's own.
    """
    made, shipped = _at_home(root.name), _folder_at(MODELS / root.name)
    if made.manifest.is_file():
        try:
            return Manifest.load(made.manifest).sha256
        except InputError:
            return ""
    if made.float_model.is_file() or made.tflite.is_file():
        return ""
    return sha256_of(shipped.tflite) if shipped.tflite.is_file() else None


def own_tflite(root: Path, way_out: str) -> Path:
    """The .tflite of the user's own that the folder ``root`` is of; InputError, which ends with
    ``way_out``, where what says so cannot be read."""
    return unquoted_path(read_json(root / SOURCE, _Source, way_out).tflite)


def _rival(folder: ModelFolder) -> Path | None:
    """Another .tflite of the user's own, of other content, that has the folder, if there is one."""
    try:
        other = own_tflite(folder.root, "")
        is_rival = is_file(other) and sha256_of(other) != sha256_of(folder.tflite)
    except InputError:  # nothing says that there is one
        return None
    return other if is_rival else None


@contextmanager
def writing_to(folder: ModelFolder, report: Callable[[str], None]) -> Iterator[None]:
    """Hold a model's folder, as :func:`held` does, for what is made of its .tflite.

    Raises InputError as that does, and where another .tflite got the folder since it was found.
    """
    with held(folder.root, report):
        is_shared = folder.tflite.parent != folder.root and _owner(folder.root) is None
        if is_shared and (other := _rival(folder)):
            raise InputError(
                f"{folder.root} is the folder of {printable(str(other))} by now. "
                "Give the same command again: it takes another one."
            )
        yield
        if is_shared:
            path = Path(os.path.abspath(folder.tflite))  # noqa: PTH100 - resolves no link
            write_text(folder.source, to_json(asdict(_Source(quoted_path(path)))))


def is_file(path: Path) -> bool:
    """Whether there is one: no error for a name that no file can have, unlike Path's."""
    return os.path.isfile(path)  # noqa: PTH113


def _limited(folder: ModelFolder) -> ModelFolder:
    size = folder.tflite.stat().st_size
    if size > MOST_TFLITE_BYTES:
        raise ModelError(
            f"{folder.tflite} has {size:,} bytes, and at most {MOST_TFLITE_BYTES:,} are read. "
            "Name a model for microcontrollers."
        )
    return folder


def _at_home(name: str) -> ModelFolder:
    """The model that was made in ``build/<name>``."""
    root = build_root() / name
    return ModelFolder(root, root / TFLITE)


def _folder_at(path: Path) -> ModelFolder:
    """The model in the folder ``path``."""
    shipped = path.resolve()
    if shipped.parent == MODELS:
        return ModelFolder(build_root() / shipped.name, shipped / TFLITE)
    return ModelFolder(path, path / TFLITE)
