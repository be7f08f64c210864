"""The report on a cleaned data set: a map, galleries to look through, and the csv as a person corrects it."""

import base64
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from toolbox.cleaning.cleaned_images import CleanedImages
from toolbox.report.page import Html, data, element, facts, section, settings as listed, table, write_page
from toolbox.system.words import counted

_FAILURES_SHOWN = 500


def write_cleaning_report(file: Path, title: str, cleaned: CleanedImages) -> None:
    """Write one page that needs no other file and no network.

    Args:
        file: where to.
        title: names the data set.
        cleaned: what is shown.
    """
    kept = sum(row.keep for row in cleaned.rows)
    files = counted(len(cleaned.rows), 'file')
    lead = (
        f'{kept:,} of {files} {"stays" if kept == 1 else "stay"}. Tick or untick what you see otherwise, and download '
        'the csv; until then this browser remembers what you changed.'
    )
    sections = [
        _totals(cleaned),
        _map(),
        _outliers(cleaned),
        _clusters(cleaned),
        *_duplicates(cleaned),
        *_files(cleaned),
        *_failures(cleaned),
        _how(cleaned),
        _bar(),
        data('data', _columns(cleaned)),
    ]
    write_page(file, title, *sections, lead=lead, extra='cleaning')


def _totals(cleaned: CleanedImages) -> Html:
    amounts = Counter(cleaned.kinds)
    names = {
        'kept': 'kept',
        'outlier': 'outliers',
        'duplicate': 'duplicates',
        'file': 'unsuitable',
        'unreadable': 'unreadable',
    }
    return section('Totals', facts({name: f'{amounts[kind]:,}' for kind, name in names.items()}))


def _map() -> Html:
    note = (
        'Each point is an image that was judged; near ones look alike, and directions have no meaning. '
        'Point at one to see it, click to keep or drop it, drag to move the map. A name below it brings its points out.'
    )
    keys = (
        'The arrow keys go from point to point, Enter keeps or drops, + and − zoom, 0 shows all. '  # noqa: RUF001
        'The wheel zooms once the map was clicked.'
    )
    help_text = element('details', element('summary', 'Keys'), element('p', keys, class_='note'))
    names = {'zoom-in': 'Zoom in', 'zoom-out': 'Zoom out', 'zoom-all': 'Show all'}
    tools = [element('button', name, type='button', id=identifier) for identifier, name in names.items()]
    # What a canvas shows has no text of its own: the line below the map tells the point that is chosen.
    label = 'map of the images; the arrow keys go from point to point'
    canvas = element('canvas', tabindex=0, role='application', aria_label=label, aria_describedby='said')
    return section(
        'Map',
        element('div', *tools, id='tools'),
        element('div', canvas, element('div', id='hover', aria_hidden='true'), id='map'),
        element('p', id='said', aria_live='polite'),
        element('ul', id='legend', aria_label='legend of the map'),
        help_text,
        note=note,
    )


def _outliers(cleaned: CleanedImages) -> Html:
    if 'outlier' not in cleaned.kinds:
        return section('Outliers', element('p', 'None.', class_='note'))
    note = 'What was dropped because it is far from all other images, the farthest first.'
    return section('Outliers', element('div', class_='tiles', data_show='outliers'), note=note)


def _clusters(cleaned: CleanedImages) -> Html:
    """A folded gallery for each cluster, large ones first, and for noise."""
    judged = [(row, kind) for row, kind in zip(cleaned.rows, cleaned.kinds, strict=True) if row.label is not None]
    sizes = Counter(row.label for row, kind in judged if kind != 'duplicate')
    dropped = Counter(row.label for row, kind in judged if kind == 'outlier')
    galleries = []
    for label, size in sorted(sizes.items(), key=lambda item: (item[0] < 0, -item[1], item[0])):
        name = 'No cluster (noise)' if label < 0 else f'Cluster {label}'
        summary = element(
            'summary', f'{name}: {counted(size, "image")}' + (f', {dropped[label]:,} dropped' if dropped[label] else '')
        )
        galleries.append(element('details', summary, element('div', class_='tiles', data_show=f'cluster {label}')))
    return section('Clusters', *galleries, note='Open one to look through it; the most unusual images come first.')


