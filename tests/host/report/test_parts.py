"""Why it is so: the parts on layers, schemes and harder samples, and the page's plots in all."""

import json
import re

import pytest

from glyphite.convert.errors import InputError
from glyphite.convert.workspace import ModelFolder
from glyphite.host.report import write_report
from glyphite.host.report.collect import collect
from glyphite.host.report.parts import _part_of
from tests.builders.report_schema import flaws
from tests.builders.results import Page, put, put_comparison
from tests.builders.whys import put_all

COMMANDS = {
    "layers.json": "glyphite compare seed --layers",
    "schemes.json": "glyphite schemes seed",
    "robustness.json": "glyphite compare seed --robustness",
}


@pytest.fixture
def why(seed: ModelFolder) -> ModelFolder:
    """The seed model with a comparison, and with each record of why."""
    put_all(put_comparison(seed))
    return seed


def page_of(folder: ModelFolder) -> str:
    return write_report(folder).page.read_text().replace("\N{NO-BREAK SPACE}", " ")


def test_what_is_not_measured_is_told_with_its_command(seed: ModelFolder) -> None:
    text = page_of(put_comparison(seed))
    assert "What is not measured yet" in text
    for command in COMMANDS.values():
        assert f"<code>{command}</code>" in text
    document = collect(seed).document
    assert document["layers"] is document["schemes"] is document["robustness"] is None


def test_what_is_measured_is_shown_and_in_the_document(why: ModelFolder) -> None:
    text = page_of(why)
    for said in (
        "conv_2d_0 is cut off &lt;here&gt;. <code>glyphite convert seed --calibration-samples 5000",
        "LiteRT and TFLM differ first in conv_2d_2: -3 and -2 at [0, 1] of sample 7",
        "18.2 dB</text>",  # of 18.25, the lowest
        "&lt;0.01 %",
        "Calibration curve",
        "<td>94.50 %</td>",
        "calibration samples 5,000: 94.5",
        "samples-100: tflite-micro is not installed.",
        "faint 10 % (20.00 points, p",
        'text-anchor="middle">faint, %</text>',
        "<td>30.00 %</td>",
    ):
        assert said in text, said
    assert not any(command in text for command in COMMANDS.values())
    document = json.loads(write_report(why).document.read_text())
    assert flaws(document) == []
    assert document["layers"]["layers"][1]["sqnr_db"] == 18.25
    assert document["schemes"]["rows"][0]["correct"] == 180
    assert document["robustness"]["conditions"][2]["engines"][1]["correct"] == 60


def test_the_weakest_corruption_stands_beside_the_samples_as_they_are(why: ModelFolder) -> None:
    """10 % of the light is left of what is faintest: by its number it would stand first."""
    _, _, plot = page_of(why).partition("<b>Faint</b>")
    ticks = re.findall(r'x="([0-9.]+)" y="[0-9.]+" text-anchor="middle">(as is|50|10)<', plot)
    assert [text for _, text in ticks[:3]] == ["as is", "50", "10"]
    assert [float(x) for x, _ in ticks[:3]] == sorted(float(x) for x, _ in ticks[:3])


@pytest.mark.parametrize(
    ("name", "title", "known"),
    [
        ("layers.json", "Where int8 loses accuracy", "the error of each layer"),
        ("schemes.json", "Other ways to quantize", "how it does quantized in other ways"),
        ("robustness.json", "Harder samples", "how it does with harder samples"),
    ],
)
def test_a_report_is_made_of_one_of_them_alone(
    seed: ModelFolder, name: str, title: str, known: str
) -> None:
    put_all(seed)
    for other in COMMANDS.keys() - {name}:
        (seed.root / other).unlink()
    text = page_of(seed)
    assert f"nor streamed to yet. What is known is {known}.</p>" in text
    assert f">{title}</h2>" in text
    assert "<code>glyphite compare seed</code>" in text
    written = write_report(seed)
    assert f"\n\n{title}. " in written.markdown
    assert flaws(json.loads(written.document.read_text())) == []


def test_robustness_of_an_int16_model_is_called_so(why: ModelFolder) -> None:
    put(why.root / "robustness.json", ("activations",), "int16")
    _, _, part = page_of(why).partition('<h2 id="robustness">')
    assert "int16 (TFLM)</li>" in part
    assert "int8 (TFLM)" not in part.partition("</section>")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_record_of_another_model_is_left_out(why: ModelFolder, name: str) -> None:
    key = "float_sha256" if name == "schemes.json" else "sha256"
    put(why.root / name, (key,), "0" * 64)
    document = collect(why).document
    assert document[name.removesuffix(".json")] is None
    (sentence,) = document["left_out"]
    assert sentence.startswith(f"{why.root / name} is of another ")
    assert sentence.endswith(f"Make it anew with `{COMMANDS[name]}`.")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_damaged_record_is_named_with_the_verb_that_makes_it(why: ModelFolder, name: str) -> None:
    (why.root / name).write_text("{")
    with pytest.raises(InputError, match=f"{name}.*Make it anew with `glyphite ") as caught:
        collect(why)
    assert "\n" not in str(caught.value)


def test_every_plot_has_a_title_axes_and_words_for_who_cannot_see_it(why: ModelFolder) -> None:
    text = page_of(why)
    figures = re.findall(r'<figure class="plot">.*?</figure>', text, re.DOTALL)
    assert len(figures) >= 8
    for figure in figures:
        (title,) = re.findall(r"<figcaption><b>(.+?)</b>", figure)
        axes = re.findall(r'<text class="name" [^>]*text-anchor="(\w+)">(.+?)<', figure)
        assert len(axes) >= 2, title
        assert re.search(r'role="img" aria-label=".{20,}?"', figure), title
    Page(text)


def test_a_table_that_goes_on_has_a_shadow_there_and_the_style_is_whole(why: ModelFolder) -> None:
    text = page_of(why)
    style = text.partition("<style>")[2].partition("</style>")[0]
    (rule,) = re.findall(r"\.scroll \{\s+overflow-x: auto;(.*?)\}", style, re.DOTALL)
    assert rule.count("no-repeat local") == rule.count("no-repeat scroll") == 2
    assert style.count("--shadow: ") == 2, "light and dark"
    assert style.count("{") == style.count("}")
    outside = re.sub(r'<div class="scroll".*?</table></div>', "", text, flags=re.DOTALL)
    assert {*re.findall("<table.*?>", outside)} == {'<table class="wrap">'}, "of a sample"


def test_a_small_part_is_not_shown_as_nothing() -> None:
    assert [_part_of(share) for share in (0, 1e-9, 0.00012, 1.5)] == [
        "0 %", "<0.01 %", "0.012 %", "150 %",
    ]  # fmt: skip
