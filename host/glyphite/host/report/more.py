"""The records that tell why: each layer's error, other ways to quantize, harder samples.

Each is there once its own command has run, and is shown only where it is of the model there now.
"""

from dataclasses import dataclass

from glyphite.host.measure import layers_record, schemes_record
from glyphite.host.measure.layers_record import LayersRecord
from glyphite.host.measure.robustness_record import RobustnessRecord
from glyphite.host.measure.schemes_record import SchemesRecord
from glyphite.host.report.again import glyphite
from glyphite.host.report.records import Document, Records

ROBUSTNESS = "robustness.json"


@dataclass(frozen=True)
class More:
    """Each of these records, or None."""

    layers: LayersRecord | None
    schemes: SchemesRecord | None
    robustness: RobustnessRecord | None

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return any((self.layers, self.schemes, self.robustness))

    def as_document(self) -> Document:
        """Their places in report.json."""
        return {
            "layers": self.layers and self.layers.as_document(),
            "schemes": self.schemes and schemes_record.as_document(self.schemes),
            "robustness": self.robustness and self.robustness.as_document(),
        }


def commands(model: str) -> dict[str, tuple[str, str]]:
    """By the key in report.json, what the record tells, and the command that makes it."""
    return {
        "layers": ("Where int8 loses accuracy", glyphite("compare", model, "--layers")),
        "schemes": ("Other ways to quantize", glyphite("schemes", model)),
        "robustness": (
            "Shifted, noisy, badly lit samples",
            glyphite("compare", model, "--robustness"),
        ),
    }


def more(records: Records) -> More:
    """Those that are of the model; the others are noted in the records' ``left_out``.

    Raises InputError where one is damaged.
    """
    return More(_layers(records), _schemes(records), _robustness(records))


def _again(records: Records, key: str) -> str:
    return f"Make it anew with `{commands(records.named)[key][1]}`."


def _layers(records: Records) -> LayersRecord | None:
    path, again = layers_record.place_of(records.folder), _again(records, "layers")
    if not path.is_file():
        return None
    found = layers_record.read(path, again)
    return found if records.is_current(path, found.sha256, again) else None


def _robustness(records: Records) -> RobustnessRecord | None:
    path, again = records.folder.root / ROBUSTNESS, _again(records, "robustness")
    if not path.is_file():
        return None
    found = RobustnessRecord.read(path, again)
    return found if records.is_current(path, found.sha256, again) else None


def _schemes(records: Records) -> SchemesRecord | None:
    """It is of a float model, whichever .tflite was made of that."""
    path, again = records.folder.root / schemes_record.FILE, _again(records, "schemes")
    if not path.is_file():
        return None
    found = schemes_record.read(path)
    if found.float_sha256 == records.manifest.float_sha256:
        return found
    records.left_out.append(f"{path} is of another float model, and left out. {again}")
    return None
