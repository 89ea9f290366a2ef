"""What a comment, a docstring, a page or a template calls by a path is there."""

import re
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.contract.prose import prose
from tests.paths import PROJECT

ENDINGS = (
    *("c", "cc", "cpp", "csv", "h", "html", "ino", "ipynb", "j2", "json", "keras", "ld", "md"),
    *("png", "py", "sh", "svg", "tflite", "toml", "txt", "yaml", "yml"),
)
OF_READERS = ("c", "cc", "h", "j2", "md", "py", "toml")
"""The endings by which a name without a folder is taken for a file of the project too."""
MADE = ("build", ".venv")
"""Folders that the project's commands make."""
OTHERS = {
    *("create_tflm_tree.py", "fixedpoint.h", "kernel_util.cc", "quantization_util.cc", "reduce.h"),
    *("FILE.py", "mine.py", "x.py"),
    *("on_port.py", "RUNNER/main.py"),
}
"""Files of TensorFlow and its libraries, where formulas come from; those of a user's own; those in
the folder for MLPerf Tiny's runner, and of that."""

_PART = r"[\w.*<>-]"
_PATH = re.compile(rf"(?<![\w/.:~$<>{{}}*-])(?:{_PART}+/)+{_PART}*\w")
_BARE = re.compile(rf"(?<![\w/.:~$<>{{}}*-])[\w-]+\.(?:{'|'.join(OF_READERS)})\b(?![\w/.])")
_ROOT = re.compile(r"^(convert|host|train)/glyphite/\1/")
"""What the short form of a path leaves out: `convert/errors.py`."""


@cache
def files() -> frozenset[str]:
    """All files of the project, new ones among them, from its folder on."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return frozenset(name for name in listing.stdout.splitlines() if (PROJECT / name).is_file())


@cache
def known() -> frozenset[str]:
    """By what a reader may call these files and their folders: whole paths, and ends of them."""
    found = set()
    for name in files():
        made = name.removesuffix(".j2")  # what a template makes has its name
        for whole in {form for path in (name, made) for form in (path, _ROOT.sub(r"\1/", path))}:
            parts = whole.split("/")
            found |= {
                "/".join(parts[start:end])
                for end in range(1, len(parts) + 1)
                for start in range(end)
            }
    return frozenset(found)


@cache
def folders() -> frozenset[str]:
    """The project's folders at the top."""
    return frozenset(name.split("/")[0] for name in files() if "/" in name)


def named(text: str) -> Iterator[str]:
    """The paths that a text names as ones of the project."""
    for found in _PATH.finditer(text):
        first, ending = found[0].split("/")[0], found[0].rpartition(".")[2]
        if (
            found[0] not in OTHERS
            and first not in MADE
            and (first in folders() or ending in ENDINGS)
        ):
            yield found[0]
    yield from (found[0] for found in _BARE.finditer(text) if found[0] not in OTHERS)


def is_there(path: str) -> bool:
    """Whether a path leads to a file or folder; `*`, `<name>` and NAME stand for any name."""
    path = re.sub(r"^(\.{1,2}/)+", "", path)  # of a link from a page in a folder
    if path in known():
        return True
    parts = re.split(r"\*|<[^<>]*>|\bNAME\b", path)
    pattern = re.compile("[^/]*".join(map(re.escape, parts)))
    return len(parts) > 1 and any(pattern.fullmatch(name) for name in known())


@pytest.fixture(autouse=True)
def tools(require_tool: Callable[..., None]) -> None:
    require_tool("git")


def test_every_path_that_the_project_names_is_there() -> None:
    wrong = [
        f"{source}:{line}: {path}"
        for source in sorted(files())
        for line, text in prose(PROJECT / source)
        for path in named(text)
        if not is_there(path)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "path",
    [
        "convert/layouts/dsp.py",
        "host/avr_board.py",
        "convert/layouts",
        "kernels/dsp/conv_3d.h",
        "dsp/conv_3d*.h",
        "convert/compiler/ops/<operator>.rs",
        "avr_board.py",
    ],
)
def test_a_path_that_leads_nowhere_is_noticed(path: str) -> None:
    assert list(named(f"See `{path}`, which is gone.")) == [path]
    assert not is_there(path)


@pytest.mark.parametrize(
    "path",
    [
        "convert/glyphite/convert/compiler/ir/fixed_point.py",
        "convert/compiler/ir/fixed_point.py",
        "ir/fixed_point.py",
        "kernels/dsp",
        "kernels/dsp/depthwise_conv_2d*.h",
        "convert/compiler/ops/<operator>.py",
        "firmware/boards/NAME.toml",
        "../CONTRIBUTING.md",
        ".clang-format",
        "fixed_point.h",
        "model_data.h",
    ],
)
def test_whole_paths_short_forms_ends_and_patterns_are_found(path: str) -> None:
    assert is_there(path)


@pytest.mark.parametrize(
    "text",
    [
        "the share is 1/256, and the slope -32/17",
        "build/seed/c/model.c and .venv/bin/activate are made",
        "https://github.com/tensorflow/tflite-micro/blob/main/README.md",
        "CRC-16/CCITT; read/write; 0.5/1.0",
        "/dev/ttyACM0, /tmp/model.c, ~/model.c and {{ folder }}/build.sh are the user's",
    ],
)
def test_fractions_addresses_and_what_is_made_are_no_paths(text: str) -> None:
    assert not list(named(text))


def test_strings_of_the_code_are_no_prose(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text('/* one */ char *s = "/* two */"; // three\n')
    (tmp_path / "a.py").write_text('"""One."""\nTEXT = "two"  # three\n')
    (tmp_path / "a.toml").write_text('name = "two" # three\n')
    assert [text for _, text in prose(tmp_path / "a.c")] == ["/* one */", "// three"]
    assert sorted(text for _, text in prose(tmp_path / "a.py")) == ["# three", "One."]
    assert [text for _, text in prose(tmp_path / "a.toml")] == ["# three"]
