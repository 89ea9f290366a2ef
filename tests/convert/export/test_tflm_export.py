"""``glyphite export --tflm`` writes a sketch of exactly this model, or says why it cannot."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glyphite.convert.compiler.frontend.tflite import read
from glyphite.convert.errors import ModelError
from glyphite.convert.export.tflm import EXAMPLE, SHARED_FILES, write_sketch
from glyphite.convert.export.tflm_arena import (
    GENEROUS,
    SPARE,
    STEP,
    Arena,
    measure_arena,
    reckon_arena,
    tried,
)
from glyphite.convert.export.tflm_graph import convolution_scratch, tflm_operators
from glyphite.convert.export.tflm_library import CHIRALE
from glyphite.convert.files import write_text
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli import main
from glyphite.host.cli.digits import next_step
from glyphite.host.runners.litert import read_manifest
from tests.builders import mlperf_tiny
from tests.builders.models import ModelBuilder

FILES = {
    "tflm.ino",
    "tflm_model.h",
    "tflm_model.cc",
    "model.h",
    "model_data.h",
    "model_data.cc",
    "model_ops.h",
    "model_test.h",
    "README.txt",
    "build.sh",
}
SEED_METHODS = ["AddConv2D", "AddMaxPool2D", "AddReshape", "AddFullyConnected", "AddSoftmax"]

Refused = Callable[[bytes], str]


def relu_model(kind: str = "RELU", shape: tuple[int, ...] = (1, 4)) -> bytes:
    """A model of one operator without options, which TFLM has where ``kind`` is RELU."""
    model = ModelBuilder()
    source = model.tensor(shape, 0.5)
    target = model.tensor(shape, 0.5)
    model.operator(kind, [source], [target])
    return model.build([source], [target])


def custom_model(name: str) -> bytes:
    """A model of one custom operator."""
    model = ModelBuilder()
    source, target = model.tensor((1, 4), 0.5), model.tensor((1, 4), 0.5)
    model.operator("CUSTOM", [source], [target])
    model.codes[0].customCode = name.encode()
    return model.build([source], [target])


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], build_folder: Path) -> Refused:
    """Export the bytes as ``given.tflite``; give the sentence. Nothing may have been written."""

    def export(content: bytes) -> str:
        path = tmp_path / "given.tflite"
        path.write_bytes(content)
        assert main(["export", str(path), "--tflm"]) == 2
        assert not (build_folder / "given").exists()
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        return err.removeprefix("glyphite export: ").strip()

    return export


def runs(tflite: bytes, arena: int) -> bool:
    """Whether the tflite-micro package runs the model in so many bytes."""
    from tflite_micro.python.tflite_micro.runtime import Interpreter

    try:
        interpreter = Interpreter.from_bytes(tflite, arena_size=arena)
    except RuntimeError:
        return False
    interpreter.set_input(np.zeros((1, 28, 28, 1), np.int8), 0)
    return bool(interpreter.invoke() == 0)


def defined(header: str, name: str) -> int:
    """The number that a header defines as ``name``."""
    found = re.search(rf"^#define {name} (\d+)$", header, re.MULTILINE)
    assert found is not None
    return int(found[1])


# --- what is written -----------------------------------------------------------------------------


def test_export_writes_a_sketch_into_the_models_folder(seed: ModelFolder) -> None:
    assert main(["export", "seed", "--tflm"]) == 0
    assert {path.name for path in seed.tflm.iterdir()} == FILES


def test_sketch_is_named_like_its_folder_as_arduino_wants(
    seed: ModelFolder, tmp_path: Path
) -> None:
    out = tmp_path / "my_board" / "digits"
    assert main(["export", "seed", "--tflm", "--out", str(out)]) == 0
    assert [path.name for path in out.glob("*.ino")] == ["digits.ino"]
    assert not seed.tflm.exists()


def test_what_is_the_same_for_every_model_exists_once(seed: ModelFolder) -> None:
    write_sketch(seed)
    for file in SHARED_FILES:
        assert (seed.tflm / file).read_text() == (EXAMPLE / file).read_text()
    sketch, shared = (seed.tflm / "tflm.ino").read_text(), EXAMPLE / "classify_tflm.ino"
    assert sketch == shared.read_text().replace("<Chirale_TensorFlowLite.h>", "<TensorFlowLite.h>")


def test_sketch_is_shorter_than_40_lines() -> None:
    assert len((EXAMPLE / "classify_tflm.ino").read_text().splitlines()) < 40


def test_export_twice_gives_the_same_bytes(seed: ModelFolder) -> None:
    write_sketch(seed)
    first = {path.name: path.read_bytes() for path in seed.tflm.iterdir()}
    write_sketch(seed)
    assert {path.name: path.read_bytes() for path in seed.tflm.iterdir()} == first


def test_resolver_has_exactly_the_models_operators_and_room_for_them(seed: ModelFolder) -> None:
    from ai_edge_litert.schema_py_generated import ModelT

    write_sketch(seed)
    header = (seed.tflm / "model_ops.h").read_text()
    codes = ModelT.InitFromPackedBuf(seed.tflite.read_bytes(), 0).operatorCodes
    assert re.findall(r"ops\.(\w+)\(\)", header) == SEED_METHODS
    assert f"model_operators = {len(codes)};" in header
    assert len({code.builtinCode for code in codes}) == len(SEED_METHODS)


def test_custom_operator_of_tflm_is_added_by_its_own_method() -> None:
    operators = tflm_operators((read(custom_model("TFLite_Detection_PostProcess")),))
    assert [operator.add_method for operator in operators] == ["AddDetectionPostprocess"]


def test_model_header_tells_what_the_manifest_tells(seed: ModelFolder) -> None:
    from glyphite.convert.manifest import Manifest

    manifest = Manifest.load(seed.manifest)
    write_sketch(seed)
    header = (seed.tflm / "model.h").read_text()
    assert defined(header, "MODEL_INPUT_BYTES") == 784
    assert defined(header, "MODEL_OUTPUT_BYTES") == 10
    assert "{ 1, 28, 28, 1 }" in header
    scale = re.search(r"#define MODEL_INPUT_SCALE (\S+)f\n", header)
    assert scale is not None
    assert np.float32(scale[1]) == np.float32(manifest.input.scale)
    assert f"#define MODEL_INPUT_ZERO_POINT ({manifest.input.zero_point})\n" in header


def test_readme_names_files_and_libraries_that_exist(seed: ModelFolder) -> None:
    write_sketch(seed)
    readme = (seed.tflm / "README.txt").read_text()
    for file in FILES - {"README.txt", "model_data.cc", "tflm_model.cc"}:
        assert file in readme
    library = re.search(r"^  (/\S+/Glyphite)$", readme, re.MULTILINE)
    assert library is not None
    assert (Path(library[1]) / "library.properties").is_file()
    assert str(seed.tflm.resolve() / "build.sh") in readme


# --- the arena -----------------------------------------------------------------------------------


def test_tflm_runs_in_exactly_the_arena_that_the_header_sets_aside(seed: ModelFolder) -> None:
    write_sketch(seed)
    arena = defined((seed.tflm / "model.h").read_text(), "MODEL_ARENA_BYTES")
    assert arena % 16 == 0
    assert runs(seed.tflite.read_bytes(), arena)


def test_measured_size_is_the_smallest_arena_that_tflm_runs_in(seed: ModelFolder) -> None:
    tflite = seed.tflite.read_bytes()
    measured = measure_arena(tflite)
    assert runs(tflite, measured)
    assert not runs(tflite, measured - 16)


def test_arena_is_the_measured_size_and_the_stated_margin(seed: ModelFolder) -> None:
    sketch = write_sketch(seed)
    header = (seed.tflm / "model.h").read_text()
    largest_filter = 3 * 3 * 64
    assert sketch.arena.scratch == 4 * largest_filter
    for part in (sketch.arena.measured, sketch.arena.scratch, SPARE):
        assert f"{part:,}  " in header
    assert 0 <= sketch.arena.bytes - (sketch.arena.measured + sketch.arena.margin) < 16


@pytest.mark.parametrize("name", ["autoencoder", "mobilenet"])
def test_the_arena_of_a_network_serves_it_and_the_reckoned_one_is_larger(name: str) -> None:
    """To plan the autoencoder's memory, TFLM needs more than it reports as used."""
    content = mlperf_tiny.kept(name).read_bytes()
    measured = measure_arena(content)
    assert tried(content, measured).code == 0
    assert tried(content, measured - STEP - 16).code != 0
    assert 4 / 3 * measured < reckon_arena(read(content)) < 3 * measured


