"""The tiny model's firmware for this PC, built once for all tests of the line."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.build import build
from glyphite.host.device.transport.firmware_files import record_firmware
from tests.paths import PROJECT


@pytest.fixture(scope="session")
def built_native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware of the tiny model for sim://native."""
    root = tmp_path_factory.mktemp("native") / "tiny"
    shutil.copytree(PROJECT / "tests" / "firmware" / "tiny", root / "c")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLYPHITE_BUILD", str(root.parent))
        return build(ModelFolder(root, root / "model_int8.tflite"), load_board("native")).image


@pytest.fixture
def native(
    build_folder: Path, require_tool: Callable[..., None], request: pytest.FixtureRequest
) -> Path:
    """A copy of that firmware, which sim://native runs."""
    require_tool("cc")
    image = build_folder / "tiny" / "native" / "firmware.elf"
    image.parent.mkdir(parents=True)
    shutil.copy(request.getfixturevalue("built_native"), image)
    record_firmware(load_board("native"), image)
    return image
