"""``glyphite inspect``: the layers of a model, its kernels, and its memory over time."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from glyphite.convert.compiler import describe
from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.ir.graph import shape_text
from glyphite.convert.files import read_bytes
from glyphite.convert.workspace import find_model
from glyphite.host.cli.arguments import add_json, add_model, add_processor, architecture
from glyphite.host.cli.budgets import Checks, add_budgets, checking, subject
from glyphite.host.cli.console import line_width, print_json, print_table, say, say_written
from glyphite.host.cli.data import calibrated_on, title_of
from glyphite.host.report.memory_picture import draw

EXAMPLE = "glyphite inspect seed --board cortex-m4 --picture memory.png"

BAR = 32
"""The most characters of a bar that stands for the whole arena."""
BESIDE_BAR = 17
"""Columns of a line of that chart that neither the bar nor the layer's name takes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser)
    add_processor(parser)
    add_budgets(parser, "max_ram")
    parser.add_argument(
        "--picture",
        type=Path,
        metavar="FILE",
        help="draw a picture (memory over time; .png, .svg, .pdf)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compile the model, and print how.

    Raises CheckFailedError where the memory of its tensors is beyond ``--max-ram``.
    """
    with checking("inspect", arguments, always=False) as checks:
        _run(arguments, checks)
    return 0


def _run(arguments: argparse.Namespace, checks: Checks) -> None:
    folder = find_model(arguments.model)
    content = read_bytes(folder.tflite)
    compiled = compile_model(
        content, folder.name, architecture=architecture(arguments), goal=arguments.optimize
    )
    if arguments.picture is not None:
        draw(compiled, arguments.picture)
    if arguments.json:
        print_json(_document(compiled, content) | calibrated_on(folder))
    else:
        _print(arguments, compiled, content, title_of(folder))
    of = subject(compiled.name, compiled.sha256, arguments.board or "", compiled.goal)
    checks.hold("max_ram", compiled.arena_bytes, f"the arena of {of}")


def _print(arguments: argparse.Namespace, compiled: Compiled, content: bytes, title: str) -> None:
    _print_layers(compiled, title)
    _print_numbers(compiled)
    _print_kernels(compiled, arguments.board)
    _print_passes(content)
    _print_memory(compiled)
    if arguments.picture is not None:
        say_written(arguments.picture)


def _document(compiled: Compiled, content: bytes) -> dict[str, Any]:
    graph = compiled.program.graph
    edges = {"input": graph.inputs[0], "output": graph.outputs[0]}
    return {
        "model": compiled.name,
        "sha256": compiled.sha256,
        **{
            name: {
                "shape": graph.tensors[index].shape,
                **dataclasses.asdict(describe.numbers(graph.tensors[index])),
            }
            for name, index in edges.items()
        },
        "architecture": compiled.architecture,
        "goal": compiled.goal,
        "macs": compiled.macs,
        "constant_bytes": compiled.constant_bytes,
        "layers": [dataclasses.asdict(layer) for layer in describe.layers(compiled)],
        "passes": [dataclasses.asdict(rewrite) for rewrite in describe.passes(content)],
        "memory": {
            "arena_bytes": compiled.arena_bytes,
            "proven_least": compiled.plan.proven,
            "buffers": [dataclasses.asdict(buffer) for buffer in describe.buffers(compiled)],
            "by_layer": [
                {"layer": layer, "bytes": taken}
                for layer, taken in describe.memory_by_layer(compiled)
            ],
        },
    }


def _print_layers(compiled: Compiled, title: str) -> None:
    rows = [
        (
            layer.name,
            shape_text(layer.output),
            f"{layer.macs:,}" if layer.macs else "",
            f"{layer.constant_bytes:,}" if layer.constant_bytes else "",
        )
        for layer in describe.layers(compiled)
    ]
    total = ("in all", "", f"{compiled.macs:,}", f"{compiled.constant_bytes:,}")
    print_table(("layer", "output", "MACs", "constant bytes"), [*rows, total], title)


def _print_numbers(compiled: Compiled) -> None:
    rows = [
        (
            layer.name,
            layer.weights.text if layer.weights else "",
            layer.output_numbers.text,
        )
        for layer in describe.layers(compiled)
    ]
    source = describe.layers(compiled)[0].input_numbers[0].text if rows else ""
    print_table(("layer", "weights", "output"), [("input", "", source), *rows])


def _print_kernels(compiled: Compiled, board: str | None) -> None:
    """Each layer's kernel, and each verdict that decided it, with what it is about."""
    rows = []
    for layer in describe.layers(compiled):
        kernel = f"kernel {layer.kernel}" if layer.kernel else "no byte is moved"
        rows.append((layer.name, "", kernel))
        rows += [(f"  {p.name}", "yes" if p.holds else "no", p.detail) for p in layer.proofs]
        rows += [
            (f"  choice: {c.name}", "yes" if c.holds else "no", c.detail) for c in layer.heuristics
        ]
    processor = f"{board}, {compiled.architecture}" if board else "any processor"
    title = f"kernels for {processor}, --optimize {compiled.goal}, and what was proven for them"
    print_table(("layer, proof", "holds", "because"), rows, title=title, text=True)


def _print_passes(content: bytes) -> None:
    for rewrite in describe.passes(content):
        say(f"pass {rewrite.name}: {rewrite.does}")
        for change in rewrite.changes:
            gone, made = (" + ".join(names) or "nothing" for names in (change.gone, change.made))
            say(f"    {gone} -> {made}")
        if not rewrite.changes:
            say("    nothing to do")


def _print_memory(compiled: Compiled) -> None:
    least = ", the least that these layers can do with" if compiled.plan.proven else ""
    say(f"memory: {compiled.arena_bytes:,} bytes{least}; the most in use while each layer runs:")
    steps = describe.memory_by_layer(compiled)
    width = max((len(name) for name, _ in steps), default=0)
    bar = max(1, min(BAR, line_width() - width - BESIDE_BAR))
    for name, taken in steps:
        full = round(bar * taken / compiled.arena_bytes)
        say(f"    {name:<{width}}  {'█' * full}{'·' * (bar - full)}  {taken:>9,}")
