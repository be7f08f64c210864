"""Progress bars on terminals: one look, and an end of their line before anything is said when work is cut short."""

import sys
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from tqdm import tqdm

_bars: 'WeakSet[tqdm]' = WeakSet()


def bar(total: int, unit: str, title: str = '', *, done: int = 0, stays: bool = True, wanted: bool = True) -> 'tqdm':
    """A bar that counts up to a total; nothing is shown where stderr is no terminal.

    Args:
        total: how many there are, those done before included.
        unit: what is counted, in the singular.
        title: what happens, before the bar.
        done: how many were done before.
        stays: whether it stays on the screen when it ends.
        wanted: False for none.
    """
    from tqdm import tqdm

    shown = wanted and sys.stderr.isatty()
    made = tqdm(
        total=total, unit=unit, desc=title or None, initial=done, leave=stays, disable=not shown, dynamic_ncols=True
    )
    _bars.add(made)
    return made


def end_bars() -> bool:
    """End bars that are still shown, each with its line; whether there was one."""
    open_bars = [each for each in _bars if not each.disable]
    for each in open_bars:
        each.close()
    return bool(open_bars)
