"""Builds a model's firmware for a board, and checks that it fits before it is flashed."""

import dataclasses
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.boards import DEBIAN_CORE, MOST_AVR_ARRAY_BYTES, PORTS, Board, Memory
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.documents import now, quoted_path, to_json
from glyphite.convert.errors import DoesNotFitError, ModelError, ToolError
from glyphite.convert.files import remove, temporary_folder, write_bytes, write_text
from glyphite.convert.programs import attempt
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.text import command
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.arduino import (
    find_tool,
    link_sketch,
    reported_sizes,
    uploads,
)
from glyphite.host.device.c_compiler import NATIVE, c_compiler, without_unused
from glyphite.host.device.elf import Elf
from glyphite.host.device.images import read_image
from glyphite.host.device.mlperf import Task
from glyphite.host.device.packages import install
from glyphite.host.device.said import keep_said
from glyphite.host.device.size import Part, Size, ensure_fits, image_size, largest
from glyphite.host.device.stack import measure_stack
from glyphite.host.device.transport.firmware_files import forget_firmware, record_firmware
from glyphite.host.device.wire.protocol import TEXT_BYTES

LIBRARY = FIRMWARE / "library" / "Glyphite" / "src"
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-Wno-unused-function")
"""clang calls an inline function of a model that no layer takes unused; gcc does not."""
SECTIONS = ("-ffunction-sections", "-fdata-sections")
UNLIMITED = Memory(flash=0x1000_0000, ram=0x1000_0000, stack=0)
"""More than any board has: firmware that does not fit is linked with it, to find its size."""

FOR_MLPERF = ("glyphite_mlperf.c", "glyphite_text.c")
"""Of the library, what is compiled for MLPerf Tiny's protocol; the rest is for Glyphite's own."""

SIZE = "size.json"
BOARD = "board.json"
"""Names the file of a board of the user's own."""
_ARRAY = re.compile(r"^static const \w* ?u?int(\d+)_t (\w+)\[(\d+)\]", re.MULTILINE)
"""Of the generated C: bits of a value, name, values."""
BUILD_SECONDS = 1800.0
"""For one command: arduino-cli compiles a whole core at first, which takes minutes on a PC."""


@dataclass(frozen=True)
class Built:
    """A firmware image, ready to run."""

    image: Path
    size: Size
    sha256: str = ""
    """The SHA-256 of what the image stores on the board."""


def build(
    folder: ModelFolder, board: Board, goal: Goal | None = None, task: Task | None = None
) -> Built:
    """Compile and link ``folder``'s generated C for ``board``, and record the image.

    ``goal`` is recorded: the one that the C was generated for, where that is known. With ``task``
    the firmware speaks MLPerf Tiny's protocol; no record names it, so ``sim://`` does not run it.

    Raises ModelError where there is no generated C or the model's name is too long, ToolError where
    the compiler is missing or fails, DoesNotFitError where the board is too small, LinkError where
    a sketch does not answer on the emulated board. After an error there is no image.
    """
    image = folder.image(board.key)
    forget_firmware(board, image)
    remove(image.with_name(SIZE))  # first: it tells of the image
    remove(image)
    remove(image.with_name(BOARD))
    shutil.rmtree(uploads(image), ignore_errors=True)
    _check_model(folder)
    ensure_short_arrays(folder, board)
    with temporary_folder() as scratch:
        made = scratch / "firmware.elf"
        size = linked_size(folder, board, made, task)
        ensure_fits(folder.name, board, size)
        size = with_stack(folder.name, board, made, size, speaks=task is None)
        if has_own_core(board):
            for file in uploads(made).iterdir():
                write_bytes(uploads(image) / file.name, file.read_bytes())
        write_bytes(image, made.read_bytes(), executable=True)
    built = Built(image, size, read_image(image).digest)
    if board.key != board.name:
        write_text(image.with_name(BOARD), to_json({"board": quoted_path(board.path)}))
    write_text(image.with_name(SIZE), to_json(_document(folder, board, goal, built)))
    if board.arduino is None and task is None:
        record_firmware(board, image)
    return built


def _document(
    folder: ModelFolder, board: Board, goal: Goal | None, built: Built
) -> dict[str, object]:
    return {
        **dataclasses.asdict(built.size),
        "sha256": _sha256(folder),
        "firmware_sha256": built.sha256,
        "goal": goal,
        "compiler": f"{board.toolchain.cc} {board.toolchain.optimize}",
        "date": now(),
    }


def linked_size(folder: ModelFolder, board: Board, image: Path, task: Task | None = None) -> Size:
    """Compile and link ``folder``'s generated C to the file ``image``; returns the memory that it
    takes, whether or not it fits.

    Raises ToolError where the compiler is missing or fails, and DoesNotFitError where a sketch is
    so large that there is no image.
    """
    said = _make(folder, board, image, task)
    return _by_core(board, image_size(_made(board, image)), said)


