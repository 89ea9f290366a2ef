"""CONTRIBUTING's recipes, followed to the letter in a copy of the project."""

import re
from collections.abc import Callable

import pytest

from glyphite.convert.workspace import ModelFolder
from tests.builders.clone import Clone, commands, recipe
from tests.paths import PROJECT

TINY = """def tiny() -> "keras.Model":
    from keras import Input, Sequential, layers

    return Sequential([Input((28, 28, 1)), layers.Flatten(), layers.Dense(10, "softmax")])


NETWORKS"""


@pytest.mark.parametrize(
    "title", ["A board", "An operator", "A kernel variant", "A wire item", "A model"]
)
def test_what_a_recipe_names_is_there(title: str) -> None:
    """Paths of the project, but for those that the recipe adds."""
    named = re.findall(r"`((?:convert|docs|firmware|host|tests|tools|train)/[^`<]*)", recipe(title))
    assert named or "](" in recipe(title)  # links are held by another test
    assert not [path for path in named if "NAME" not in path and not is_there(path)]


def is_there(path: str) -> bool:
    """In full, or in the short form that leaves ``glyphite`` and the folder before it out."""
    root = PROJECT / path.partition("/")[0] / "glyphite"
    return (PROJECT / path).exists() or (root / path).exists()


def test_a_board(clone: Clone, seed: ModelFolder, require_tool: Callable[..., None]) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    boards = clone.root / "firmware" / "boards"
    nearest = (boards / "cortex-m3.toml").read_text()
    (boards / "trial.toml").write_text(nearest.replace('"cortex-m3"\nd', '"trial"\nd', 1))
    said = [clone.run(command.replace("NAME", "trial")) for command in commands("A board")]
    assert "| `trial` |" in (clone.root / "README.md").read_text()
    assert "trial" in said[1]
    assert "0 of 200" in said[-1]  # 20 images
    found = clone.python("-m", "pytest", "--collect-only", "-q", "tests/firmware/test_targets.py",
                         "tests/host/device/test_mps2_boards.py")  # fmt: skip
    assert "test_the_checks_pass_on_a_cortex_m[trial]" in found.stdout
    assert "test_a_board_streams_tflms_bytes[trial]" in found.stdout


def test_a_wire_item(clone: Clone, require_tool: Callable[..., None]) -> None:
    """The bytes of the model's output, which a board could tell."""
    require_tool("cc")
    wire = "host/glyphite/host/device/wire"
    clone.insert(f"{wire}/protocol.py", r"    REMARK = 16.*\n", '    OUTPUT_BYTES = 17, "u32"\n')
    make, build, stream = commands("A wire item")
    clone.run(make)
    hello = "firmware/library/Glyphite/src/glyphite_hello.c"
    clone.insert(
        hello, r"    LIBRARY\(ENCODINGS.*\n", "    MODEL(OUTPUT_BYTES, engine.output_bytes),\n"
    )
    clone.insert(f"{wire}/messages.py", r"    remark: str = .*\n", "    output_bytes: int = 0\n")
    row = '    Item.OUTPUT_BYTES: ("output_bytes", _unsigned(4)),\n'
    clone.insert(f"{wire}/messages.py", r"    Item.REMARK:.*\n", row)
    assert not clone.passes("tests/contract/test_wire_header.py")
    clone.insert("docs/wire.md", r"\| 16 \| REMARK .*\n", "| 17 | OUTPUT_BYTES | u32 |\n")
    assert clone.passes("tests/contract/test_wire_header.py")
    clone.run(build)
    ask = "from glyphite.host import connect\nwith connect('sim://native') as b: print(b.hello())"
    assert "output_bytes=10" in clone.succeed("-c", ask)
    assert "0 of 200" in clone.run(stream)


def test_a_model(clone: Clone, require_tool: Callable[..., None]) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    networks = clone.root / "train" / "glyphite" / "train" / "networks" / "networks.py"
    text = networks.read_text().replace("\nNETWORKS", f"\n{TINY}", 1)
    networks.write_text(text.replace('"seed": seed,', '"seed": seed, "tiny": tiny,', 1))
    steps = [command.replace("NAME", "tiny") for command in commands("A model")]
    assert len(steps) == 5
    assert "0 of 200" in clone.run_together(steps)
