"""A run over many mutants: shares them out, counts what became of them, keeps what failed."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.files import write_bytes, write_text
from glyphite.convert.progress import Progress
from tests.fuzz.compiling import Compiler, CompileWorker, Outcome
from tests.fuzz.mutants import Mutant, mutant
from tests.fuzz.oracle import Oracle, Verdict

SANITIZED_EVERY = 10
"""Of the models that compile, one in so many is built with both sanitizers."""
DEFECTS = ("traceback", "memory", "hang", "crash", "sentence", "C compiler", "C run", "wrong")


@dataclass
class Tally:
    """What became of the mutants."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """By kind of Outcome."""
    verdicts: Counter[str] = field(default_factory=Counter)
    """Of those that compiled, by kind of Verdict."""
    unjudged: Counter[str] = field(default_factory=Counter)
    """Why there was no oracle."""
    sentences: Counter[str] = field(default_factory=Counter)
    """Refusals, by what they have in common."""
    sanitized: int = 0
    slowest: tuple[float, int] = (0.0, -1)
    """Seconds of the processor, and the mutant's number."""
    peak: tuple[int, int] = (0, -1)
    """Bytes, and the mutant's number."""
    defects: list[str] = field(default_factory=list)

    @property
    def files(self) -> int:
        """Mutants in all."""
        return sum(self.outcomes.values())


@dataclass(frozen=True)
class Campaign:
    """``count`` mutants of ``seed`` from number ``first`` on."""

    seed: int
    count: int
    first: int = 0
    folder: Path | None = None
    """Where files that fail are kept."""
    compiler: Compiler = compile_model

    def run(self, jobs: int, progress: Progress) -> Tally:
        """All of them, by so many processes at once."""
        tally, lock = Tally(), threading.Lock()
        numbers = iter(range(self.first, self.first + self.count))
        threads = [
            threading.Thread(target=self._work, args=(numbers, tally, lock, progress), daemon=True)
            for _ in range(jobs)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return tally

    def _work(
        self,
        numbers: Iterator[int],
        tally: Tally,
        lock: threading.Lock,
        progress: Progress,
    ) -> None:
        worker, oracle = CompileWorker(self.compiler), Oracle()
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            made = mutant(self.seed, number)
            outcome = worker.compile(made.content)
            verdict = None
            sanitized = number % SANITIZED_EVERY == 0
            if outcome.kind == "compiled":
                verdict = oracle.judge(made.content, outcome, number, sanitized=sanitized)
            with lock:
                self._count(tally, made, outcome, verdict)
                tally.sanitized += verdict is not None and sanitized
            progress(1)
        worker.stop()
        oracle.stop()

    def _count(self, tally: Tally, made: Mutant, outcome: Outcome, verdict: Verdict | None) -> None:
        tally.outcomes[outcome.kind] += 1
        tally.slowest = max(tally.slowest, (outcome.seconds, made.number))
        tally.peak = max(tally.peak, (outcome.peak_bytes, made.number))
        if outcome.kind == "refused":
            tally.sentences[gist(outcome.text)] += 1
        found: Outcome | Verdict = outcome
        if verdict is not None:
            tally.verdicts[verdict.kind] += 1
            found = verdict
        if found.kind == "no oracle":
            tally.unjudged[found.text] += 1
        if found.kind in DEFECTS:
            tally.defects.append(self._keep(made, found))

    def _keep(self, made: Mutant, found: Outcome | Verdict) -> str:
        """Keep the file and what was found; the line that says so."""
        last = (found.text.strip() or "-").splitlines()[-1]
        line = f"mutant {made.number} of {made.base}: {found.kind}: {last}"
        if self.folder is not None:
            stem = self.folder / f"seed{self.seed}_{made.number}_{found.kind.replace(' ', '_')}"
            write_bytes(stem.with_suffix(".tflite"), made.content)
            write_text(
                stem.with_suffix(".txt"),
                f"{line}\nAgain: python -m tests.fuzz --seed {self.seed} --first {made.number} "
                f"--count 1\n\n{found.text}\n",
            )
        return line


def gist(sentence: str) -> str:
    """What refusals of one kind have in common: their words, without names, numbers, lists."""
    words = re.sub(r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|\([^)]*\)|\[[^]]*\]", "_", sentence)
    words = re.sub(r"\bscalar\b|(?<![\w*])-?\d[\w.*+-]*(?<!\.)|\b(inf|nan)\b", "N", words)
    words = re.sub(r"Operator N is \S+", "Operator N is _", words)
    return re.split(r"(?<=[a-zN_])\. |; | Supported are ", words)[0]
