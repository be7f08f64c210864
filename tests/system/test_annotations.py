"""Plain values against annotations."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest

from toolbox.system.annotations import fits, in_words


class Shape(Protocol):
    def area(self) -> float: ...


@pytest.mark.parametrize(
    ('annotation', 'good', 'bad'),
    [
        (int, [0, -3], [True, 1.0, '1', None]),
        (float, [0, 1.5], [True, '1.5', None]),
        (bool, [True], [1, 'yes']),
        (str, ['x'], [1, ['x'], None]),
        (str | None, ['x', None], [1]),
        (str | Path, ['x', Path('x')], [1]),
        (Sequence[int], [[1, 2], (), (3,)], [5, 'ab', ['a'], [1.5], {}]),
        (tuple[float, float], [(1, 2.0), [0, 0]], [(1,), (1, 2, 3), 1]),
        (tuple[int, ...], [(), (1, 2, 3)], [('a',), 3]),
        (list, [[1, 'a'], ()], ['a', 3]),
        (Mapping[str, Any], [{}, {'a': 1}], [[], 'a']),
        (Literal['a', 'b'], ['a'], ['c', 1]),
        (Sequence[Mapping[str, Any]], [[{}]], [[3], {}]),
        (Any, [1, None, 'x'], []),
        (Shape, [1, None], []),
    ],
)
def test_values_and_their_types(annotation, good, bad):
    assert all(fits(value, annotation) for value in good)
    assert not any(fits(value, annotation) for value in bad)


def test_types_in_words():
    assert in_words(Sequence[int] | None) == 'Sequence[int] or None'
    assert in_words(str | Path) == 'str or Path'
