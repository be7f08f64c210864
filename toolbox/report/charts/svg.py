"""What all drawings are made of."""

from collections.abc import Sequence

from toolbox.report.page import Html, element


def drawing(width: int, height: int, content: Sequence[Html], label: str) -> Html:
    """A drawing that is scaled to the width that the page has for it."""
    return element('svg', *content, viewBox=f'0 0 {width} {height}', role='img', aria_label=label)


def text(x: float, y: float, content: str, anchor: str = 'start', class_: str | None = None) -> Html:
    """Text with its baseline at y, and its start, middle or end at x."""
    return element('text', content, x=x, y=y, text_anchor=anchor, class_=class_)


def shortened(name: str, longest: int) -> str:
    """A name, or the beginning of a long one."""
    return name if len(name) <= longest else name[: longest - 1] + '…'
