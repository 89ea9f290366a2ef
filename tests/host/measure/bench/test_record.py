"""A bench.json is held against itself."""

from typing import Any

import pytest

from glyphite.host.measure.bench.record import BenchRecord, bench_flaw

RECORD: Any = {
    "board": "cortex-m4", "unit": "instructions", "count": 50, "count_least": 40,
    "count_most": 60, "macs": 100, "count_per_mac": 0.5, "cycles": 75, "cycle_model": "cortex-m4",
    "milliseconds": 1000 * (75 / 25_000_000), "timed_by": "modelled cycles",
}  # fmt: skip
COUNTED: Any = {
    **RECORD, "board": "uno", "unit": "cycles", "cycles": 50, "cycle_model": "counted",
    "milliseconds": 1000 * (50 / 16_000_000), "timed_by": "counted cycles",
}  # fmt: skip


@pytest.mark.parametrize("record", [RECORD, COUNTED, {**RECORD, "board": "mine"}])
def test_what_bench_writes_has_no_flaw(record: BenchRecord) -> None:
    assert bench_flaw(record) == ""


@pytest.mark.parametrize(
    ("record", "change", "said"),
    [
        (RECORD, {"count_least": 51}, "a mean of 50, which is not between"),
        (RECORD, {"count_most": 49}, "a mean of 50, which is not between"),
        (RECORD, {"timed_by": "counted cycles"}, "counts instructions, and has counted cycles"),
        (RECORD, {"cycle_model": "counted"}, "has modelled cycles of counted"),
        (COUNTED, {"cycles": 51}, "counts cycles, and has counted cycles of counted"),
        (RECORD, {"count_per_mac": 0.4}, "has 0.4 per MAC, and its figures give 0.5"),
        (RECORD, {"macs": 0}, "has 0.5 per MAC, and its figures give None"),
        (RECORD, {"milliseconds": 1.4}, "has 1.4 as 'milliseconds'"),
        (RECORD, {"milliseconds": None}, "has None as 'milliseconds'"),
    ],
)
def test_figures_that_do_not_fit_each_other_are_named(
    record: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    changed: Any = {**record, **change}
    assert said in bench_flaw(changed)
