"""A function of the user's own that returns a data set, or the arrays of one."""

import dataclasses
from collections.abc import Mapping

from glyphite.convert.data.arrays import found_in
from glyphite.convert.data.dataset import DataSet
from glyphite.convert.data.found import Found
from glyphite.convert.data.options import Options
from glyphite.convert.errors import DataError
from glyphite.convert.text import printable
from glyphite.convert.user_code import Named, answer_of

ALLOWED = (
    "(x, y), ((x_train, y_train), (x_test, y_test)), three such pairs with validation in the "
    'middle, a dict of arrays by these names (and "classes": names), or a DataSet'
)


def from_function(function: Named, options: Options) -> Found | DataSet:
    """What the function returns: any of ``ALLOWED``.

    Raises InputError where there is no such function, CodeError where it raises, DataError where it
    returns another thing, or arrays that do not fit.
    """
    answer, what = answer_of(function), printable(f"{function.path.name}:{function.function}")
    if isinstance(answer, DataSet):
        return answer
    classes: tuple[str, ...] = ()
    if isinstance(answer, Mapping) and "classes" in answer:
        classes = tuple(str(name) for name in answer["classes"])
        answer = {name: each for name, each in answer.items() if name != "classes"}
    arrays = _arrays(answer)
    if arrays is None:
        raise DataError(f"{what} returned {_in_words(answer)}. Return {ALLOWED}.")
    return dataclasses.replace(found_in(arrays, what, options), classes=classes)


def _arrays(answer: object) -> Mapping[str, object] | None:
    """Arrays by Keras's names."""
    if isinstance(answer, Mapping):
        return {str(name): array for name, array in answer.items() if array is not None}
    if _is_array(answer):
        return {"x": answer}
    if not isinstance(answer, tuple | list):
        return None
    if len(answer) in (2, 3) and all(_is_pair(each) for each in answer):
        names = ("train", "test") if len(answer) == 2 else ("train", "val", "test")
        arrays: dict[str, object] = {}
        for name, (x, y) in zip(names, answer, strict=True):
            arrays |= {f"x_{name}": x} | ({} if y is None else {f"y_{name}": y})
        return arrays
    if isinstance(answer, tuple) and len(answer) == 2:
        return {name: each for name, each in zip("xy", answer, strict=True) if each is not None}
    return None


def _is_pair(answer: object) -> bool:
    """Whether it is inputs and targets, and not an array of two rows."""
    if isinstance(answer, list):
        return len(answer) == 2 and _is_array(answer[0])
    return isinstance(answer, tuple) and len(answer) == 2


def _is_array(answer: object) -> bool:
    return hasattr(answer, "__array__")


def _in_words(answer: object) -> str:
    name = type(answer).__name__
    return f"{name} of {len(answer)}" if isinstance(answer, tuple | list) else name