def _check_model(folder: ModelFolder) -> None:
    header = folder.generated / "model.h"
    if not header.is_file() or not (folder.generated / "model.c").is_file():
        raise ModelError(
            f"The model {folder.name!r} has no C yet: {folder.generated}/model.c does not exist. "
            f"Make it with `{command('glyphite', 'compile', folder.named)}`."
        )
    name = re.search(
        r'^#define MODEL_NAME "(.*)"', header.read_text(encoding="utf-8"), re.MULTILINE
    )
    if name and len(name[1].encode()) >= TEXT_BYTES:
        raise ModelError(
            f"The model's name {name[1]!r} is too long for a board: {TEXT_BYTES - 1} bytes are "
            "allowed. Rename its folder or its .tflite."
        )


def ensure_short_arrays(folder: ModelFolder, board: Board) -> None:
    """Make sure that avr-gcc takes the arrays of the model's C, of which it says little.

    Raises DoesNotFitError where they alone are too large for the board, ModelError where one is too
    long for the compiler.
    """
    if not board.is_avr or board.memory is None:
        return
    text = folder.generated.joinpath("model.c").read_text(encoding="utf-8")
    sizes = {name: int(bits) // 8 * int(count) for bits, name, count in _ARRAY.findall(text)}
    parts = [Part(name, size, "flash") for name, size in sizes.items()]
    parts.sort(key=lambda part: part.bytes, reverse=True)
    total = sum(sizes.values())
    ensure_fits(folder.name, board, Size(total, 0, 0, {}, tuple(parts)), "at least ")
    if parts and parts[0].bytes > MOST_AVR_ARRAY_BYTES:
        raise ModelError(
            f"The model {folder.name!r} cannot be built for {board.name!r}: {parts[0].name} has "
            f"{parts[0].bytes:,} bytes, and avr-gcc takes at most {MOST_AVR_ARRAY_BYTES:,} in an "
            "array. Make that layer narrower, or use a board with another processor."
        )


def _sha256(folder: ModelFolder) -> str:
    """The SHA-256 of the .tflite that the generated C was made from, as the C tells the board."""
    defined = (
        folder.generated.joinpath("model.h")
        .read_text(encoding="utf-8")
        .partition("#define MODEL_SHA256")[2]
    )
    return "".join(re.findall(r"0x([0-9a-fA-F]{2})", defined.partition("}")[0])).lower()


def _make(folder: ModelFolder, board: Board, image: Path, task: Task | None) -> str:
    """Compile and link; returns the output of the tool.

    Firmware that is too large is linked all the same, to find its size. Only a core other than the
    AVR's refuses it, and then its parts are not known.
    """
    if has_own_core(board):
        return _link_by_own_core(folder, board, image, task)
    compiler = _compiler(board)
    if board.arduino is not None:
        return _link_sketch(compiler, folder, board, image, task)
    try:
        return _run(board, [*compiler, *_command(folder, board, board.memory, image, task)])
    except _OverflowError:
        return _run(board, [*compiler, *_command(folder, board, UNLIMITED, image, task)])


def _link_sketch(
    compiler: tuple[str, ...], folder: ModelFolder, board: Board, image: Path, task: Task | None
) -> str:
    """Build the sketch. Where it exceeds an AVR's 16-bit addresses, there is no image, and the
    error has the size of the model alone."""
    try:
        return link_sketch(folder, board, image, lambda command: _run(board, command), task)
    except _OverflowError as error:
        alone = [f"-mmcu={board.mcu.cpu}", "-Os", "-std=gnu99", *SECTIONS]
        source, made = folder.generated / "model.c", image.with_name("model.o")
        _run(board, [*compiler, *alone, "-c", str(source), "-o", str(made)])
        ensure_fits(folder.name, board, image_size(_made(board, made)))
        raise _no_room(folder, board) from error


def _link_by_own_core(folder: ModelFolder, board: Board, image: Path, task: Task | None) -> str:
    try:
        return link_sketch(folder, board, image, lambda command: _run(board, command), task)
    except _OverflowError as error:
        raise _no_room(folder, board) from error


def _no_room(folder: ModelFolder, board: Board) -> DoesNotFitError:
    return DoesNotFitError(
        f"The model {folder.name!r} does not fit on {board.name!r}: its core finds no room for "
        "the sketch. Use a larger board or a smaller model."
    )


def _made(board: Board, image: Path) -> Elf:
    """What the compiler has made; ToolError where it ended well and made nothing."""
    if not image.is_file():
        raise ToolError(
            f"{board.toolchain.cc}, the compiler for the board {board.name!r}, wrote no program. "
            f"Name a C compiler as 'toolchain.cc' in {board.path}."
        )
    return read_image(image)


def has_own_core(board: Board) -> bool:
    """Whether arduino-cli alone builds for the board, with the compiler that the core brings."""
    return board.arduino is not None and board.arduino.core != DEBIAN_CORE


def _by_core(board: Board, size: Size, said: str) -> Size:
    """``size`` with flash and RAM as the core reports them, where it is not the AVR's."""
    sizes = reported_sizes(said) if has_own_core(board) else None
    return dataclasses.replace(size, flash=sizes[0], ram=sizes[1]) if sizes else size


def _compiler(board: Board) -> tuple[str, ...]:
    if board.toolchain.cc == NATIVE:
        return c_compiler()
    compiler = find_tool(board.toolchain.cc)
    if compiler is None:
        raise ToolError(
            f"{board.toolchain.cc}, the compiler for the board {board.name!r}, is not installed. "
            + install(str(board.toolchain.package))
        )
    return (compiler,)


def native_command(folder: ModelFolder, board: Board, image: Path) -> list[str]:
    """The arguments by which any C compiler makes the firmware of a board without a memory map."""
    return _command(folder, board, None, image)


def _command(
    folder: ModelFolder,
    board: Board,
    memory: Memory | None,
    image: Path,
    task: Task | None = None,
) -> list[str]:
    """The compiler's arguments that make one image of all sources."""
    port = PORTS / board.toolchain.port
    sources = [
        PORTS / ("main.c" if task is None else "mlperf.c"),
        *port.glob("*.c"),
        *(file for file in LIBRARY.glob("*.c") if (file.name in FOR_MLPERF) == (task is not None)),
        *folder.generated.glob("*.c"),
    ]
    includes = (PORTS, LIBRARY, folder.generated)
    return [
        *(board.toolchain.optimize, *WARNINGS, *SECTIONS, *board.toolchain.flags),
        *(f"-I{path}" for path in includes),
        *board.definitions,
        *(task.definitions if task else ()),
        *map(str, sorted(sources, key=lambda source: source.name)),
        *(
            without_unused(board.toolchain.cc),
            *board.toolchain.link_flags,
            *_linker_script(port, memory),
        ),
        *("-o", str(image)),
    ]


def _linker_script(port: Path, memory: Memory | None) -> Iterable[str]:
    if memory is None:
        return ()
    sizes = {"FLASH": memory.flash, "RAM": memory.ram, "STACK": memory.stack}
    origins = {"FLASH": memory.flash_origin, "RAM": memory.ram_origin}
    symbols = {f"{name}_BYTES": size for name, size in sizes.items()}
    symbols |= {f"{name}_ORIGIN": at for name, at in origins.items() if at is not None}
    definitions = (f"-Wl,--defsym={name}={value}" for name, value in symbols.items())
    return ("-Wl,--fatal-warnings", "-T", str(port / "link.ld"), *definitions)


def with_stack(model: str, board: Board, made: Path, size: Size, *, speaks: bool = True) -> Size:
    """``size`` of the image ``made`` with the peak of the stack, for a sketch that ``speaks``
    Glyphite's own protocol; else with the stack that is reserved.

    Raises DoesNotFitError where it is too high, LinkError where a sketch does not answer on the
    emulated board.
    """
    if board.arduino is None or board.memory is None:
        return size
    if board.emulator is None or not speaks:
        return dataclasses.replace(size, stack=board.memory.stack)
    try:
        stack = measure_stack(board, made)
    except DoesNotFitError as error:
        named = largest(size, "RAM")
        raise DoesNotFitError(
            f"The model {model!r} does not fit on {board.name!r}: {error}. It has {size.ram:,} of "
            f"{board.memory.ram:,} bytes of RAM as static data. Largest parts: {named}. "
            "Use a larger board or a smaller model."
        ) from error
    if stack is None:
        return dataclasses.replace(size, stack=board.memory.stack)
    return dataclasses.replace(size, stack=stack, stack_measured=True)


class _OverflowError(Exception):
    """The linker found a memory region too small."""


def _run(board: Board, command: list[str]) -> str:
    """Run it, and return what it said. A ToolError names the file that keeps all of that."""
    finished = attempt(command, BUILD_SECONDS)
    if finished.code == 0:
        return finished.output
    if re.search(
        r"region `\w+' overflowed|will not fit in region|exceeds available space|Sketch too big"
        r"|too large for field of 2 bytes|relocation truncated to fit",
        finished.errors,
    ):
        raise _OverflowError
    named = os.environ.get("CC") if board.toolchain.cc == NATIVE else None
    what = f"{named or board.toolchain.cc} cannot build the firmware for {board.name!r}"
    kept = keep_said(Path(command[0]).name, finished.output + finished.errors)
    raise finished.failure(what, f"All that it said is in {kept}. {_way_out(board)}")


def _way_out(board: Board) -> str:
    """What mends it where the firmware cannot be built. The model's C was made just before."""
    if board.toolchain.cc == NATIVE and os.environ.get("CC"):
        return "Check the environment variable CC."
    if board.arduino is None:
        return f"Check 'toolchain' in {board.path}."
    menus = "a choice of each menu of its board (as arduino:avr:mega:cpu=atmega2560)"
    return f"Check 'toolchain' and 'arduino.fqbn' in {board.path}; the latter names {menus}, too."
