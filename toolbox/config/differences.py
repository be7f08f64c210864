"""What differs between two configs, by dotted path. Standard library only."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ABSENT = object()
_SHOWN = 60  # characters of a value


@dataclass(frozen=True)
class Change:
    """A value that is another one than before.

    Attributes:
        key: its dotted path.
        before, after: the values; `ABSENT` where there is none.
    """

    key: str
    before: Any
    after: Any

    def __str__(self) -> str:
        before = 'not set before' if self.before is ABSENT else f'not {shown(self.before)}'
        return (
            f'{self.key} not set ({before})' if self.after is ABSENT else f'{self.key}={shown(self.after)} ({before})'
        )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The values in which two configs differ, in the order of the first.

    Tuples equal lists. Where a `type` differs, options that only the old type had are not listed.
    """
    return list(_differences(before, after, ''))


def value_at(tree: Any, key: str) -> Any:
    """The value at a dotted path, indices into lists included; `ABSENT` where there is none."""
    for part in key.split('.'):
        if isinstance(tree, Mapping) and part in tree:
            tree = tree[part]
        elif _is_list(tree) and part.isdigit() and int(part) < len(tree):
            tree = tree[int(part)]
        else:
            return ABSENT
    return tree


def shown(value: Any) -> str:
    """A value as one types it, cut where it is long; whoever wrote it, a terminal has nothing to obey in it."""
    if isinstance(value, Mapping | list | tuple):
        value = json.dumps(value, default=str)
    text = ''.join(letter if letter.isprintable() else '?' for letter in ' '.join(str(value).split()))
    return text if len(text) <= _SHOWN else f'{text[: _SHOWN - 3]}...'


def _differences(before: Any, after: Any, where: str) -> Iterator[Change]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        other_type = before.get('type') != after.get('type')
        for key in {**before, **after}:
            if key in after or not other_type:
                yield from _differences(before.get(key, ABSENT), after.get(key, ABSENT), f'{where}.{key}'.lstrip('.'))
    elif _is_list(before) and _is_list(after) and len(before) == len(after) and any(_is_nested(one) for one in before):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(one, other, f'{where}.{index}')
    elif _plain(before) != _plain(after):
        yield Change(where, before, after)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) or _is_list(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if _is_list(value) else value
