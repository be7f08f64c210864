"""The report on one or several scored restorations: how good, how sure, where it fails."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from toolbox.report.charts import intervals
from toolbox.report.page import Html, element, facts, section, settings, table, write_page
from toolbox.report.score_images import all_rows, distributions, edge_rules, examples, per_image
from toolbox.report.statistics import PUBLIC_SHARE, split_disagreement, split_gap
from toolbox.scoring.entry import COLUMNS, ScoreEntry
from toolbox.scoring.intervals import MIN_IMAGES, Interval, bootstrap_interval
from toolbox.scoring.score import WEIGHTS, summarize
from toolbox.system.disk_errors import make_folder
from toolbox.system.files import write_rows
from toolbox.system.words import counted, spoken

_PERCENT = round(100 * PUBLIC_SHARE)


def write_score_report(
    folder: str | Path,
    entries: Sequence[ScoreEntry],
    *,
    about: str = '',
    baselines: Mapping[str, Mapping[str, Mapping]] | None = None,
    how: Mapping[str, str] | None = None,
    config: str = '',
) -> Path:
    """Write `report.html`, one page that needs no other file, and `per_image.csv`.

    Args:
        folder: made if need be.
        entries: one; or several on the same images, which are then compared image by image.
        about: a sentence on what was scored, shown below the title.
        baselines: what the entries are held against: rows of the same images, by the baseline's name.
        how: how the scores came about, by name: date, version, files.
        config: the text of the model's config.

    Returns:
        The page.

    Raises:
        ValueError: no entries, equal names, or entries on different images.
    """
    _check(entries)
    folder = Path(folder)
    make_folder(folder)
    _write_csv(folder / 'per_image.csv', entries)
    best_first = sorted(entries, key=lambda entry: -entry.summary['score'])
    sections = [_overview(best_first, baselines or {})]
    if len(entries) > 1:
        sections.append(_comparison(best_first))
    if entries[0].summary['n'] >= MIN_IMAGES:
        sections.append(_splits(best_first))
    if entries[0].summary['n'] > 1:
        sections.append(distributions(best_first))
    sections += [examples(best_first), *edge_rules(entries), per_image(entries), *_how(how or {}, config)]
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
    rows = (
        (entry, name, *(row[column] for column in COLUMNS), '; '.join(row['notes']))
        for entry, name, row in all_rows(entries)
    )
    write_rows(file, [('entry', 'image', *COLUMNS, 'notes'), *rows])


def _overview(entries: Sequence[ScoreEntry], baselines: Mapping[str, Mapping[str, Mapping]]) -> Html:
    formula = ' + '.join(f'{weight:g} {spoken(part)}' for part, weight in WEIGHTS.items())
    note = (
        f'score = {formula}, each the mean over {counted(entries[0].summary["n"], "image")}. The interval (95 %, '
        'bootstrap) says how far the choice of images moves the score.'
    )
    summaries = {entry.name: entry.summary for entry in entries}
    values = {entry.name: entry.values('score') for entry in entries}
    for name, rows in baselines.items():
        summaries[name] = summarize(list(rows.values()))
        values[name] = np.array([row['score'] for row in rows.values()], np.float64)
    marks = {name: bootstrap_interval(scores) for name, scores in values.items()}
    parts = [_below_baseline(entries, {name: summaries[name] for name in baselines})]
    if len(entries) == 1:
        (entry,) = entries
        interval = marks[entry.name]
        numbers = {spoken(column): f'{entry.summary[column]:.4f}' for column in COLUMNS}
        known = f'{interval.low:.4f} to {interval.high:.4f}'
        numbers['95 % interval'] = known if interval.known else f'none under {MIN_IMAGES} images'
        numbers['images'] = f'{entry.summary["n"]:,}'
        parts.append(facts(numbers))
    if len(summaries) > 1:
        parts.append(intervals(marks, 'score', 'scores with their 95 % intervals', quiet=baselines))
        rows = [(name, *(summary[column] for column in COLUMNS)) for name, summary in summaries.items()]
        parts.append(table(('', *map(spoken, COLUMNS)), rows))
    return section('Score' if len(entries) == 1 else 'Scores', *parts, note=note)


def _below_baseline(entries: Sequence[ScoreEntry], baselines: Mapping[str, Mapping[str, float]]) -> list[Html]:
    """A sentence for each entry that a baseline beats."""
    told = []
    for entry in entries:
        better = [name for name, summary in baselines.items() if summary['score'] > entry.summary['score']]
        if better:
            names = ' and '.join(better)
            text = f'{entry.name} scores less than {names}, which needs no training.'
            told.append(element('p', text, class_='warning'))
    return told


def _comparison(entries: Sequence[ScoreEntry]) -> Html:
    differences = {
        f'{first.name} − {second.name}': first.values('score') - second.values('score')  # noqa: RUF001
        for first, second in itertools.combinations(entries, 2)
    }
    bars = {name: bootstrap_interval(values) for name, values in differences.items()}
    rows = []
    for name, bar in bars.items():
        better = _share(np.mean(differences[name] > 0))
        low, high = (bar.low, bar.high) if bar.known else (None, None)
        rows.append((name, bar.mean, low, high, better, _flips(differences[name]), _verdict(bar)))
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
    return _share(split_disagreement(differences)) if len(differences) >= MIN_IMAGES else ''


def _verdict(difference: Interval) -> str:
    if not difference.known:
        return f'too few images: at least {MIN_IMAGES}'
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


def _how(how: Mapping[str, str], config: str) -> list[Html]:
    """How the scores came about; a section only if something is known."""
    if not how and not config:
        return []
    text = element('details', element('summary', 'The whole config'), element('pre', config)) if config else Html()
    return [section('How it came about', settings(how), text)]
