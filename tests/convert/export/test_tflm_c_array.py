"""The C array is the .tflite, byte for byte, in files that any C or C++ compiler takes."""

import hashlib
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from glyphite.convert.export.c_array import c_array
from glyphite.convert.workspace import ModelFolder

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror")


def parsed(source: str) -> bytes:
    """The bytes of the array in ``model_data.cc``."""
    body = source.split("{", 1)[1].split("}", 1)[0]
    return bytes(int(word, 16) for word in re.findall(r"0x[0-9a-f]{2}", body))


def compiled(folder: Path, command: list[str]) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)


@given(st.binary(min_size=1, max_size=300))
def test_array_holds_exactly_the_bytes(content: bytes) -> None:
    files = c_array("any", content)
    assert parsed(files["model_data.cc"]) == content
    assert f"#define MODEL_DATA_BYTES {len(content)}\n" in files["model_data.h"]


def test_array_of_a_real_model_is_the_tflite(seed: ModelFolder) -> None:
    assert parsed(c_array("seed", seed.tflite.read_bytes())["model_data.cc"]) == (
        seed.tflite.read_bytes()
    )


def test_header_gives_name_length_and_hash() -> None:
    content = bytes(range(256))
    header = c_array("seed", content)["model_data.h"]
    digest = hashlib.sha256(content)
    macro = header.split("#define MODEL_SHA256")[1].split("}")[0]
    assert bytes(int(word, 16) for word in re.findall(r"0x[0-9a-f]{2}", macro)) == digest.digest()
    assert f"{digest.hexdigest()}\n" in header
    assert '#define MODEL_NAME "seed"\n' in header
    assert "seed, 256 bytes" in header


def test_same_model_gives_the_same_text_without_a_date() -> None:
    files = c_array("seed", b"model")
    assert files == c_array("seed", b"model")
    assert not re.search(r"20\d\d-|\d\d:\d\d", "".join(files.values()))


def test_lines_stay_within_100_columns() -> None:
    texts = c_array("x" * 31, bytes(1000)).values()
    assert max(len(line) for text in texts for line in text.splitlines()) <= 100


def test_header_is_c_and_cpp(tmp_path: Path, require_tool: Callable[..., None]) -> None:
    require_tool("gcc", "g++")
    for file, text in c_array("seed", b"model").items():
        (tmp_path / file).write_text(text)
    use = '#include "model_data.h"\nstatic const uint8_t hash[32] = MODEL_SHA256;\n'
    use += "unsigned int first(void); unsigned int first(void) { return model_data[0] + hash[0]; }"
    (tmp_path / "use.c").write_text(use)
    (tmp_path / "use.cc").write_text(use)
    compiled(tmp_path, ["gcc", "-std=c99", *WARNINGS, "-c", "use.c", "-o", "c.o"])
    compiled(tmp_path, ["g++", "-std=c++17", *WARNINGS, "-c", "use.cc", "-o", "cc.o"])
    compiled(tmp_path, ["g++", "-std=c++17", *WARNINGS, "-c", "model_data.cc", "-o", "data.o"])
    assert {path.name for path in tmp_path.glob("*.o")} == {"c.o", "cc.o", "data.o"}


def test_array_is_aligned_to_16_in_the_object_file(
    tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    """Unaligned weights are a hard fault on a Cortex-M0, so it must not be luck."""
    require_tool("g++", "readelf")
    for file, text in c_array("seed", b"TFL3 model").items():
        (tmp_path / file).write_text(text)
    compiled(tmp_path, ["g++", "-std=c++17", "-fdata-sections", "-c", "model_data.cc"])
    table = subprocess.run(
        ["readelf", "--sections", "--wide", "model_data.o"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    section = next(line for line in table.splitlines() if ".rodata.model_data" in line)
    assert section.split()[-1] == "16"
