"""``glyphite compare --layers``: its record, its words, and a command that mends what it names."""

import dataclasses
import hashlib
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image

from glyphite.convert.errors import InputError
from glyphite.convert.manifest import Manifest
from glyphite.convert.quantize.quantize import manifest_of
from glyphite.convert.shipped import MODELS
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.measure.layers.rewrite import in_float
from glyphite.host.measure.layers_record import Cause, place_of, read
from tests.builders.defects import rescaled, signed
from tests.paths import PROJECT
from tests.strict import require_module

require_module("ai_edge_litert")

UNO = MODELS / "uno"


def test_the_record_is_what_is_printed_and_can_be_read_again(
    build_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "layers.png"
    words = ["compare", "uno", "--layers", "--count", "100"]
    assert main([*words, "--json", "--picture", str(picture)]) == 0
    printed = json.loads(capsys.readouterr().out)
    path = build_folder / "uno" / "layers.json"
    record = read(path, "Make it anew.")
    assert printed == {**record.as_document(), "calibrated_on": "MNIST"}
    assert printed == {**json.loads(path.read_text()), "calibrated_on": "MNIST"}
    assert (record.model, record.samples, record.reference) == ("uno", 100, "float")
    assert record.data["title"] == "MNIST"
    for layer in record.layers:
        counts = layer.histogram
        assert sum(counts.real) + counts.below + counts.above == layer.values
        assert sum(counts.given) == layer.values
    with Image.open(picture) as drawn:
        assert drawn.width > 1000


def test_what_is_printed_fits_a_terminal_and_names_engines_and_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a .tflite alone: its own weights stand in for the float model."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(UNO / "model_int8.tflite", "alone.tflite")
    assert main(["compare", "alone.tflite", "--layers", "--count", "60"]) == 0
    shown = capsys.readouterr()
    assert max(map(len, shown.out.splitlines())) <= 80
    assert "No layer stands out: none loses more than int8 does as a rule." in shown.out
    assert "Float and int8 answer 0 of 60 samples otherwise." in " ".join(shown.out.split())
    assert "what rounding the weights has cost is not seen" in shown.err


def own_model(root: Path, content: bytes, floats: bytes, scheme: str = "") -> None:
    """A model's folder with a float .tflite and an int8 one of the digits' network."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "model_float.tflite").write_bytes(floats)
    (root / "model_int8.tflite").write_bytes(content)
    described = manifest_of(content, "own")
    dataclasses.replace(
        Manifest.load(UNO / "manifest.json"),
        name="own",
        sha256=described.sha256,
        float_sha256=hashlib.sha256(floats).hexdigest(),
        input=described.input,
        output=described.output,
        calibration="50 of some samples",
        scheme=scheme,
    ).save(root / "manifest.json")


@pytest.mark.parametrize(
    ("scheme", "advised", "name"),
    [
        ("", "--calibration-samples 500", "own"),
        ("percentile", "--scheme per-channel", "own-per-channel"),
    ],
)
def test_the_command_of_an_advice_mends_what_it_names(
    scheme: str, advised: str, name: str, build_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_module("tensorflow", "ai_edge_quantizer")
    content = (UNO / "model_int8.tflite").read_bytes()
    floats = signed(in_float(content))
    own_model(build_folder / "own", rescaled(content, [1, 2], 0.25), floats, scheme)
    look = ["--layers", "--count", "60", "--json"]
    assert main(["compare", "own", *look]) == 0
    (advice,) = json.loads(capsys.readouterr().out)["advice"]
    assert (advice["cause"], advice["layer"]) == ("cut_off", "conv_2d_1")
    assert advice["command"] == f"glyphite convert own {advised}"
    program, *words = shlex.split(advice["command"])
    assert (program, main(words)) == ("glyphite", 0)
    capsys.readouterr()
    assert main(["compare", name, *look]) == 0
    mended = json.loads(capsys.readouterr().out)
    assert mended["advice"] == []
    assert mended["reference"] == "float"
    assert mended["float_sha256"] == hashlib.sha256(floats).hexdigest()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--picture", "a.png"], "--picture is for --layers and --robustness. Add one"),
        (["--layers", "--picture", "a.txt"], "Let it end in one of .png, .svg, .pdf."),
        (["other", "--layers"], "--layers looks at one model, and other is a second."),
        (["--layers", "--max-drop", "1"], "Leave out --max-drop, or --layers."),
        (["--layers", "--junit", "a.xml"], "Leave out --junit, or --layers."),
        (["--layers", "--board", "uno"], "Leave out --board, or --layers."),
    ],
)
def test_what_does_not_go_with_the_layers_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "uno", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_float_model_of_other_layers_is_left_out_with_the_reason(
    seed: ModelFolder, build_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (UNO / "model_int8.tflite").read_bytes()
    own_model(build_folder / "own", content, in_float(seed.tflite.read_bytes()))
    assert main(["compare", "own", "--layers", "--count", "2", "--json"]) == 0
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert (document["reference"], document["float_sha256"]) == ("weights", "")
    assert "The float model has no layer that is operator" in shown.err


PAGE = (PROJECT / "docs" / "accuracy.md").read_text()


def test_the_page_s_command_runs_on_a_keras_model(
    seed: ModelFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_module("tensorflow")
    section = PAGE.partition("## Where it was lost")[2]
    (line,) = re.findall(r"^\$ glyphite (compare .*)$", section, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    assert main([*shlex.split(line), "--count", "40"]) == 0
    assert (tmp_path / "layers.png").stat().st_size > 10_000
    record = read(place_of(seed), "")
    assert record.reference == "float"
    assert not [advice for advice in record.advice if advice.loses_accuracy]


def test_the_page_names_every_cause() -> None:
    named = re.findall(r"`(\w+)`(?=[^|]*\|[^|]*\|[^|]*\|$)", PAGE, re.MULTILINE)
    assert set(map(str, Cause)) <= set(named)


def test_a_damaged_record_is_refused_with_the_way_out(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path, tmp_path / "model_int8.tflite")
    place_of(folder).write_text('{"model": 1}')
    with pytest.raises(InputError, match=r"layers\.json: .* Make it anew\."):
        read(place_of(folder), "Make it anew.")
