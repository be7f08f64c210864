"""The report on one or several scored restorations: how good, how sure, where it fails."""

import csv
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from toolbox.intervals import Interval, bootstrap_interval
from toolbox.report.charts import histogram, intervals
from toolbox.report.images import ERROR_SCALE, error_map
from toolbox.report.page import Html, element, facts, gallery, section, table, write_page
from toolbox.report.statistics import PUBLIC_SHARE, split_disagreement, split_gap
from toolbox.scoring import WEIGHTS, summarize

_COLUMNS = ('score', *WEIGHTS)
_PHOTOS_SHOWN = 6  # best ones, and as many worst ones
_PERCENT = round(100 * PUBLIC_SHARE)


class Pictures(NamedTuple):
    """What is shown of one image, uint8: input (H, W) or (H, W, 3), output and truth (H, W, 3), hole (H, W).

    The input is None where none was given: none is made up.
    """

    input: np.ndarray | None
    output: np.ndarray
    truth: np.ndarray
    hole: np.ndarray | None = None


@dataclass
class ScoreEntry:
    """One restoration of a set of images: a submission, or a model's.

    Attributes:
        name: what it is called; different for each entry of a report.
        rows: what `toolbox.scoring.score_images` says of each image, by the image's name.
        pictures: reads or makes the pictures of the image of a name; called for the few images that are shown.
    """

    name: str
    rows: Mapping[str, Mapping]
    pictures: Callable[[str], Pictures]

    @cached_property
    def summary(self) -> dict[str, float]:
        """Means over the images, and their number `n`."""
        return summarize(list(self.rows.values()))

    def values(self, column: str) -> np.ndarray:
        """A column of the rows, float64 (n,), in the order of the rows."""
        return np.array([row[column] for row in self.rows.values()], np.float64)


def write_score_report(folder: str | Path, entries: Sequence[ScoreEntry], *, about: str = '') -> Path:
    """Write `report.html`, one page that needs no other file, and `per_image.csv`.

    Args:
        folder: made if need be.
        entries: one; or several on the same images, which are then compared image by image.
        about: a sentence on what was scored, shown below the title.

    Returns:
        The page.

    Raises:
        ValueError: no entries, equal names, or entries on different images.
    """
    _check(entries)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write_csv(folder / 'per_image.csv', entries)
    best_first = sorted(entries, key=lambda entry: -entry.summary['score'])
    sections = [_overview(best_first)]
    if len(entries) > 1:
        sections.append(_comparison(best_first))
    if entries[0].summary['n'] > 1:
        sections += [_splits(best_first), _distributions(best_first)]
    sections += [_examples(best_first), *_edge_rules(entries), _per_image(entries)]
    title = f'Score of {entries[0].name}' if len(entries) == 1 else f'Scores of {len(entries)} restorations'
    write_page(folder / 'report.html', title, *sections, lead=about)
    return folder / 'report.html'


def _check(entries: Sequence[ScoreEntry]) -> None:
    if not entries:
        raise ValueError('a report needs at least one entry')
    doubled = [name for name, count in Counter(entry.name for entry in entries).items() if count > 1]
    if doubled:
        raise ValueError(f'several entries are called {doubled[0]!r}: give each a name of its own')
    for entry in entries[1:]:
        if list(entry.rows) != list(entries[0].rows):
            raise ValueError(f'{entry.name} and {entries[0].name} were not scored on the same images in the same order')


def _write_csv(file: Path, entries: Sequence[ScoreEntry]) -> None:
    with file.open('w', newline='', encoding='utf-8') as stream:
        writer = csv.writer(stream)
        writer.writerow(('entry', 'image', *_COLUMNS, 'notes'))
        for entry, name, row in _all_rows(entries):
            writer.writerow((entry, name, *(row[column] for column in _COLUMNS), '; '.join(row['notes'])))


def _all_rows(entries: Sequence[ScoreEntry]) -> list[tuple[str, str, Mapping]]:
    return [(entry.name, name, row) for entry in entries for name, row in entry.rows.items()]


def _overview(entries: Sequence[ScoreEntry]) -> Html:
    formula = ' + '.join(f'{weight:g} {part}' for part, weight in WEIGHTS.items())
    note = (
        f'score = {formula}, each the mean over images. The interval (95 %, bootstrap) says '
        'how far the choice of images moves the score.'
    )
    bars = {entry.name: bootstrap_interval(entry.values('score')) for entry in entries}
    drawing = intervals(bars, 'score with its 95 % interval')
    if len(entries) == 1:
        (entry,) = entries
        (interval,) = bars.values()
        numbers = {column: f'{entry.summary[column]:.4f}' for column in _COLUMNS}
        numbers['95 % interval'] = f'{interval.low:.4f} to {interval.high:.4f}'
        numbers['images'] = f'{entry.summary["n"]:,}'
        return section('Score', facts(numbers), note=note)
    rows = [(entry.name, *(entry.summary[column] for column in _COLUMNS), entry.summary['n']) for entry in entries]
    return section('Scores', drawing, table(('', *_COLUMNS, 'images'), rows), note=note)


