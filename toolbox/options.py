"""Reads `--cfg-options key=value` without importing anything heavy.

Values are Python literals, plus what people type without quotes: `type=SE` is a string, `at=[0,-1]` a list,
`model.losses="[dict(type='L1', on='rgb')]"` a list of dicts. What is no literal is taken as the string it is.
"""

import argparse
import ast
from typing import Any


def parse_options(pairs: list[str]) -> dict[str, Any]:
    """``['optimizer.lr=1e-3', 'model.attention.type=SE']`` to a dict by dotted path, in the order given."""
    options = {}
    for pair in pairs:
        path, equals, value = pair.partition('=')
        if not equals or not all(path.split('.')):
            raise ValueError(f'--cfg-options {pair!r}: expected KEY=VALUE, like optimizer.lr=1e-3')
        options[path] = parse_value(value)
    return options


def parse_value(text: str) -> Any:
    """The value that `text` stands for."""
    try:
        return _evaluate(ast.parse(text.strip(), mode='eval').body)
    except (SyntaxError, ValueError):
        return text


def _evaluate(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name):  # a bare word; `true` and `false` as other tools write them
            return {'true': True, 'false': False}.get(name, name)
        case ast.List(items):
            return [_evaluate(item) for item in items]
        case ast.Tuple(items):
            return tuple(_evaluate(item) for item in items)
        case ast.Dict(keys, values) if None not in keys:
            return {_evaluate(key): _evaluate(value) for key, value in zip(keys, values, strict=True)}
        case ast.Call(ast.Name('dict'), [], keywords) if all(keyword.arg for keyword in keywords):
            return {keyword.arg: _evaluate(keyword.value) for keyword in keywords}
        case ast.UnaryOp(ast.USub(), operand):
            value = _evaluate(operand)
            if isinstance(value, int | float):
                return -value
    raise ValueError('not a literal')


class ParseOptions(argparse.Action):
    """argparse action of `--cfg-options K=V ...`; several uses add up."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        try:
            parsed = parse_options(values)
        except ValueError as error:
            parser.error(str(error))
        setattr(namespace, self.dest, {**(getattr(namespace, self.dest) or {}), **parsed})
