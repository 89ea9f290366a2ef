"""Who calls a public function learns from its docstring which errors it raises."""

import ast
import builtins
import re
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert import errors
from tests.paths import PROJECT

PACKAGES = ("train", "convert", "host")
LEVELS = 2
"""How far private helpers of the same module are followed."""
ERROR = re.compile(r"[A-Z]\w*(Error|Exception)")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Public:
    """A public function, method or property, and the docstring that speaks of it."""

    path: Path
    name: str
    node: Function
    docstring: str
    helpers: dict[str, Function]
    """The private functions that its body may call, by name: the module's and its class's own."""

    def __str__(self) -> str:
        return f"{self.path.relative_to(PROJECT)}:{self.name}"


def publics() -> list[Public]:
    """Every public function of the product."""
    files = (path for package in PACKAGES for path in (PROJECT / package).rglob("*.py"))
    return [
        each for path in sorted(files) for each in publics_of(path, ast.parse(path.read_text()))
    ]


def publics_of(path: Path, tree: ast.Module) -> list[Public]:
    """The public functions of a module, and those of its public classes."""
    shared = private(tree.body)
    found = [
        Public(path, node.name, node, ast.get_docstring(node) or "", shared)
        for node in tree.body
        if isinstance(node, Function) and not node.name.startswith("_")
    ]
    for owner in tree.body:
        if isinstance(owner, ast.ClassDef) and not owner.name.startswith("_"):
            helpers = shared | private(owner.body)
            found += [method(path, owner, node, helpers) for node in owner.body
                      if isinstance(node, Function) and is_public(node)]  # fmt: skip
    return found


def method(path: Path, owner: ast.ClassDef, node: Function, helpers: dict[str, Function]) -> Public:
    """``__init__`` has no docstring of its own: the class has it."""
    described = owner if node.name == "__init__" else node
    name = f"{owner.name}.{node.name}"
    return Public(path, name, node, ast.get_docstring(described) or "", helpers)


def private(body: list[ast.stmt]) -> dict[str, Function]:
    return {node.name: node for node in body if isinstance(node, Function) and not is_public(node)}


def is_public(node: Function) -> bool:
    return not node.name.startswith("_") or node.name == "__init__"


def raised(node: ast.AST, helpers: dict[str, Function], levels: int = LEVELS) -> set[str]:
    """The names of the error classes that ``node`` raises, without those that it catches."""
    if isinstance(node, ast.Try):
        body = set().union(*(raised(each, helpers, levels) for each in node.body))
        rest = [*node.handlers, *node.orelse, *node.finalbody]
        kept = {name for name in body if not any(catches(each, name) for each in node.handlers)}
        return kept.union(*(raised(each, helpers, levels) for each in rest))
    found: set[str] = set()
    if isinstance(node, ast.Raise) and node.exc is not None:
        name = last_name(node.exc)
        found |= made(helpers[name]) if name in helpers else {name}
    if isinstance(node, ast.Call) and levels and last_name(node.func) in helpers:
        found |= raised(helpers[last_name(node.func)], helpers, levels - 1)
    for child in ast.iter_child_nodes(node):
        found |= raised(child, helpers, levels)
    return {name for name in found if ERROR.fullmatch(name)}


def made(helper: Function) -> set[str]:
    """The names of what a helper calls: the error that it returns for its caller is among them."""
    return {last_name(node.func) for node in ast.walk(helper) if isinstance(node, ast.Call)}


def catches(handler: ast.ExceptHandler, name: str) -> bool:
    """Whether ``handler`` ends the error called ``name``."""
    if any(isinstance(each, ast.Raise) and each.exc is None for each in ast.walk(handler)):
        return False
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    caught = {"BaseException" if kind is None else last_name(kind) for kind in types}
    return bool(caught & {name, *ancestors(name)})


def ancestors(name: str) -> set[str]:
    """The names of the classes that the error called ``name`` derives from."""
    kind = getattr(errors, name, getattr(builtins, name, Exception))
    return {base.__name__ for base in kind.__mro__[1:]}


def last_name(node: ast.expr) -> str:
    """``errors.ModelError(...)`` as "ModelError", ``self._check`` as "_check"."""
    if isinstance(node, ast.Call):
        return last_name(node.func)
    return ast.unparse(node).rpartition(".")[2]


def undocumented(public: Public) -> set[str]:
    """The errors that ``public`` raises and its docstring does not name behind "Raises"."""
    _, *promised = re.split(r"\bRaises\b", public.docstring)
    names = set(re.findall(r"\w+", " ".join(promised)))
    return raised(public.node, public.helpers) - names


def test_a_docstring_names_every_error_that_its_function_raises() -> None:
    missing = {str(public): found for public in publics() if (found := undocumented(public))}
    assert not missing, 'add "Raises ... where ..."'


EXAMPLE = '''
def direct():
    """Does it."""
    raise errors.ModelError("no")

def documented():
    """Does it. Raises ModelError where it cannot."""
    raise ModelError("no")

def by_a_helper():
    """Does it; ModelError where it cannot."""
    _outer()

def caught():
    """Does it."""
    try:
        _outer()
    except InputError:
        return None

def turned_into_another():
    """Does it. Raises InputError where it cannot."""
    try:
        _outer()
    except InputError as error:
        raise ToolError from error

def raised_again():
    """Does it."""
    try:
        _outer()
    except InputError:
        clean_up()
        raise

def made_by_a_helper():
    """Does it."""
    raise _failure()

def made_for_a_caller():
    """The error to raise."""
    return ToolError("no")

class Machine:
    """Runs. Raises BoardError where it does not."""

    def __init__(self):
        raise BoardError("no")

    @property
    def speed(self):
        """In Hz."""
        return self._measure()

    def _measure(self):
        raise LinkError("no")

def _outer():
    _inner()

def _inner():
    raise ModelError("no")

def _failure():
    return ToolError("no") if late else LinkError("no")
'''


def test_what_is_found_in_a_module() -> None:
    found = publics_of(PROJECT / "example.py", ast.parse(EXAMPLE))
    assert {each.name: undocumented(each) for each in found} == {
        "direct": {"ModelError"},
        "documented": set(),
        "by_a_helper": {"ModelError"},
        "caught": set(),
        "turned_into_another": {"ToolError"},
        "raised_again": {"ModelError"},
        "made_by_a_helper": {"ToolError", "LinkError"},
        "made_for_a_caller": set(),
        "Machine.__init__": set(),
        "Machine.speed": {"LinkError"},
    }
