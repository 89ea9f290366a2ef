"""Holds a board's hello against this host and against the model that it should have."""

import dataclasses
from pathlib import Path

import numpy as np

from glyphite.convert.boards import known_board, load_board
from glyphite.convert.errors import LinkError
from glyphite.convert.manifest import Manifest, TensorInfo
from glyphite.convert.text import command
from glyphite.convert.version import __version__
from glyphite.host.device.transport.firmware_files import emulated_board
from glyphite.host.device.transport.ports import is_emulated, is_pseudo_terminal
from glyphite.host.device.wire.messages import Hello, WireTensor
from glyphite.host.device.wire.protocol import PROTOCOL, Encoding

EMULATE = "glyphite emulate"


def check_board(
    url: str,
    board: Hello,
    sha256: str | None,
    manifest: Manifest | None = None,
    named: str = "MODEL",
) -> None:
    """Make sure that ``board`` speaks this protocol and has the model ``sha256``, if given.

    With ``manifest``, it has to tell that model's SHA-256 and tensors. Raises LinkError where it
    does not; ``url``, and what a command calls the model (``named``), are for its message.
    """
    if board.protocol != PROTOCOL:
        raise LinkError(
            f"The board on {url} runs {board.firmware or 'firmware'} with protocol "
            f"{board.protocol}, and this is Glyphite {__version__} with protocol {PROTOCOL}. "
            f"{_put('Flash firmware of this version', url, board.board, named)}"
        )
    if Encoding.RAW not in board.encodings:
        raise LinkError(
            f"The board on {url} decodes the encodings {list(board.encodings)}, and this host "
            f"sends {int(Encoding.RAW)}. "
            f"{_put('Flash firmware of this version', url, board.board, named)}"
        )
    wanted = manifest.sha256 if manifest is not None else sha256
    if wanted is not None and board.model_sha256 != wanted:
        raise LinkError(
            f"The board on {url} holds another model: {board.model_name!r} with SHA-256 "
            f"{board.model_sha256 or 'not told'}, and yours is {wanted}. "
            f"{_put('Put yours on it', url, board.board, named)}"
        )
    if manifest is not None:
        _check_tensor(url, "input", board.inputs, manifest.input)
        _check_tensor(url, "output", board.outputs, manifest.output)


def _check_tensor(url: str, what: str, tensors: tuple[WireTensor, ...], tensor: TensorInfo) -> None:
    """Hold shape, scale and zero point of a hello against the model's; LinkError on a difference.

    Lengths of 1 say nothing, and a float tensor has neither scale nor zero point.
    """
    scale, zero_point = (tensor.scale, tensor.zero_point) if tensor.dtype == "int8" else (0.0, 0)
    right = WireTensor(tensor.shape, float(np.float32(scale)), zero_point)
    if len(tensors) > 1:
        raise LinkError(
            f"The board on {url} says that its model has {len(tensors)} {what}s, and the model of "
            "that SHA-256 has one. Build its firmware again, and flash it."
        )
    told = tensors[0] if tensors else WireTensor()
    if told.bytes == right.bytes and dataclasses.replace(told, shape=right.shape) == right:
        return
    raise LinkError(
        f"The board on {url} says that its model's {what} has shape {told.shape}, scale "
        f"{told.scale:g} and zero point {told.zero_point}, and the model of that SHA-256 has "
        f"{right.shape}, {right.scale:g} and {right.zero_point}. Build its firmware again, and "
        "flash it."
    )


def _put(how: str, url: str, name: str, named: str) -> str:
    """The sentence on what to type; ``how`` begins it."""
    words = remedy(url, name, named)
    if words.startswith(EMULATE):
        how = f"Stop the `{EMULATE}` at that port, and start it anew with yours"
    return f"{how}: `{words}`."


def remedy(url: str, name: str, named: str) -> str:
    """The command that puts a model onto the board called ``name``, if that is a known one; an
    emulated board is the one in its URL, and one on a pseudo-terminal is started anew."""
    emulated = is_emulated(url)
    board = load_board(emulated_board(url)) if emulated else known_board(name)
    if is_pseudo_terminal(url) and board is not None and board.emulator is not None:
        link = ("--link", url) if Path(url).is_symlink() else ()
        return command(*EMULATE.split(), named, "--board", board.named, *link)
    if board is not None and board.arduino is not None:
        return command("glyphite", "flash", named, "--board", board.named, "--port", url)
    return command("glyphite", "build", named, "--board", board.named if board else "BOARD")
