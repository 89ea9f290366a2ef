"""The whole way, as a new user goes it: the demo on real MNIST and an emulated board."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

GLYPHITE = Path(sys.executable).parent / "glyphite"
IMAGES = 100


def demo(folder: Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the console command in ``folder``, as a program of its own."""
    environment = {"PATH": path or f"{GLYPHITE.parent}:/usr/bin:/bin", "HOME": str(Path.home())}
    command = [str(GLYPHITE), "demo", "--epochs", "1", "--count", str(IMAGES)]
    return subprocess.run(
        command, check=False, cwd=folder, env=environment, capture_output=True, text=True
    )


def test_the_demo_ends_with_a_board_that_answers_tflm_s_bytes(
    tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    ended = demo(tmp_path)
    assert ended.returncode == 0, ended.stderr
    report = json.loads((tmp_path / "build/seed/report.json").read_text())
    accuracy = report["accuracy"]
    assert report["board"]["name"] == "cortex-m4"
    assert report["board"]["images"] == IMAGES
    assert report["board"]["mismatched_bytes"] == 0
    assert min(accuracy[name] for name in ("float", "int8_litert", "int8_tflm")) > 0.97
    assert accuracy["board"] > 0.9
    assert "for 1 epoch here" in ended.stderr
    assert f"compiled C on cortex-m4 ({IMAGES} images)" in ended.stdout
    assert f"0 of {IMAGES * 10}" in ended.stdout


def test_without_a_cross_compiler_the_demo_runs_on_the_native_board_and_says_so(
    tmp_path: Path,
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("cc", "as", "ld", "collect2"):  # a machine with a C compiler and nothing else
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    ended = demo(tmp_path, path=str(programs))
    assert ended.returncode == 0, ended.stderr
    report = json.loads((tmp_path / "build/seed/report.json").read_text())
    assert report["board"]["name"] == "native"
    assert report["board"]["mismatched_bytes"] == 0
    assert "arm-none-eabi-gcc and qemu-system-arm cannot be found" in ended.stderr
