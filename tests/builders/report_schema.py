"""Whether a document is a report.json, by its JSON Schema."""

import json
from functools import cache
from typing import Any

from glyphite.host.report import SCHEMA_FILE
from tests.strict import require_module


@cache
def _validator() -> Any:  # noqa: ANN401 - jsonschema has no types
    require_module("jsonschema")
    from jsonschema import Draft202012Validator

    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def flaws(document: object) -> list[str]:
    """What the schema does not allow, with its place."""
    return [f"{one.json_path}: {one.message}" for one in _validator().iter_errors(document)]
