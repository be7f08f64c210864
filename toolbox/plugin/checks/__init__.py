"""Does a plugin keep the contract of its kind? Answers in words, for the author of one and for the tests of all.

``<kind>.py`` knows what one kind promises; its ``violations(make)`` yields a sentence per broken promise. What every
kind promises is checked here: named options only, defaults that build, the global random state left alone.
"""

import importlib
import inspect
import random
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from toolbox.plugin.contracts import ExampleOptions
from toolbox.plugin.registry import KINDS

# Builds a fresh instance with the plugin's example options: ``make(channels=8)`` passes what the program supplies.
Make = Callable[..., Any]

_NETWORK_PARTS = ('encoders', 'attention', 'decoders', 'layouts')


def check_plugin(kind: str, name: str, folder: Path) -> list[str]:
    """Every violation of the contract of `kind` by the plugin registered as `name`; an empty list is a pass.

    Args:
        folder: an empty folder where a plugin that reads files can put its examples (`example_options`).
    """
    plugin = KINDS[kind].get(name)
    problems = list(_signature_problems(kind, name))
    if problems:
        return problems
    violations = importlib.import_module(f'toolbox.plugin.checks.{kind}').violations
    before = _random_state(kind)
    try:
        has_example = isinstance(plugin, ExampleOptions)
        with _preserved_random_state():
            options = plugin.example_options(folder) if has_example else {}
        problems += [
            f'option {option!r} names a file: list it in `file_options`, so that no checkpoint can have one opened'
            for option, value in options.items()
            if str(folder) in str(value) and option not in _file_options(plugin)
        ]

        def make(**program_values: Any) -> Any:
            with _preserved_random_state():  # initial weights may be drawn
                return KINDS[kind].build(dict(type=name, **options), **program_values)

        problems += violations(make)
    except Exception as error:  # a plugin that raises breaks its contract: say where
        problems.append(f'raised {type(error).__name__}: {error} ({_place(error, plugin)})')
    if _random_state(kind) != before:
        problems.append(
            'draws from a global random state (random, numpy.random or torch); draw from the generator it is given'
        )
    return problems


def repeatable(call: Callable[[], Any]) -> bool:
    """Whether two calls give equal arrays or tensors."""
    first, second = call(), call()
    return bool(np.array_equal(np.asarray(first), np.asarray(second)))


def _signature_problems(kind: str, name: str) -> Iterator[str]:
    registry = KINDS[kind]
    plugin = registry.get(name)
    has_example = isinstance(plugin, ExampleOptions)
    for parameter in inspect.signature(plugin).parameters.values():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            yield f'__init__ swallows options in {parameter}; name each option, so that a misspelt one is an error'
        elif parameter.name in registry.placement:
            yield f'option {parameter.name!r} is a key that the program reads; choose another name'
        elif parameter.default is parameter.empty and parameter.name not in registry.program_values and not has_example:
            yield (
                f'option {parameter.name!r} has no default: give it one, or offer '
                'example_options(tmp_path) -> dict so that the check can build the plugin'
            )
    named = inspect.signature(plugin).parameters
    yield from (
        f'`file_options` names {name!r}, which is no option' for name in _file_options(plugin) if name not in named
    )
    if not plugin.__doc__:  # one of its own, not that of a base class
        yield 'has no docstring; its first line is what `tools/plugins.py list` shows'


def _file_options(plugin: type) -> tuple[str, ...]:
    return getattr(plugin, 'file_options', ())


def _place(error: Exception, plugin: type) -> str:
    """The line of the plugin's file that led to an error, or the one that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    causes = traceback.extract_tb(error.__cause__.__traceback__) if error.__cause__ else []  # of one that did not build
    own = [frame for frame in (*frames, *causes) if frame.filename == inspect.getfile(plugin)]
    frame = (own or frames)[-1]
    return f'{Path(frame.filename).name}, line {frame.lineno}'


def _random_state(kind: str) -> tuple:
    """What drawing from a global generator would change."""
    legacy = np.random.get_state()  # noqa: NPY002
    # Network parts may draw from torch's in training: dropout, stochastic depth.
    drawn_by_torch = b'' if kind in _NETWORK_PARTS else torch.get_rng_state().numpy().tobytes()
    return random.getstate(), legacy[1].tobytes(), legacy[2], drawn_by_torch


@contextmanager
def _preserved_random_state() -> Iterator[None]:
    python, legacy, torch_state = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
        torch.set_rng_state(torch_state)