def _comparison(entries: Sequence[ScoreEntry]) -> Html:
    differences = {
        f'{first.name} − {second.name}': first.values('score') - second.values('score')  # noqa: RUF001
        for first, second in itertools.combinations(entries, 2)
    }
    bars = {name: bootstrap_interval(values) for name, values in differences.items()}
    rows = []
    for name, bar in bars.items():
        better = _share(np.mean(differences[name] > 0))
        rows.append((name, bar.mean, bar.low, bar.high, better, _flips(differences[name]), _verdict(bar)))
    columns = ('difference', 'mean', 'low', 'high', 'images better', 'splits that disagree', 'verdict')
    return section(
        'Paired comparison',
        table(columns, rows),
        note=(
            'Differences of the score image by image, which cancels how hard an image is: the mean, its 95 % bootstrap '
            f'interval, and the share of random {_PERCENT}/{100 - _PERCENT} splits in which the public images rank the '
            'two otherwise than the private ones.'
        ),
    )


def _flips(differences: np.ndarray) -> str:
    return _share(split_disagreement(differences)) if len(differences) > 1 else ''


def _verdict(difference: Interval) -> str:
    return 'a real difference' if difference.excludes_zero else 'not to be told apart'


def _share(value: float) -> str:
    return f'{100 * value:.0f} %'


def _splits(entries: Sequence[ScoreEntry]) -> Html:
    gaps = {entry.name: split_gap(entry.values('score')) for entry in entries}
    statement = (
        f'Between public and private score, a difference under {max(gaps.values()):.4f} is noise '
        f'on {entries[0].summary["n"]:,} images.'
    )
    return section(
        'Public and private',
        element('p', element('strong', statement)),
        table(('', 'gap in 95 of 100 splits'), gaps.items()) if len(entries) > 1 else '',
        note=(
            f'The leaderboard shows the mean over {_PERCENT} % of the images and decides by the others. Of thousands '
            'of random splits of these images, 95 in 100 leave public and private score no further apart than this.'
        ),
    )


def _distributions(entries: Sequence[ScoreEntry]) -> Html:
    axes = {}
    for column in _COLUMNS:  # one axis for all entries, so that they compare
        values = np.concatenate([entry.values(column) for entry in entries])
        axes[column] = (float(values.min()), float(values.max()))
    rows = []
    for entry in entries:
        charts = [
            element('div', element('h3', column), histogram(entry.values(column), axis, column))
            for column, axis in axes.items()
        ]
        rows += [element('h3', entry.name) if len(entries) > 1 else '', element('div', *charts, class_='charts')]
    return section('Distributions', *rows, note='Images by their values; the line is the mean.')


def _examples(entries: Sequence[ScoreEntry]) -> Html:
    parts = []
    for number, entry in enumerate(entries):
        content = _worst_and_best(entry)
        if len(entries) == 1:
            parts.append(content)
        else:
            parts.append(element('details', element('summary', entry.name), content, open='' if number == 0 else None))
    return section(
        'Worst and best images',
        *parts,
        note=(
            'Error map: mean absolute error over the channels; white is none, the darkest color stands for '
            f'{ERROR_SCALE} gray levels and more. The hole is outlined.'
        ),
    )


def _worst_and_best(entry: ScoreEntry) -> Html:
    ranked = sorted(entry.rows, key=lambda name: (entry.rows[name]['score'], name))
    count = min(_PHOTOS_SHOWN, -(-len(ranked) // 2))
    worst, best = ranked[:count], [name for name in reversed(ranked[-count:]) if name not in ranked[:count]]
    groups = {'Worst': worst, 'Best': best}
    parts = [
        (element('h3', title), [_photo(entry, name) for name in names]) for title, names in groups.items() if names
    ]
    return element('div', *parts)


def _photo(entry: ScoreEntry, name: str) -> Html:
    pictures, row = entry.pictures(name), entry.rows[name]
    shown = [
        *([] if pictures.input is None else [('input', pictures.input)]),
        ('output', pictures.output),
        ('truth', pictures.truth),
        ('error map', error_map(pictures.output, pictures.truth, pictures.hole)),
    ]
    numbers = [f'{column} {row[column]:.4f}' for column in _COLUMNS]
    return gallery(shown, name, ' · '.join([*numbers, *row['notes']]))


def _edge_rules(entries: Sequence[ScoreEntry]) -> list[Html]:
    """Which images the formulas leave undefined; a section only if there are any."""
    counts = Counter((entry, note) for entry, _, row in _all_rows(entries) for note in row['notes'])
    if not counts:
        return []
    rows = [(entry, note, count) for (entry, note), count in sorted(counts.items())]
    note = 'Images that the formulas leave undefined; they were scored by the rules in docs/score.md.'
    return [section('Edge cases', table(('', 'rule', 'images'), rows), note=note)]


def _per_image(entries: Sequence[ScoreEntry]) -> Html:
    several = len(entries) > 1
    columns = (*(('entry',) if several else ()), 'image', *_COLUMNS, 'notes')
    rows = [
        (*((entry,) if several else ()), name, *(row[column] for column in _COLUMNS), '; '.join(row['notes']))
        for entry, name, row in _all_rows(entries)
    ]
    return section('Every image', table(columns, rows, sortable=True), note='Click on a column to sort by it.')
