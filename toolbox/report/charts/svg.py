"""What all drawings are made of."""

from toolbox.report.page import Html, element


def text(x: float | str, y: float, content: str, anchor: str = 'start', class_: str | None = None) -> Html:
    """Text with its baseline at y, and its start, middle or end at x."""
    return element('text', content, x=x, y=y, text_anchor=anchor, class_=class_)


def shortened(name: str, longest: int) -> str:
    """A name, or the beginning of a long one."""
    return name if len(name) <= longest else name[: longest - 1] + '…'
