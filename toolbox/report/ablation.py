"""The report on an ablation: what won and how sure that is, every arm and training, and what the arms restore."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from toolbox.experiment.results import Comparison, Summary, TrialResult
from toolbox.report.ablation_arms import arms_section
from toolbox.report.ablation_words import compared, is_sure, lead
from toolbox.report.charts import Curve, Difference, Point, Stroke, curves, differences, scatter, strokes
from toolbox.report.page import Html, Number, element, facts as figures, section, settings, table, write_page
from toolbox.report.pictures import gallery, longest_side
from toolbox.system.words import counted, spoken

_HOUR = 60


@dataclass(frozen=True)
class RestoredPhoto:
    """A photograph that several arms restored; what is None or missing is shown as missing.

    Attributes:
        name: of the photograph.
        input: uint8 (H, W) or (H, W, 3), as the arms got it.
        truth: uint8 (H, W, 3).
        outputs: uint8 (H, W, 3), by the arm's name.
    """

    name: str
    input: np.ndarray | None = None
    truth: np.ndarray | None = None
    outputs: Mapping[str, np.ndarray] = field(default_factory=dict)


def write_ablation_report(
    file: Path,
    summary: Summary,
    results: Sequence[TrialResult],
    facts: Mapping[str, str],
    photos: Sequence[RestoredPhoto] = (),
) -> None:
    """Write one page that needs no other file and no network.

    Args:
        file: where to.
        summary: what the experiment says.
        results: of all trainings.
        facts: what was compared, by name: data, folds, seeds, budget, commit, command.
        photos: the same photographs restored by the arms; a few.
    """
    looks = dict(zip((row.arm.name for row in summary.rows), strokes(len(summary.rows)), strict=True))
    sections = [
        *_warnings(summary),
        _facts(summary, results, facts),
        arms_section(summary),
        *_differences(summary),
        *_curves(summary, results, looks),
        *_costs(summary, results, looks),
        *_photos(summary, photos),
        _trials(summary, results),
    ]
    write_page(file, summary.title, *sections, lead=lead(summary, results), extra='ablation')


def _warnings(summary: Summary) -> list[Html]:
    if not summary.warnings:
        return []
    listed = element('ul', *(element('li', warning) for warning in summary.warnings))
    return [section('What limits this', listed, kind='warnings')]


def _facts(summary: Summary, results: Sequence[TrialResult], compared: Mapping[str, str]) -> Html:
    ended = sum(result.state in ('done', 'dropped') for result in results)
    costs = [result.costs for result in results if result.costs is not None]
    numbers = {
        'arms': f'{len(summary.rows):,}',
        'trainings that ended well': f'{ended:,} of {len(results):,}',
        'time of all trainings': _duration([cost.wall_minutes for cost in costs]),
    }
    if any(cost.gpu_minutes for cost in costs):
        numbers['time of all GPUs'] = _duration([cost.gpu_minutes for cost in costs])
    return section('What was compared', figures(numbers), settings(compared) if compared else Html())


def _duration(each: Sequence[float]) -> str:
    """Of minutes together, as far as they are known."""
    minutes = sum(filter(math.isfinite, each))
    return f'{minutes:.1f} min' if minutes < _HOUR else f'{minutes / _HOUR:,.1f} h'


def _differences(summary: Summary) -> list[Html]:
    rows = [_bar(row.arm.name, row.difference, row.learned) for row in summary.rows if row.difference is not None]
    rows = [row for row in rows if math.isfinite(row.mean)]
    if not rows:
        return []
    note = (
        f'The {spoken(summary.ranking)} against that of {summary.baseline}, whose place is the line at 0. '
        'Bars are 95 % intervals; a filled dot is a difference that stays beyond chance (p < 0.05) after '
        "Holm's correction."
    )
    without = [row.arm.name for row in summary.rows[1:] if row.difference is None]
    missing = element('p', f'Without a comparison: {", ".join(without)}.', class_='note') if without else Html()
    metric = f'difference of the {spoken(summary.ranking)}'
    parts = [differences({'': rows}, metric, 'differences to the baseline'), missing]
    effects: dict[str, list[Difference]] = {}
    for effect in summary.main_effects:
        bar = _bar(f'{effect.level} − {effect.against}', effect.difference)  # noqa: RUF001
        if math.isfinite(bar.mean):
            effects.setdefault(effect.axis, []).append(bar)
    if effects:
        note_effects = 'What a level of an axis changes against the baseline, averaged over the other axes.'
        parts += [element('h3', 'Main effects'), element('p', note_effects, class_='note')]
        parts.append(differences(effects, metric, 'main effects'))
    return [section('Differences to the baseline', *parts, note=note)]


def _bar(name: str, difference: Comparison, learned: bool = True) -> Difference:
    sure = is_sure(difference) and (learned or difference.mean < 0)
    return Difference(name, difference.mean, difference.low, difference.high, compared(difference), sure)


def _curves(summary: Summary, results: Sequence[TrialResult], looks: Mapping[str, Stroke]) -> list[Html]:
    found = [_curve(name, look, results, summary.ranking) for name, look in looks.items()]
    lines = [line for line in found if line is not None]
    if not lines:
        return []
    note = (
        f'The {spoken(summary.ranking)} in validation, mean over the trainings of an arm; the band spans them. '
        'Epoch 0 is before training. A line ends where the first of its trainings did. '
        'Point at a name, or go to it with the Tab key, to bring its line out.'
    )
    drawings = [curves(lines, 'epoch', spoken(summary.ranking))]
    half = max(line.x[-1] for line in lines) / 2
    later = [line.since(half) for line in lines if line.x[-1] >= half]
    if max(len(line.x) for line in later) > 2:
        drawings += [element('h3', 'The second half'), curves(later, 'epoch', spoken(summary.ranking))]
    return [section('Learning curves', *drawings, note=note)]


def _curve(arm: str, look: Stroke, results: Sequence[TrialResult], metric: str) -> Curve | None:
    """The line of an arm, over the epochs that all of its trainings came to; failed ones count if there is no other."""
    own = [result for result in results if result.arm == arm]
    chosen = [result for result in own if result.state in ('done', 'dropped')] or own
    courses = [course for course in (_course(result, metric) for result in chosen) if course]
    if not courses:
        return None
    epochs = sorted(set.intersection(*(set(course) for course in courses)))
    if not epochs:
        return None
    values = np.array([[course[epoch] for epoch in epochs] for course in courses])
    mean, low, high = (column.tolist() for column in (values.mean(0), values.min(0), values.max(0)))
    told = f'{arm}: {mean[-1]:.4f} at epoch {epochs[-1]:g}, {counted(len(courses), "training")}'
    return Curve(arm, look, epochs, mean, low, high, told)


def _course(result: TrialResult, metric: str) -> dict[float, float]:
    """The metric by epoch."""
    course = {0.0: result.untrained.get(metric, math.nan)}
    course |= {float(row['epoch']): row.get(metric, math.nan) for row in result.curve if 'epoch' in row}
    return {epoch: value for epoch, value in course.items() if math.isfinite(value)}


def _costs(summary: Summary, results: Sequence[TrialResult], looks: Mapping[str, Stroke]) -> list[Html]:
    dropped = {result.arm for result in results if result.state == 'dropped'}
    rows = [row for row in summary.rows if row.costs and math.isfinite(row.mean.get(summary.ranking, math.nan))]
    if not rows:
        return []
    kinds = {
        'Time of a training': ('wall minutes', [row.costs.wall_minutes for row in rows]),
        'Parameters': ('millions of parameters', [row.costs.parameters / 1e6 for row in rows]),
    }
    parts = []
    for title, (axis, values) in kinds.items():
        points = []
        for row, x in zip(rows, values, strict=True):
            name, y = row.arm.name, row.mean[summary.ranking]
            told = f'{name}: {y:.4f} at {x:,.2f} {axis}'
            if math.isfinite(x):
                points.append(Point(name, x, y, looks[name].color, hollow=name in dropped, title=told))
        parts.append(element('div', element('h3', title), _against(points, axis, spoken(summary.ranking))))
    note = f'The {spoken(summary.ranking)} against what it costs, means over the trainings. '
    note += 'Hollow: dropped early, so that time and score are those of fewer epochs.' if dropped else ''
    return [section('Costs', element('div', *parts, class_='costs'), note=note.strip())]


def _against(points: Sequence[Point], axis: str, metric: str) -> Html:
    """A drawing, or a sentence where it would say nothing."""
    places = [point.x for point in points]
    if not points:
        return element('p', 'Not measured.', class_='note')
    if len(points) > 1 and max(places) - min(places) <= 1e-3 * max(places):
        return element('p', f'The same for all arms: {places[0]:,.2f} {axis}.', class_='note')
    return scatter(points, axis, metric)


def _photos(summary: Summary, photos: Sequence[RestoredPhoto]) -> list[Html]:
    if not photos:
        return []
    names = [row.arm.name for row in summary.rows]
    shown = [name for name in names if any(name in photo.outputs for photo in photos)]
    side = longest_side(len(photos) * (2 + len(shown)))
    rows = [
        gallery(
            [
                ('input', photo.input),
                ('truth', photo.truth),
                *((name, photo.outputs.get(name)) for name in shown),
            ],
            photo.name,
            '',
            longest_side=side,
        )
        for photo in photos
    ]
    without = [name for name in names if name not in shown]
    note = 'The same photographs restored by each arm, in the order of the table. '
    note += 'Click on a picture to see it large, and to compare it with another one.'
    note += f' Without pictures: {", ".join(without)}.' if without else ''
    return [section('The same photographs', element('div', *rows), note=note)]


def _trials(summary: Summary, results: Sequence[TrialResult]) -> Html:
    columns = ('arm', 'seed', 'fold', 'state', spoken(summary.ranking), 'minutes', 'folder', 'reason')
    rows = [
        (
            result.arm,
            result.seed,
            result.fold,
            element('span', result.state, class_='failed' if result.state == 'failed' else None),
            result.metrics.get(summary.ranking),
            None if result.costs is None else Number(result.costs.wall_minutes, f'{result.costs.wall_minutes:,.1f}'),
            '' if result.folder is None else result.folder.name,
            result.reason,
        )
        for result in results
    ]
    note = f'{counted(len(results), "training")}. Click on the name of a column to sort by it.'
    return section('Trainings', element('div', table(columns, rows, sortable=True), class_='trials'), note=note)
