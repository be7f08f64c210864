"""The frame of every report: one HTML file that needs nothing else, neither network nor neighbors.

Markup is made by `element`, which escapes every string that is not markup itself: what comes from file names and
configs can show up in a page, but never act in it.
"""

import html
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from toolbox.system.files import write_bytes

_HERE = Path(__file__).parent
# Whatever a page holds, a browser that keeps this rule fetches nothing.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_FEW_COLUMNS = 3  # of a table that fits a narrow screen as it is
_VOID = ('img', 'meta')


class Html(str):
    """Markup. Any other string is text."""

    __slots__ = ()


class Section(Html):
    """A part of a page under a heading, which the contents lead to."""

    title: str
    identifier: str


def element(name: str, /, *content: object, **attributes: object) -> Html:
    """``element('p', 'a < b', class_='note')``: content and attributes are escaped, `Html` and lists of it are not.

    A trailing underscore in an attribute's name is dropped, others become hyphens; an attribute of None is left out.
    """
    written = ''.join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = joined(content)
    return Html(f'<{name}{written}>' if name in _VOID else f'<{name}{written}>{inner}</{name}>')


def joined(content: Iterable[object]) -> Html:
    """Pieces of markup and text, one after the other."""
    return Html(''.join(map(_markup, content)))


def _markup(piece: object) -> str:
    if isinstance(piece, Html):
        return piece
    if isinstance(piece, list | tuple):
        return joined(piece)
    return html.escape(str(piece))


def write_page(file: Path, title: str, *content: Html, lead: str = '', extra: str | None = None) -> None:
    """Write a page: a title, a sentence below it, sections with a table of contents.

    Args:
        file: where to.
        title: also shown in the browser's tab.
        content: sections.
        lead: the sentence.
        extra: the name of a style and a script of this package that the page needs besides the common ones.
    """
    names = ['page', 'pictures'] if extra is None else ['page', 'pictures', extra]
    style, script = (_resources(names, suffix) for suffix in ('css', 'js'))
    head = element(
        'head',
        element('meta', charset='utf-8'),
        element('meta', http_equiv='Content-Security-Policy', content=_POLICY),
        element('meta', name='viewport', content='width=device-width, initial-scale=1'),
        element('title', title),
        element('style', style),
    )
    skip = element('a', 'Skip to the content', href='#content', class_='skip')
    header = element('header', element('h1', _breakable(title)), element('p', lead, class_='lead') if lead else Html())
    main = element('main', *content, id='content')
    page = element('div', header, _contents(content), main, class_='page')
    body = element('body', skip, page, element('script', script))
    text = f'<!doctype html>\n{element("html", head, body, lang="en")}\n'
    write_bytes(file, text.encode(errors='replace'))  # a file name that is no text cannot be shown as it is


def _breakable(title: str) -> list[object]:
    """A title that a narrow page may break behind slashes."""
    first, *rest = title.split('/')
    return [first, *(piece for part in rest for piece in ('/', Html('<wbr>'), part))]


def _contents(content: Sequence[Html]) -> Html:
    links = [
        element('li', element('a', part.title, href=f'#{part.identifier}'))
        for part in content
        if isinstance(part, Section)
    ]
    return element('nav', element('ul', *links), class_='contents', aria_label='Contents') if links else Html()


def _resources(names: Sequence[str], suffix: str) -> Html:
    return Html('\n'.join((_HERE / f'{name}.{suffix}').read_text(encoding='utf-8') for name in names))


def data(identifier: str, content: object) -> Html:
    """Data for a script: JSON under an identifier, in an element that shows and does nothing."""
    text = json.dumps(content, separators=(',', ':')).replace('<', '\\u003c')  # no text in it can end the element
    return element('script', Html(text), type='application/json', id=identifier)


def section(title: str, *content: object, note: str = '', kind: str | None = None) -> Section:
    """A part of the page under a heading, with a note that says how to read it; `kind` is its class."""
    explained = element('p', note, class_='note') if note else Html()
    # The scripts have identifiers of their own, which a title may not take.
    identifier = '-'.join(['part', *re.findall('[a-z0-9]+', title.lower())])
    made = Section(element('section', element('h2', title), explained, *content, id=identifier, class_=kind))
    made.title, made.identifier = title, identifier
    return made


class Number(NamedTuple):
    """A cell's number, for sorting, and how it is shown."""

    value: float
    shown: object


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, sortable: bool = False) -> Html:
    """Rows of cells under column heads.

    A float is shown to four digits and sorts by its full value; `Number` shows it otherwise. None and NaN are shown as
    a dash, and stay last however the table is sorted.
    """
    rows = list(rows)
    names = [element('button', name, type='button') if sortable else name for name in columns]
    kinds = ['number' if any(_is_number(row[column]) for row in rows) else None for column in range(len(columns))]
    # Roles, because a browser forgets what a table is when the style of a narrow screen lays it out otherwise.
    head = [
        element('th', name, scope='col', class_=kind, role='columnheader')
        for name, kind in zip(names, kinds, strict=True)
    ]
    body = [element('tr', *map(_cell, row, kinds, columns), role='row') for row in rows]
    size = 'wide' if len(columns) > _FEW_COLUMNS else 'narrow'
    kind = f'{size} sortable' if sortable else size
    top = element('thead', element('tr', *head, role='row'), role='rowgroup')
    grid = element('table', top, element('tbody', *body, role='rowgroup'), class_=kind, role='table')
    return element('div', grid, class_='scroll', tabindex=0 if sortable else None)


def _cell(content: object, kind: str | None, column: str) -> Html:
    named = {'data_label': column, 'role': 'cell'}
    if content is None:
        return element('td', '–', class_=kind, data_value='nan', **named)  # noqa: RUF001
    if not _is_number(content):
        return element('td', content, class_=kind or 'text', **named)
    value, shown = content if isinstance(content, Number) else (content, None)
    if math.isnan(value):
        return _cell(None, kind, column)
    if shown is None:
        shown = f'{value:.4f}' if isinstance(value, float) else f'{value:,}'
    return element('td', shown, class_='number', data_value=repr(float(value)), **named)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Number) and not isinstance(value, bool)


def facts(values: Mapping[str, object]) -> Html:
    """A few numbers that matter, large, each with its name."""
    pairs = [element('div', element('dt', name), element('dd', value)) for name, value in values.items()]
    return element('dl', *pairs, class_='facts')


def settings(values: Mapping[str, object]) -> Html:
    """Names and what they are set to, a line each."""
    pairs = [part for name, value in values.items() for part in (element('dt', name), element('dd', value))]
    return element('dl', *pairs, class_='settings')
