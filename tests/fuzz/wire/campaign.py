"""Builds the target by clang with libFuzzer and both sanitizers, and runs it."""

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.files import write_bytes
from glyphite.convert.shipped import FIRMWARE
from tests.fuzz.wire.corpus import corpus

HERE = Path(__file__).parent
LIBRARY = FIRMWARE / "library" / "Glyphite" / "src"
SIZES: dict[str, tuple[str, ...]] = {"32": (), "16": ("-D__AVR__", f"-I{HERE / 'small_sizes'}")}
"""Bits of a number of bytes, as on a Cortex-M and as on an AVR."""
SANITIZERS = "address,undefined"
FLAGS = (
    *("-g", "-O2", "-Wall", "-Wextra", "-Werror"),
    *("-fno-sanitize-recover=all", f"-I{LIBRARY}", f"-I{HERE}"),
)
FEEDBACK = ("-fno-sanitize-coverage=trace-cmp,indirect-calls",)
"""The branches alone: frames are made with a right CRC, so that none has to be guessed, and a
comparison that is watched takes half of the time."""
UNWATCHED = (LIBRARY / "glyphite_hello.c", HERE / "reference.c")
"""Whose branches say nothing of where an input leads."""
WATCHED = (LIBRARY / "glyphite_application.c", LIBRARY / "glyphite_frame.c", HERE / "target.c")
LIMITS = ("-max_len=400", "-timeout=10", "-rss_limit_mb=0", "-malloc_limit_mb=1024")
"""The memory of the whole program is not limited: what libFuzzer takes for it is the peak of the
program that started it, where that was more."""


class NoFuzzerError(Exception):
    """There is no clang, or it lacks libFuzzer."""


@dataclass(frozen=True)
class Found:
    """What became of the runs."""

    bits: str
    runs: int
    seconds: int
    branches: int
    """Of the library and the target, that any run has taken."""
    inputs: int
    """That were kept, as each took another way."""
    defect: str
    """What libFuzzer said where it stopped; else ""."""


def clang() -> str:
    """The compiler's path. Raises NoFuzzerError where there is none."""
    found = shutil.which("clang-14") or shutil.which("clang")
    if found is None:
        raise NoFuzzerError("clang is not installed.")
    return found


def make(bits: str, folder: Path) -> Path:
    """Build the target into ``folder``. Raises NoFuzzerError where that cannot be done here."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"target{bits}"
    common: tuple[str, ...] = (clang(), *FLAGS, *SIZES[bits])
    objects = [folder / f"{source.stem}{bits}.o" for source in UNWATCHED]
    for source, made in zip(UNWATCHED, objects, strict=True):
        _compile(*common, f"-fsanitize={SANITIZERS}", "-c", source, "-o", made)
    sources = map(str, (*WATCHED, *objects))
    _compile(*common, f"-fsanitize=fuzzer,{SANITIZERS}", *FEEDBACK, *sources, "-o", target)
    return target


def _compile(*command: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in command], check=False, capture_output=True, text=True
    )
    if "libclang_rt.fuzzer" in done.stderr:
        raise NoFuzzerError("clang lacks libFuzzer (libclang-rt-14-dev).")
    if done.returncode:
        raise RuntimeError(done.stderr)


def fuzz(bits: str, runs: int, seed: int, folder: Path) -> Found:
    """So many runs of inputs that follow from ``seed``; what fails is kept in ``folder``."""
    target, kept = make(bits, folder), folder / f"corpus{bits}"
    shutil.rmtree(kept, ignore_errors=True)
    for number, content in enumerate(corpus()):
        write_bytes(kept / f"{number:03}", content)
    options = (f"-runs={runs}", f"-seed={seed}", *LIMITS, f"-artifact_prefix={folder}/size{bits}_")
    done = subprocess.run(
        [target, kept, *options, "-print_final_stats=1"], check=False,
        capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    defect = "" if done.returncode == 0 else _defect(done.stderr)
    branches = max(map(int, re.findall(r"cov: (\d+)", done.stderr)), default=0)
    seconds = re.search(r"Done \d+ runs in (\d+) second", done.stderr)
    return Found(
        bits=bits,
        runs=_stat(done.stderr, "number_of_executed_units"),
        seconds=int(seconds[1]) if seconds else 0,
        branches=branches,
        inputs=sum(1 for _ in kept.iterdir()),
        defect=defect,
    )


def fuzz_all(runs: int, seed: int, folder: Path, jobs: int) -> list[Found]:
    """The runs shared by both sizes."""
    share = -(-runs // len(SIZES))
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda bits: fuzz(bits, share, seed, folder), SIZES))


def _stat(said: str, name: str) -> int:
    found = re.search(rf"stat::{name}: +(\d+)", said)
    return int(found[1]) if found else 0


def _defect(said: str) -> str:
    """What was not so, and where the input is."""
    lines = said.splitlines()
    words = ("not so:", "runtime error:", "ERROR: AddressSanitizer", "ERROR: libFuzzer")
    first = next((line for word in words for line in lines if word in line), said[-500:])
    kept = next((line for line in lines if "Test unit written to" in line), "no input was kept")
    return f"{first.strip()} ({kept.partition('; ')[2] or kept})"
