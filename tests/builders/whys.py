"""The records of why: layers.json, schemes.json and robustness.json of a model, made by hand."""

from glyphite.convert import metrics
from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import ModelFolder
from glyphite.host.measure import schemes_record
from glyphite.host.measure.layers_record import (
    Advice,
    Cause,
    EngineDifference,
    EnginePair,
    Histogram,
    LayerFigures,
    LayersRecord,
    Reference,
    SampleFigures,
)
from glyphite.host.measure.robustness_record import Condition, Engine, Pair, RobustnessRecord
from glyphite.host.measure.schemes_record import Cost, Row, SchemesRecord
from glyphite.host.report.more import ROBUSTNESS
from tests.builders.truth import DATA

DATE = "2026-11-29T10:00:00+00:00"
IMAGES = 200


def put_all(folder: ModelFolder) -> None:
    """All three, of the model there is."""
    manifest = Manifest.load(folder.manifest)
    _layers(manifest).save(folder)
    schemes_record.save(folder.root, _schemes(manifest))
    _robustness(manifest).save(folder.root / ROBUSTNESS)


def _layer(number: int, sqnr: float, own: float | None) -> LayerFigures:
    return LayerFigures(
        name=f"conv_2d_{number}", kind="CONV_2D", number=number, tensor="conv", keras_layer=None,
        shape=[1, 2],
        scale=0.1, zero_point=-128, low=0, high=25.5, values=400, sqnr_db=sqnr, own_sqnr_db=own,
        mean_error=0.1, largest_error=0.4, mean_error_steps=1, largest_error_steps=4,
        own_mean_error=None, own_largest_error=None, cut_off=0.25, cut_off_low=0, cut_off_high=100,
        at_limits=0.25, range_used=1.5, channels=2, dead_channels=[1], output_share=0.00000005,
        answers_changed=3, weights=None,
        histogram=Histogram(0, 25.5, [300, 0, 0, 0], [200, 100, 50, 50], 0, 100), worst=None,
    )  # fmt: skip


def _layers(manifest: Manifest) -> LayersRecord:
    advice = Advice(Cause.CUT_OFF, "conv_2d_0", [], True, "conv_2d_0 is cut off <here>.",
                    "glyphite convert seed --calibration-samples 5000")  # fmt: skip
    pair = EnginePair("LiteRT", "TFLM", 50, 6, EngineDifference(
        "conv_2d_2", "CONV_2D", 7, [0, 1], -3, -2, 1, 2, 9))  # fmt: skip
    return LayersRecord(
        model="seed", sha256=manifest.sha256, float_sha256=manifest.float_sha256,
        reference=Reference.FLOAT, data=DATA, samples=IMAGES, engine="ai-edge-litert 2.0",
        answers_differ=4, layers=[_layer(0, 21.5, 21.5), _layer(2, 18.25, None)], advice=[advice],
        worst=[SampleFigures(5, "4", "4", "9", 0.5, [0.5], [0.25])], engines=[pair], date=DATE,
    )  # fmt: skip


def _row(scheme: str, samples: int, correct: int, right: int) -> Row:
    share = metrics.Accuracy(correct, IMAGES)
    low, high = share.interval
    only = max(0, right - correct), max(0, correct - right)
    return Row(
        scheme=scheme, title=f"{samples} samples", weights="per channel", rule="the whole range",
        activations="int8", calibration_samples=samples, calibration="MNIST", aware_epochs=None,
        sha256="a" * 64, tflite_bytes=104_000, engine="int8_tflm", correct=correct,
        accuracy=share.value, low=low, high=high, error=None, only_float_right=only[0],
        only_scheme_right=only[1], mcnemar=metrics.mcnemar(*only),
        cost=Cost("instructions", 1_360_000, 2_100_000, "cortex-m4", 188_000), bytes=None,
        reasons=["tflite-micro is not installed."],
    )  # fmt: skip


def _schemes(manifest: Manifest) -> SchemesRecord:
    right = metrics.Accuracy(190, IMAGES)
    rows = [_row("samples-100", 100, 180, 190), _row("samples-5000", 5000, 189, 190)]
    return SchemesRecord(
        model="seed", float_sha256=manifest.float_sha256, float_bytes=400_000,
        task="classification", data=DATA, images=IMAGES,
        float_figures={"correct": 190, "accuracy": right.value, "interval": list(right.interval),
                       "error": None},
        board="cortex-m4", goal="speed", cost_inputs=3, rows=rows, complete=True, tools={},
        date=DATE,
    )  # fmt: skip


def _engine(name: str, correct: int) -> Engine:
    share = metrics.Accuracy(correct, IMAGES)
    return Engine(name, IMAGES, correct, share.value, list(share.interval), None)


def _robustness(manifest: Manifest) -> RobustnessRecord:
    told = [("", 0.0, 190, 190), ("faint", 50.0, 180, 170), ("faint", 10.0, 100, 60)]
    chances = [metrics.mcnemar(floats - int8, 0) for _, _, floats, int8 in told]
    conditions = [
        Condition(
            name, amount, "%" if name else "", f"{name} {amount:g} %" if name else "as they are",
            [_engine("float", floats), _engine("int8_tflm", int8)],
            Pair(floats - int8, 0, p, corrected), None, None,
        )
        for (name, amount, floats, int8), p, corrected in zip(
            told, chances, metrics.holm(chances), strict=True
        )
    ]  # fmt: skip
    return RobustnessRecord(
        model="seed", sha256=manifest.sha256, float_sha256=manifest.float_sha256,
        task="classification", data=DATA, images=IMAGES, seed=1, reference="int8_tflm", level=0.05,
        correction="Holm", board=None, conditions=conditions, tools={}, date=DATE,
    )  # fmt: skip