def _duplicates(cleaned: CleanedImages) -> list[Html]:
    groups = {row.group for row in cleaned.rows if row.group is not None}
    if not groups:
        return []
    note = 'Images that show the same. Of each group the largest stays, and of equally large ones the least compressed.'
    return [section(f'Duplicates: {counted(len(groups), "group")}', element('div', id='groups'), note=note)]


def _files(cleaned: CleanedImages) -> list[Html]:
    if 'file' not in cleaned.kinds:
        return []
    note = 'Readable, but not what a restorer of photographs learns from.'
    return [section('Unsuitable files', element('div', class_='tiles', data_show='files'), note=note)]


def _failures(cleaned: CleanedImages) -> list[Html]:
    failed = [row for row, kind in zip(cleaned.rows, cleaned.kinds, strict=True) if kind == 'unreadable']
    if not failed:
        return []
    note = 'All of them are in failures.csv.' if len(failed) > _FAILURES_SHOWN else ''
    rows = [(row.image, row.reason) for row in failed[:_FAILURES_SHOWN]]
    return [section(f'Unreadable files: {len(failed):,}', table(('file', 'reason'), rows), note=note)]


def _how(cleaned: CleanedImages) -> Html:
    notes = element('ul', *(element('li', note) for note in cleaned.notes)) if cleaned.notes else Html()
    settings = listed(cleaned.settings)
    seconds = table(('step', 'seconds'), [(step, float(value)) for step, value in cleaned.seconds.items()])
    return section('How it came about', notes, settings, element('h3', 'Time'), seconds)


def _bar() -> Html:
    undo = element('button', 'Undo all changes', id='undo', type='button', hidden='')
    download = element('button', 'Download clean.csv', id='download', type='button')
    return element('div', element('span', id='state', role='status'), undo, download, id='bar')


def _columns(cleaned: CleanedImages) -> dict[str, list[Any]]:
    """The rows by column, for the script."""
    reasons = {reason: number for number, reason in enumerate(dict.fromkeys(row.reason for row in cleaned.rows))}
    thumbnails = [cleaned.thumbnails.get(index, b'') for index in range(len(cleaned.rows))]
    x, y = _unit_square(cleaned.positions)
    decided = repr(list(cleaned.rows))
    return {
        'digest': hashlib.sha256(decided.encode('utf-8', 'surrogateescape')).hexdigest()[:16],
        'image': [row.image for row in cleaned.rows],
        'label': [row.label for row in cleaned.rows],
        'score': [None if row.score is None else round(row.score, 4) for row in cleaned.rows],
        'keep': [int(row.keep) for row in cleaned.rows],
        'reason': [reasons[row.reason] for row in cleaned.rows],
        'reasons': list(reasons),
        'group': [row.group for row in cleaned.rows],
        **{kind: [int(own == kind) for own in cleaned.kinds] for kind in ('outlier', 'duplicate', 'file')},
        'thumbnail': [base64.b64encode(thumbnail).decode('ascii') for thumbnail in thumbnails],
        'x': x,
        'y': y,
    }


def _unit_square(positions: np.ndarray) -> tuple[list[float | None], list[float | None]]:
    """Coordinates scaled to [0, 1], upwards on the page; None where there are none."""
    columns = []
    for column in (positions[:, 0], -positions[:, 1]):
        known = np.isfinite(column)
        low, high = (column[known].min(), column[known].max()) if known.any() else (0, 1)
        scaled = (column - low) / max(high - low, 1e-9)
        columns.append([round(float(value), 5) if np.isfinite(value) else None for value in scaled])
    return columns[0], columns[1]
