"""Reads `--cfg-options key=value` without importing anything heavy.

Values are Python literals, plus what people type without quotes: `type=SE` is a string, `at=[0,-1]` a list,
`model.losses="[dict(type='L1', on='rgb')]"` a list of dicts. What is no literal is taken as the string it is.
"""

import argparse
import ast
from typing import Any

from toolbox.config.literals import evaluate


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
        return evaluate(ast.parse(text.strip(), mode='eval').body, bare_words=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: brackets in brackets in brackets
        return text


def add_trust_option(parser: argparse._ActionsContainer, who: str) -> None:
    """Add `--trust-plugins`, without which no plugin is imported that `who` asks for."""
    parser.add_argument(
        '--trust-plugins',
        action='store_true',
        help=f'import the plugins that {who} names as custom_imports: programs that run with your rights',
    )


class ParseOptions(argparse.Action):
    """argparse action of `--cfg-options K=V ...`; several uses add up."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        try:
            parsed = parse_options(values)
        except ValueError as error:
            parser.error(str(error))
        setattr(namespace, self.dest, {**(getattr(namespace, self.dest) or {}), **parsed})
