"""Values that are written as Python and read without running it: literals, and `dict(a=1)`.

Standard library only. Nothing here imports, calls or looks up what a text names.
"""

import ast
from collections.abc import Mapping
from typing import Any

_PLAIN = (str, int, float, bool, type(None))
MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 50
MAX_VALUES = 100_000


def evaluate(node: ast.expr, bare_words: bool = False) -> Any:
    """The value of a literal's syntax tree.

    Args:
        node: of an expression.
        bare_words: take a name for the string it is, and `true` and `false` for what other tools mean by them.

    Raises:
        ValueError: it is no literal; says in which line.
    """
    match node:
        case ast.Constant(value) if isinstance(value, _PLAIN):
            return value
        case ast.Name(name) if bare_words:
            return {'true': True, 'false': False}.get(name, name)
        case ast.Name('inf'):  # how Python writes that float
            return float('inf')
        case ast.List(items):
            return [evaluate(item, bare_words) for item in items]
        case ast.Tuple(items):
            return tuple(evaluate(item, bare_words) for item in items)
        case ast.Dict(keys, values) if None not in keys:
            names = [evaluate(key, bare_words) for key in keys if key is not None]
            return _distinct(names, [evaluate(value, bare_words) for value in values], node)
        case ast.Call(ast.Name('dict'), [ast.Dict() as entries], []):  # mmengine's way to write keys that are no names
            return evaluate(entries, bare_words)
        case ast.Call(ast.Name('dict'), [], keywords) if all(keyword.arg for keyword in keywords):
            values = [evaluate(keyword.value, bare_words) for keyword in keywords]
            return _distinct([keyword.arg for keyword in keywords], values, node)
        case ast.UnaryOp(ast.USub(), operand):
            value = evaluate(operand, bare_words)
            if isinstance(value, int | float):
                return -value
    raise ValueError(f'line {node.lineno}: no literal: {_shortened(node)}')


def read_assignments(text: str) -> dict[str, Any]:
    """The names that a text assigns literals to, and the values: a config as mmengine writes it down.

    Raises:
        ValueError: anything else is in it; says in which line.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f'{len(text):,} characters of config, more than the limit of {MAX_CHARACTERS:,}')
    values: dict[str, Any] = {}
    try:
        for statement in ast.parse(text).body:
            match statement:
                case ast.Assign([ast.Name(name)], value) if name not in values:
                    values[name] = evaluate(value)
                case ast.Assign([ast.Name(name)]):
                    raise ValueError(f'line {statement.lineno}: {name} is assigned a second time')
                case _:
                    raise ValueError(f'line {statement.lineno}: no assignment of a literal: {_shortened(statement)}')
    except SyntaxError as error:
        raise ValueError(f'line {error.lineno}: {error.msg}') from error
    except (RecursionError, MemoryError) as error:  # the parser's words for brackets in brackets in brackets
        raise ValueError('nested too deeply') from error
    return plain(values)


def plain(value: Any, where: str = '', depth: int = 0, counted: list[int] | None = None) -> Any:
    """A copy of nested dicts, lists, tuples, strings, numbers, bools and None, of exactly these types.

    Args:
        value: what may hold subclasses of dict, list and tuple.
        where: its path, for errors.

    Raises:
        ValueError: something else is in it, or too much; names the place.
    """
    counted = [0] if counted is None else counted
    counted[0] += 1
    if depth > MAX_DEPTH or counted[0] > MAX_VALUES:  # a value that holds itself, or one value in a million places
        raise ValueError(f'{_outer(where)}: nested too deeply, or more than {MAX_VALUES:,} values')
    if isinstance(value, Mapping):
        for key in value:
            if not _is_key(key):
                raise ValueError(f'{_outer(where)}: {key!r}: expected a key of letters, digits and the like')
        return {key: plain(item, f'{where}.{key}', depth + 1, counted) for key, item in value.items()}
    if isinstance(value, list | tuple):
        kind = list if isinstance(value, list) else tuple
        return kind(plain(item, f'{where}.{index}', depth + 1, counted) for index, item in enumerate(value))
    if type(value) not in _PLAIN:
        raise ValueError(
            f'{_outer(where)}: expected text, a number, True, False, None, or a list, tuple or dict of such, got '
            f'{type(value).__name__}'
        )
    return value


def _distinct(names: list[Any], values: list[Any], node: ast.expr) -> dict[str, Any]:
    if any(not isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError(f'line {node.lineno}: keys have to be different strings: {_shortened(node)}')
    return dict(zip(names, values, strict=True))


def _is_key(key: Any) -> bool:
    """Whether a key is harmless in the text that mmengine makes of a config: there it stands as it is, unescaped."""
    return type(key) is str and key.isprintable() and not {"'", '\\'} & set(key)


def _outer(where: str) -> str:
    return where[1:81] or 'config'


def _shortened(node: ast.AST) -> str:
    text = ast.unparse(node).partition('\n')[0]
    return text if len(text) <= 60 else text[:57] + '...'