def test_without_tflite_micro_the_arena_is_reckoned_and_said_to_be(
    seed: ModelFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = write_sketch(seed).arena
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    assert main(["export", "seed", "--tflm"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "needs at most (reckoned, as tflite-micro is not installed) " in said
    header = (seed.tflm / "model.h").read_text()
    assert "reckoned from the graph, which is more than it takes; it was not tried" in header
    assert defined(header, "MODEL_ARENA_BYTES") > tried.bytes


def test_arena_is_rounded_up_to_16() -> None:
    assert Arena(measured=1, scratch=0).bytes == 1040
    assert Arena(measured=16, scratch=16).bytes == 1056


def test_model_without_convolutions_needs_no_scratch() -> None:
    assert convolution_scratch((read(relu_model()),)) == 0


def test_generous_arena_is_beyond_any_microcontroller() -> None:
    assert GENEROUS > 4 << 20


# --- the library -------------------------------------------------------------------------------


def test_for_an_older_library_the_sketch_has_a_model_by_tensor_of_its_own(
    seed: ModelFolder,
) -> None:
    sketch = write_sketch(seed, library=CHIRALE, next_step=next_step)
    assert "#include <Chirale_TensorFlowLite.h>" in (seed.tflm / "tflm.ino").read_text()
    variant = find_model(str(seed.tflm / "seed_by_tensor"))
    assert variant == sketch.variant
    manifest = read_manifest(variant)
    assert manifest.sha256 != read_manifest(seed).sha256
    assert manifest.name == "seed_by_tensor"
    data = (seed.tflm / "model_data.h").read_text()
    assert manifest.sha256 in data
    assert '#define MODEL_NAME "seed_by_tensor"' in data
    assert "seed_by_tensor --port /dev/ttyACM0" in (seed.tflm / "README.txt").read_text()


def test_people_learn_of_the_other_model_and_what_it_costs(
    seed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "seed", "--tflm", "--library", "esp32"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "TensorFlowLite_ESP32 1.0.0 knows one scale for a dense layer" in told
    costs = r"It reads (9\d\.\d\d) % of MNIST's test images, and the model it is made from (\S+) %"
    found = re.search(costs, told)
    assert found is not None
    assert abs(float(found[1]) - float(found[2])) < 0.5


def test_a_current_library_gets_the_model_as_it_is(seed: ModelFolder) -> None:
    earlier, other = seed.tflm / "seed_by_tensor", seed.tflm / "mine_by_tensor"
    for folder, name in ((earlier, "model_int8.tflite"), (earlier, "manifest.json"), (other, "x")):
        write_text(folder / name, "of an earlier export, or the user's")
    sketch = write_sketch(seed)
    assert sketch.variant is None
    assert (earlier.exists(), [path.name for path in other.iterdir()]) == (False, ["x"])
    assert sketch.model.tflite == seed.tflite.read_bytes()
    assert sketch.test is not None
    assert sketch.test.told_apart
    assert "The sketch notices at its start" in (seed.tflm / "README.txt").read_text()


def test_model_without_dense_layers_by_channel_needs_no_other(tmp_path: Path) -> None:
    (tmp_path / "plain.tflite").write_bytes(relu_model())
    sketch = write_sketch(find_model(str(tmp_path / "plain.tflite")), library=CHIRALE)
    assert sketch.variant is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--tflm", "--library", "2023"], "--library 2023: there is no such library. Name one of "),
        (
            ["--arduino", "--library", "chirale"],
            "--library goes with --tflm: compiled C needs no library.",
        ),
    ],
)
def test_a_library_that_is_none_is_refused(
    seed: ModelFolder, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert main(["export", "seed", *words]) == 2
    assert sentence in capsys.readouterr().err
    assert not seed.tflm.exists()


# --- what the verb prints ------------------------------------------------------------------------


def test_json_is_the_only_thing_on_stdout(
    seed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "seed", "--tflm", "--json"]) == 0
    out, err = capsys.readouterr()
    result: dict[str, Any] = json.loads(out)
    assert err == ""
    assert set(result["files"]) == FILES
    assert result["folder"] == str(seed.tflm)
    assert result["operators"][0] == "CONV_2D"
    assert result["library"] == "current"
    assert result["self_test"]
    assert (result["model"], result["accuracy"]) == (None, None)
    assert result["arena"]["bytes"] >= result["arena"]["reckoned"] + result["arena"]["margin"]


def test_people_see_the_operators_the_arena_and_where_it_lies(
    seed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "seed", "--tflm"]) == 0
    out = capsys.readouterr().out
    assert "AddFullyConnected" in out
    assert "TensorFlow Lite Micro needs" in out
    assert out.split("Written:")[1].split()[0] == str(seed.tflm)


def test_export_needs_a_kind(seed: ModelFolder, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["export", "seed"])
    assert exit_.value.code == 2
    assert (
        "one of the arguments --arduino --tflm --cmake --zephyr --esp-idf --platformio --page is"
        in capsys.readouterr().err
    )


# --- bad input -----------------------------------------------------------------------------------


def test_file_that_is_no_tflite_is_refused(refused: Refused) -> None:
    assert refused(b"\x89PNG\r\n\x1a\n" * 20) == (
        "This is not a .tflite: its bytes 4 to 7 are not 'TFL3'. Name a file that `glyphite "
        "convert` or TensorFlow's converter has written."
    )


def test_truncated_tflite_is_refused(refused: Refused, seed: ModelFolder) -> None:
    content = seed.tflite.read_bytes()
    assert refused(content[: len(content) // 2]).startswith("The .tflite is truncated or damaged: ")


def test_operator_that_tflm_lacks_is_named_with_its_index(refused: Refused) -> None:
    assert refused(relu_model("RANK")) == (
        "Operator 0 is RANK (version 1), which TensorFlow Lite Micro lacks: it has 100 of "
        "TensorFlow Lite's operators, ABS, ADD, ADD_N, ..., ZEROS_LIKE. Build the model from "
        "layers that become these."
    )


def test_custom_operator_that_tflm_lacks_is_named_by_its_own_name(refused: Refused) -> None:
    assert refused(custom_model("FlexErf")).startswith("Operator 0 is FlexErf (version 1), which")


def test_model_that_a_kernel_refuses_is_refused_in_tflms_words(refused: Refused) -> None:
    """TFLM's LOGISTIC wants a zero point of -128; no table of operators can tell."""
    sentence = refused(relu_model("LOGISTIC"))
    assert sentence.startswith(
        "TensorFlow Lite Micro cannot run the model: Node LOGISTIC (number 0) failed to prepare"
    )
    assert "zero_point" in sentence
    assert sentence.endswith("Make it anew with `glyphite convert`.")


def test_shape_with_more_axes_than_the_wire_carries_is_refused(refused: Refused) -> None:
    assert refused(relu_model(shape=(1, 2, 2, 2, 2))) == (
        "The model's input has 5 axes, and 4 at most can be sent over the wire. "
        "Add a Reshape layer to the model."
    )


def test_model_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "nowhere", "--tflm"]) == 2
    assert "No model called 'nowhere'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("my sketch", "its name is 'my sketch', and letters, digits, '_', '.' and '-' are allowed"),
        ("x" * 64, "63 at most. Name another folder with --out."),
    ],
)
def test_folder_that_arduino_cannot_open_is_refused(
    seed: ModelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, sentence: str
) -> None:
    assert main(["export", "seed", "--tflm", "--out", str(tmp_path / name)]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / name).exists()


