"""The tables of ``glyphite stream``, and what it says of a run."""

from glyphite.convert.boards import known_board
from glyphite.convert.text import command, counted, how_often
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli.console import print_status, print_table, say
from glyphite.host.cli.data import title_of
from glyphite.host.cli.judgement import columns_of, judgement_row, of_data
from glyphite.host.device.transport import is_emulated, is_network, line_baud
from glyphite.host.measure.bench.watch import is_countable
from glyphite.host.measure.by_board import BoardFigures
from glyphite.host.measure.share import url_of
from glyphite.host.measure.stream import Streamed
from glyphite.host.measure.stream_figures import Streaming
from glyphite.host.measure.times import TITLES, duration
from glyphite.host.measure.wire_use import BOUNDS, MOST_CARRIED, Wire, all_repeats, carried
from glyphite.host.runners.oracle import BRIEF


def tell(streamed: Streamed, stand_in: str) -> None:
    """Say on stderr what is strange about a run that came to its end."""
    if stand_in:
        print_status(stand_in)
    if streamed.doubt:
        print_status(streamed.doubt)
    for part in streamed.parts:
        on = f" on {part.port}" if len(streamed.parts) > 1 else ""
        if part.hello.remark:
            print_status(f"The board{on} says of itself: {part.hello.remark}.")
        if part.restarts:
            print_status(
                f"The board{on} restarted {how_often(part.restarts)} in this run; it holds the "
                "same model."
            )


def show(streaming: Streaming, folder: ModelFolder, waited: float) -> None:
    """Print the figures; ``waited``: seconds for the oracle's scores after the last answer."""
    images, scores = streaming["images"], streaming["scores"]
    right = BRIEF[streaming["reference"]]
    rows = [
        *_judged(streaming, right),
        (f"bytes that differ from {right}", f"{streaming['mismatched_bytes']:,} of {scores:,}"),
        ("images that differ", f"{streaming['mismatched_images']:,} of {images:,}"),
        ("largest difference", str(streaming["largest_difference"])),
        ("images a second on the link", f"{streaming['images_per_second']:,.1f}"),
        *_wire_rows(streaming, waited),
        *_time_rows(streaming),
    ]
    data = of_data(streaming["data"], images)
    title = f"{title_of(folder)} on {streaming['board']} ({streaming['port']}): {data}"
    print_table(("", "streamed"), rows, title=title)
    boards = streaming["boards"]
    if len(boards) > 1:
        columns = "board", "samples", "right", "bytes that differ", "repeated", "an image, mean"
        print_table(columns, map(_board_row, boards), title="By board, each by its own clock")
    for board in boards:
        for why in board["lost"]:
            verb = "is" if board["images"] == 1 else "are"
            answered = f"{counted(board['images'], 'answer')} {verb} of {board['port']}"
            say(f"A board was lost; the others took its samples, and {answered}. {why}")
    known = known_board(streaming["board"])
    if streaming["timed_by"] is None and known and is_countable(known):
        words = ("bench", folder.named, "--board", known.name)
        say(f"The time on a board is told by `{command('glyphite', *words)}`.")


def _judged(streaming: Streaming, right: str) -> list[tuple[str, str]]:
    """How well the board does, and what the reference ``right`` does on the same samples."""
    correct, share, interval = streaming["correct"], streaming["accuracy"], streaming["interval"]
    expected, error = streaming["reference_accuracy"], streaming["error"]
    if correct is not None and share is not None and interval is not None and expected is not None:
        low, high = interval
        return [
            ("accuracy", f"{100 * share:.2f} %"),
            ("right", f"{correct:,} of {streaming['images']:,}"),
            ("95 % interval", f"{100 * low:.2f} to {100 * high:.2f} %"),
            (f"accuracy of {right} on the same images", f"{100 * expected:.2f} %"),
        ]
    if error is None:
        return []
    task = streaming["task"]
    return list(zip(columns_of(task), judgement_row(task, streaming, None), strict=True))


