"""Writes the JSON Schema of report.json; with ``--check`` only tells whether it is right.

It is made of the types in ``glyphite.host.report.document`` and of their docstrings, so that it
cannot tell of other keys than the report has. Run by ``make schema``.
"""

import ast
import inspect
import json
import re
import sys
import textwrap
from typing import Any

import msgspec

from glyphite.convert.files import write_text
from glyphite.host.report import SCHEMA_FILE
from glyphite.host.report.document import Report

Schema = dict[str, Any]


def schema() -> Schema:
    """The JSON Schema (draft 2020-12) of report.json."""
    (root,), components = msgspec.json.schema_components([Report], ref_template="#/$defs/{name}")
    kinds = _types(Report)
    for name, one in components.items():
        _document(one, kinds[name])
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "report.json, as `glyphite report` writes it",
        **root,
        "$defs": components,
    }
    _to_ecma(made)
    return made


def _types(kind: type) -> dict[str, type]:
    """All types that a type is made of, by their names."""
    found: dict[str, type] = {}
    queue: list[Any] = [msgspec.inspect.type_info(kind)]
    while queue:
        one = queue.pop()
        if isinstance(one, msgspec.inspect.EnumType):
            found[one.cls.__name__] = one.cls
        elif isinstance(one, msgspec.inspect.TypedDictType | msgspec.inspect.DataclassType):
            if one.cls.__name__ in found:
                continue
            found[one.cls.__name__] = one.cls
            queue += [each.type for each in one.fields]
        else:
            parts = ("types", "item_type", "item_types", "key_type", "value_type", "type")
            for part in (getattr(one, name, ()) for name in parts):
                queue += part if isinstance(part, tuple) else [part]
    return found


def _document(one: Schema, kind: type) -> None:
    """No key but these, and what each is, as the sources say it."""
    one["description"] = " ".join((inspect.getdoc(kind) or "").split())
    if "properties" not in one:  # a choice of texts
        return
    one["additionalProperties"] = False
    for base in reversed(_lineage(kind)):
        for name, text in _comments(base).items():
            said = one["properties"].get(name)
            if said is not None:
                one["properties"][name] = {**said, "description": text}


def _lineage(kind: type) -> list[type]:
    """The type and those that it is made of, the type first; a TypedDict has them aside."""
    bases = getattr(kind, "__orig_bases__", ())
    known = [base for base in bases if isinstance(base, type) and base.__module__ != "typing"]
    return [kind, *(each for base in known for each in _lineage(base))]


def _comments(kind: type) -> dict[str, str]:
    """The docstring behind each attribute of a type."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    found, name = {}, ""
    for statement in body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and name:
            found[name] = " ".join(str(statement.value.value).split())
            name = ""
    return found


def _to_ecma(one: Any) -> None:  # noqa: ANN401 - any JSON
    r"""Patterns in the dialect of JSON Schema, whose end of a text is ``$`` and not ``\Z``."""
    for value in one.values() if isinstance(one, dict) else one if isinstance(one, list) else ():
        _to_ecma(value)
    if isinstance(one, dict) and isinstance(one.get("pattern"), str):
        one["pattern"] = re.sub(r"\\Z$", "$", one["pattern"])


def main(words: list[str]) -> int:
    """Write it, or tell whether it is as it would be written."""
    text = json.dumps(schema(), indent=2) + "\n"
    if "--check" not in words:
        write_text(SCHEMA_FILE, text)
    elif SCHEMA_FILE.read_text(encoding="utf-8") != text:
        print(f"{SCHEMA_FILE.name} is not that of the types. Run `make schema`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
