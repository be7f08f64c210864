"""The parts of the score's report that show images: how they are distributed, the worst and best, all of them."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from toolbox.report.charts import histogram
from toolbox.report.images import ERROR_SCALE, error_map
from toolbox.report.page import Html, element, section, table
from toolbox.report.pictures import gallery, longest_side
from toolbox.scoring.entry import COLUMNS, ScoreEntry
from toolbox.system.words import counted, spoken

_PHOTOS_SHOWN = 6  # best ones, and as many worst ones


def all_rows(entries: Sequence[ScoreEntry]) -> list[tuple[str, str, Mapping]]:
    """The rows of all entries: the entry's name, the image's, and what is said of it."""
    return [(entry.name, name, row) for entry in entries for name, row in entry.rows.items()]


def distributions(entries: Sequence[ScoreEntry]) -> Html:
    axes = {}
    for column in COLUMNS:  # one axis for all entries, so that they compare
        values = np.concatenate([entry.values(column) for entry in entries])
        axes[column] = (float(values.min()), float(values.max()))
    rows = []
    for entry in entries:
        charts = [histogram(entry.values(column), axis, spoken(column)) for column, axis in axes.items()]
        rows += [element('h3', entry.name) if len(entries) > 1 else '', element('div', *charts, class_='charts')]
    return section('Distributions', *rows, note='Images by their values; the line is the mean.')


def examples(entries: Sequence[ScoreEntry]) -> Html:
    parts = []
    shown = {entry.name: _worst_and_best(entry) for entry in entries}
    side = longest_side(4 * sum(len(names) for groups in shown.values() for names in groups.values()))
    for number, entry in enumerate(entries):
        content = _groups(entry, shown[entry.name], side)
        if len(entries) == 1:
            parts.append(content)
        else:
            parts.append(element('details', element('summary', entry.name), content, open='' if number == 0 else None))
    return section(
        'Worst and best images',
        *parts,
        note=(
            'Error map: mean absolute error over the channels; white is none, the darkest color stands for '
            f'{ERROR_SCALE} gray levels and more. The hole is outlined. Click on a picture to see it large, and to '
            'compare it with another one.'
        ),
    )


def _worst_and_best(entry: ScoreEntry) -> dict[str, list[str]]:
    ranked = sorted(entry.rows, key=lambda name: (entry.rows[name]['score'], name))
    count = min(_PHOTOS_SHOWN, -(-len(ranked) // 2))
    worst = ranked[:count]
    return {'Worst': worst, 'Best': [name for name in reversed(ranked[-count:]) if name not in worst]}


def _groups(entry: ScoreEntry, groups: Mapping[str, Sequence[str]], side: int) -> Html:
    parts = [
        (element('h3', title), [_photo(entry, name, side) for name in names])
        for title, names in groups.items()
        if names
    ]
    return element('div', *parts)


def _photo(entry: ScoreEntry, name: str, side: int) -> Html:
    pictures, row = entry.pictures(name), entry.rows[name]
    shown = [
        *([('input', pictures.input)] if pictures.input is not None else []),
        ('output', pictures.output),
        ('truth', pictures.truth),
        ('error map', error_map(pictures.output, pictures.truth, pictures.hole)),
    ]
    numbers = [f'{spoken(column)} {row[column]:.4f}' for column in COLUMNS]
    return gallery(shown, name, ' · '.join([*numbers, *row['notes']]), longest_side=side)


def edge_rules(entries: Sequence[ScoreEntry]) -> list[Html]:
    """Which images the formulas leave undefined; a section only if there are any."""
    counts = Counter((entry, note) for entry, _, row in all_rows(entries) for note in row['notes'])
    if not counts:
        return []
    rows = [(entry, note, count) for (entry, note), count in sorted(counts.items())]
    note = 'Images that the formulas leave undefined; they were scored by the rules in docs/score.md.'
    return [section('Edge cases', table(('', 'rule', 'images'), rows), note=note)]


def per_image(entries: Sequence[ScoreEntry]) -> Html:
    several = len(entries) > 1
    columns = ('image', *(('of',) if several else ()), *map(spoken, COLUMNS), 'notes')
    rows = [
        (name, *((entry,) if several else ()), *(row[column] for column in COLUMNS), '; '.join(row['notes']))
        for entry, name, row in all_rows(entries)
    ]
    note = f'{counted(len(entries[0].rows), "image")}. Click on the name of a column to sort by it.'
    return section('Every image', table(columns, rows, sortable=True), note=note)