def test_folder_that_is_a_file_is_refused(
    seed: ModelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert main(["export", "seed", "--tflm", "--out", str(tmp_path / "taken")]) == 2
    assert "taken is a file, and a folder is needed. Name one with --out." in (
        capsys.readouterr().err
    )


def test_folder_below_a_file_is_refused(
    seed: ModelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert main(["export", "seed", "--tflm", "--out", str(tmp_path / "taken" / "sketch")]) == 2
    assert "cannot be written: " in capsys.readouterr().err


def test_folder_with_another_sketch_is_refused(
    seed: ModelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "blink.ino").write_text("void setup() {}")
    assert main(["export", "seed", "--tflm", "--out", str(tmp_path / "mine")]) == 2
    assert "holds another sketch, blink.ino, and Arduino would join the two." in (
        capsys.readouterr().err
    )
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["blink.ino"]


def test_measuring_a_model_that_crashes_tflm_is_an_error(seed: ModelFolder) -> None:
    """TFLM trusts the file and may end the process; it runs in one of its own."""
    with pytest.raises(ModelError, match=r"cannot run the model: it crashed\. Make"):
        measure_arena(seed.tflite.read_bytes()[:20000])


def test_path_of_a_tflite_is_taken_as_a_models_name_is(seed: ModelFolder, tmp_path: Path) -> None:
    (tmp_path / "digits.tflite").write_bytes(seed.tflite.read_bytes())
    model = find_model(str(tmp_path / "digits.tflite"))
    assert main(["export", str(model.tflite), "--tflm"]) == 0
    assert '#define MODEL_NAME "digits"' in (model.tflm / "model_data.h").read_text()
