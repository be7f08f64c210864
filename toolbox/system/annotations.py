"""Whether a plain value, such as a config holds, is of the type that a parameter is annotated with.

Standard library only.
"""

import inspect
import re
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, Union

_SEQUENCES = (list, tuple, Sequence, Collection, Iterable)


def parameter_types(function: Callable) -> dict[str, Any]:
    """Annotations by parameter; without those that cannot be resolved."""
    target = function.__init__ if inspect.isclass(function) else function
    try:
        return typing.get_type_hints(target)
    except Exception:  # annotations may name what is imported for type checkers alone
        return {}


def fits(value: Any, annotation: Any) -> bool:
    """Whether a value is of a type; True where the annotation says nothing that can be checked.

    An int is a float, a bool is neither; lists and tuples are the same, for a config's text may write either.
    """
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (Union, types.UnionType):
        return any(fits(value, argument) for argument in arguments)
    if origin is Literal:
        return value in arguments
    kind = origin or annotation
    if kind in (None, types.NoneType):
        return value is None
    if kind in (int, float):
        return isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    if kind in _SEQUENCES:
        return isinstance(value, list | tuple) and _items_fit(value, kind, arguments)
    if kind in (Mapping, dict):
        return isinstance(value, kind) and (
            not arguments or all(fits(key, arguments[0]) and fits(item, arguments[1]) for key, item in value.items())
        )
    if not inspect.isclass(kind) or kind is Any or getattr(kind, '_is_protocol', False) or kind is Callable:
        return True
    return isinstance(value, kind)


def in_words(annotation: Any) -> str:
    """`Sequence[int] or None`."""
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return ' or '.join(map(in_words, typing.get_args(annotation)))
    if annotation in (None, types.NoneType):
        return 'None'
    return re.sub(r'\b\w+(\.\w+)*\.(?=\w)', '', inspect.formatannotation(annotation))


def _items_fit(value: Sequence[Any], kind: Any, arguments: tuple) -> bool:
    if not arguments:
        return True
    if kind is tuple and arguments[-1] is not Ellipsis:
        return len(value) == len(arguments) and all(map(fits, value, arguments))
    return all(fits(item, arguments[0]) for item in value)
