"""A model that is there only as the array of a C program is read as the file that it was."""

import base64
import bz2
import gzip
import io
import lzma
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.errors import ModelError
from glyphite.convert.manifest import sha256_of
from glyphite.convert.shipped import MODELS
from glyphite.convert.workspace import build_root, find_model
from glyphite.host.cli import main
from tests.builders.small import small

TFLITE = MODELS / "uno" / "model_int8.tflite"


def array(content: bytes, form: str = "0x{:02x}", name: str = "g_model") -> str:
    """As `xxd -i` writes one, twelve bytes a line."""
    texts = [form.format(byte) for byte in content]
    lines = [", ".join(texts[at : at + 12]) for at in range(0, len(texts), 12)]
    return f"unsigned char {name}[] = {{\n  {(chr(44) + chr(10)).join(lines)}\n}};\n"


def found(path: Path, text: str) -> bytes:
    path.write_text(text)
    return find_model(str(path)).tflite.read_bytes()


def refused(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(ModelError) as caught:
        find_model(str(path))
    return str(caught.value)


@pytest.mark.parametrize("form", ["0x{:02x}", "0X{:02X}u", "{}", "(int8_t)0x{:02x}"])
def test_an_array_gives_the_very_bytes(tmp_path: Path, form: str) -> None:
    content = TFLITE.read_bytes()
    text = f"{array(content, form)}unsigned int g_model_len = {len(content)};\n"
    assert found(tmp_path / "model_data.h", text) == content
    folder = find_model(str(tmp_path / "model_data.h"))
    assert folder.name == "model_data"
    assert sha256_of(folder.tflite) == sha256_of(TFLITE)
    assert folder.tflite.is_relative_to(build_root() / ".arrays")


@pytest.mark.parametrize("form", ["{}", "(signed char){}"])
def test_an_array_of_int8_t_gives_them_too(tmp_path: Path, form: str) -> None:
    content = TFLITE.read_bytes()
    values = ", ".join(form.format(byte - 256 if byte > 127 else byte) for byte in content)
    assert found(tmp_path / "signed.h", f"const int8_t g_model[] = {{{values}}};") == content
    assert found(tmp_path / "values.txt", values) == content


def zipped(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("dump_whole.tflite", content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "packed", "said"),
    [
        ("dump.tflite", base64.encodebytes, "is a .tflite as base64. Turn it back with"),
        ("dump.txt", base64.b64encode, "is a .tflite as base64. Turn it back with"),
        ("dump.tflite.gz", gzip.compress, "is packed by gzip. Unpack it with"),
        ("dump.tflite", gzip.compress, "is packed by gzip. Unpack it with"),
        ("dump.tflite.bz2", bz2.compress, "is packed by bzip2. Unpack it with"),
        ("dump.tflite.xz", lzma.compress, "is packed by xz. Unpack it with"),
        ("dump.zip", zipped, "is a zip with dump_whole.tflite in it. Unpack it with"),
    ],
)
def test_what_is_packed_is_refused_with_the_command_that_gives_it_back(
    name: str,
    packed: Callable[[bytes], bytes],
    said: str,
    tmp_path: Path,
    require_tool: Callable[..., None],
) -> None:
    require_tool("gzip", "bzip2", "xz", "python3")
    path = tmp_path / name
    path.write_bytes(packed(TFLITE.read_bytes()))
    with pytest.raises(ModelError) as caught:
        find_model(str(path))
    assert str(caught.value).startswith(f"{path} {said} `")
    subprocess.run(str(caught.value).split("`")[1], shell=True, check=True)
    (whole,) = tmp_path.rglob("dump_whole.tflite")
    assert whole.read_bytes() == TFLITE.read_bytes()


def test_base64_within_other_text_is_to_be_taken_out(tmp_path: Path) -> None:
    text = f'MODEL = "{base64.b64encode(TFLITE.read_bytes()).decode()}"\n'
    said = refused(tmp_path / "model.py", text)
    assert "has a .tflite as base64 in it. Put those characters alone, without quotes" in said
    assert refused(tmp_path / "alone.txt", text.split('"')[1]).endswith("alone_whole.tflite`.")


def test_what_stands_around_it_does_not_matter(tmp_path: Path) -> None:
    """Comments that look like arrays, an include guard, alignment, other arrays, a last comma."""
    content = small().build([0], [4])
    around = array(content).replace(
        "unsigned char g_model[]", "alignas(16) const unsigned char g_model[] PROGMEM"
    )
    around = around.replace("\n};", ",  // the end\n};")
    text = f"""#ifndef X /* unsigned char g_old[] = {{1, 2}}; */
#define X
static const char name[] = {{'a', 0}};
// {array(b"no").splitlines()[0]}
{around}
const int g_model_len = {len(content)}; /* never closed"""
    assert found(tmp_path / "model.cc", text) == content


def test_what_xxd_writes_is_read(
    tmp_path: Path, require_tool: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """And a dump, a frequent slip, is refused with the command that turns it back."""
    require_tool("xxd")
    shutil.copy(TFLITE, tmp_path / "model.tflite")
    for options, name in ((["-i"], "model.h"), ([], "dump.tflite"), (["-p"], "digits.tflite")):
        with (tmp_path / name).open("wb") as made:
            subprocess.run(["xxd", *options, "model.tflite"], cwd=tmp_path, stdout=made, check=True)
    values = subprocess.run(
        ["xxd", "-i"], input=TFLITE.read_bytes(), capture_output=True, check=True
    )
    (tmp_path / "values.txt").write_bytes(values.stdout)
    for name in ("model.h", "values.txt"):
        assert find_model(str(tmp_path / name)).tflite.read_bytes() == TFLITE.read_bytes()
    for stem in ("dump", "digits"):
        assert main(["compile", str(tmp_path / f"{stem}.tflite")]) == 2
        said = capsys.readouterr().err
        assert f"{stem}.tflite is the hex dump of a file. Turn it back with `xxd -r " in said
        subprocess.run(said.split("`")[1], shell=True, check=True)
        whole = find_model(str(tmp_path / f"{stem}_whole.tflite"))
        assert whole.tflite.read_bytes() == TFLITE.read_bytes()


@pytest.mark.parametrize(
    "line",
    ["00000000  1c 00 00 00 54 46 4c 33", "0000000 001c 0000 4654 334c"],
    ids=["-C", "plain"],
)
def test_a_dump_that_xxd_would_turn_into_other_bytes_has_no_such_advice(
    tmp_path: Path, line: str
) -> None:
    said = refused(tmp_path / "dump.tflite", f"{line}\n*\n")
    assert said.startswith(f"{tmp_path / 'dump.tflite'} is the hex dump of a file, and not as xxd")
    assert "xxd -r" not in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda text: text + text.replace("g_model", "g_other"),
            "several models: g_model, g_other.",
        ),
        (lambda _: "extern const unsigned char g_model[];", "no array that is a .tflite, whose"),
        (lambda text: text.replace("0x18,", "0x118,", 1), "is '0x118', and a byte (0x00 to 0xff"),
        (lambda text: text.replace("0x18,", "010,", 1), "is '010', and a byte (0x00 to 0xff"),
        (lambda text: text + "int g_model_len = 7;", "bytes, and g_model_len says 7. Copy"),
    ],
)
def test_what_is_not_one_whole_array_is_told(
    tmp_path: Path, change: Callable[[str], str], said: str
) -> None:
    text = refused(tmp_path / "model.h", change(array(small().build([0], [4]))))
    assert text.startswith(f"{tmp_path / 'model.h'}")
    assert said in text


@pytest.mark.parametrize("unit", ["/*", "x[", "x[]", "x[]={", "a", "a ", "0x1,"])
def test_text_of_a_megabyte_that_means_nothing_is_given_up_soon(tmp_path: Path, unit: str) -> None:
    """No search goes through it once for each of its places: that would take hours."""
    assert "no array that is a .tflite" in refused(tmp_path / "model.h", unit * (1 << 20))