def _wire_rows(streaming: Streaming, waited: float) -> list[tuple[str, str]]:
    """What passed over the line, what bounded the rate, and the requests that were repeated."""
    wire = streaming["wire"]
    count, seconds = wire["images"], wire["seconds"]
    repeats = _repeat_rows(streaming)
    if not count:
        return [("the wire", "all answers were there"), *repeats]
    each = f"{wire['sent'] / count:,.0f} B to the board, {wire['received'] / count:,.0f} back"
    line = _line(wire, streaming)
    bound = BOUNDS[streaming["bound_by"]]
    if waited > seconds:
        bound += f"; the command by {BRIEF[streaming['reference']]}, {waited:.1f} s more"
    rows = [("an image on the wire", each), ("the line", line), ("bounded by", bound)]
    if count < streaming["images"]:
        rows.insert(0, ("images since it was resumed", f"{count:,}, of which:"))
    return rows + repeats


def _repeat_rows(streaming: Streaming) -> list[tuple[str, str]]:
    """Of all parts of a resumed run, where they are known; else of what came since then."""
    wire = streaming["wire"]
    parts = ""
    if wire["images"] < streaming["images"]:
        parts = " since then" if wire["earlier_repeats"] is None else " in all parts"
    return [(f"repeated{parts}: {why}", f"{n:,}") for why, n in all_repeats(wire).items()]


def _line(wire: Wire, streaming: Streaming) -> str:
    """How much of what the line carries was used."""
    boards = [(url_of(board["port"]), board["jobs"]) for board in streaming["boards"]]
    bauds = [line_baud(port, streaming["baud"]) for port, _ in boards]
    known = [baud for baud in bauds if baud is not None]
    if not known:
        return f"no baud rate: {' and '.join(sorted({_kind(port) for port, _ in boards}))}"
    if len(known) < len(bauds):
        return "some have no baud rate"
    share = carried(wire, sum(jobs * baud for (_, jobs), baud in zip(boards, known, strict=True)))
    rates = " and ".join(f"{baud:,}" for baud in dict.fromkeys(known))
    if share > MOST_CARRIED:
        return f"no baud rate: faster than {rates}"
    alike = streaming["jobs"] > 1 and len(set(known)) == 1
    each = f", of each of {streaming['jobs']}" if alike else ""
    return f"{100 * share:.0f} % of {rates} baud{each}"


def _kind(port: str) -> str:
    """Of a line without a baud rate."""
    return "pipes" if is_emulated(port) else "network" if is_network(port) else "terminals"


def _time_rows(streaming: Streaming) -> list[tuple[str, str]]:
    """The board's own time, or the instructions where its emulator counts them."""
    times, clock = streaming["seconds_per_image"], streaming["timed_by"]
    if times is not None and clock is not None:
        return [
            (f"{TITLES[clock]}, mean", f"{duration(times['mean'])} an image"),
            ("least to most", f"{duration(times['min'])} to {duration(times['max'])}"),
        ]
    if streaming["instructions_per_image"] is not None:
        rounded = _rounded(streaming["instructions_per_image"])
        return [("instructions, mean", f"about {rounded} an image")]
    return []


def _rounded(instructions: int) -> str:
    """To three digits, as the timer that counts them has ticks of many."""
    return f"{float(f'{instructions:.3g}'):,.0f}"


def _board_row(board: BoardFigures) -> tuple[str, ...]:
    times, correct, count = board["seconds_per_image"], board["correct"], board["images"]
    own = duration(times["mean"]) if times else "-"
    if board["instructions_per_image"] is not None:
        own = f"{_rounded(board['instructions_per_image'])} instructions"
    if times and board["timed_by"] is not None:
        own += f" ({board['timed_by']})"
    name = f"{board['board']} on {board['port']}" if board["board"] else board["port"]
    name += f" ({board['jobs']} of them)" if board["jobs"] > 1 else ""
    return (
        name + (", lost" if board["lost"] else ""),
        f"{count:,}",
        "-" if correct is None else f"{correct:,}",
        f"{board['mismatched_bytes']:,}",
        f"{board['retries']:,}",
        own,
    )
