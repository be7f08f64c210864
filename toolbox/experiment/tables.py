"""A summary as tables: for the terminal, and as files for spreadsheets, Markdown and LaTeX."""

import csv
import io
import math
import textwrap
from collections.abc import Iterable
from pathlib import Path

from toolbox.experiment.escaping import latex, latex_numbers, markdown, one_line, terminal
from toolbox.experiment.results import ArmSummary, Comparison, Summary
from toolbox.system.files import write_text
from toolbox.system.tables import aligned, terminal_width

_PARTS = ('ssim', 'masked_ssim', 'hue_similarity')
_COSTS = ('parameters', 'images_per_second', 'peak_memory_mib', 'wall_minutes', 'gpu_minutes')
_COST_NAMES = ('params (M)', 'images/s', 'peak MiB', 'wall min', 'GPU min')


def write_tables(folder: Path, summary: Summary) -> None:
    """Write table.csv, table.md and table.tex, each in one move."""
    for suffix, content in (('csv', as_csv), ('md', as_markdown), ('tex', as_latex)):
        write_text(folder / f'table.{suffix}', content(summary))


def as_text(summary: Summary) -> str:
    """For the terminal: the comparison, the other metrics and costs, then main effects, notes and warnings."""
    rows = summary.rows
    names = [terminal(row.arm.name) for row in rows]
    ranked = [(name, *_ranked(row, summary)) for name, row in zip(names, rows, strict=True)]
    others = _other_metrics(summary)
    measured = [(name, *_measured(row, others)) for name, row in zip(names, rows, strict=True)]
    parts = [
        textwrap.fill(terminal(summary.title), terminal_width()),
        aligned(('arm', *_ranked_names(summary)), ranked),
        aligned(('arm', *others, *_COST_NAMES), measured),
    ]
    if summary.main_effects:
        effects = [tuple(map(terminal, cells)) for cells in _effects(summary)]
        parts.append('Main effects\n' + aligned(_EFFECT_NAMES, effects))
    notes = [f'{name}: {terminal(note)}' for name, row in zip(names, rows, strict=True) for note in row.notes]
    for title, texts in (('Notes', notes), ('Careful', [terminal(warning) for warning in summary.warnings])):
        if texts:
            parts.append('\n'.join([title, *map(_wrapped, texts)]))
    return '\n\n'.join(parts) + '\n'


def as_csv(summary: Summary) -> str:
    """All numbers, in full precision; what was not measured stays empty."""
    ranking = summary.ranking
    parts = [metric for metric in _PARTS if metric != ranking]
    others = [metric for metric in _other_metrics(summary) if metric not in parts]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator='\n')
    writer.writerow(
        (
            *('arm', 'n', f'{ranking}_mean', f'{ranking}_std', *(f'{metric}_mean' for metric in parts)),
            *('difference', 'low', 'high', 'p', 'p_holm', 'basis'),
            *(f'{metric}_std' for metric in parts),
            *(f'{metric}_{what}' for metric in others for what in ('mean', 'std')),
            *('untrained', *_COSTS, 'notes'),
        )
    )
    for row in summary.rows:
        difference = row.difference
        numbers = [None] * 5
        if difference is not None:
            numbers = [difference.mean, difference.low, difference.high, difference.p, difference.p_holm]
        cells = (
            *(row.mean.get(ranking), row.std.get(ranking), *(row.mean.get(metric) for metric in parts)),
            *(*numbers, difference.basis if difference else None),
            *(row.std.get(metric) for metric in parts),
            *(values.get(metric) for metric in others for values in (row.mean, row.std)),
            *(row.untrained, *(getattr(row.costs, cost, None) for cost in _COSTS)),
        )
        writer.writerow((row.arm.name, row.n, *map(_exact, cells), '; '.join(row.notes)))
    return stream.getvalue()


def as_markdown(summary: Summary) -> str:
    """A document: the table, the best arm bold, the main effects, and what to know of them."""
    others = _other_metrics(summary)
    best = _best(summary)
    lines = []
    for row in summary.rows:
        numbers = _markdown_numbers((*_ranked(row, summary), *_measured(row, others)))
        cells = [markdown(row.arm.name), *numbers, markdown('; '.join(row.notes))]
        if row is best:
            cells[0], cells[2] = f'**{cells[0]}**', f'**{cells[2]}**'
        lines.append(cells)
    header = ('arm', *_ranked_names(summary), *others, *_COST_NAMES, 'notes')
    parts = [f'# {markdown(summary.title)}', _markdown_table([markdown(name) for name in header], lines)]
    if summary.main_effects:
        effects = [[markdown(name), *_markdown_numbers(numbers)] for name, *numbers in _effects(summary)]
        parts += ['## Main effects', _markdown_table(list(_EFFECT_NAMES), effects)]
    if summary.warnings:
        parts.append('\n'.join(f'- {markdown(warning)}' for warning in summary.warnings))
    return '\n\n'.join(parts) + '\n'


def as_latex(summary: Summary) -> str:
    r"""A `tabular` for `\usepackage{booktabs}` with the columns a paper needs, the best arm bold; notes as comments."""
    others = [metric for metric in _other_metrics(summary) if any(metric in row.mean for row in summary.rows)]
    names = ['arm', 'n', summary.ranking, 'difference', 'p (Holm)', *others, *_COST_NAMES[:2], _COST_NAMES[3]]
    best = _best(summary)
    lines = []
    for row in summary.rows:
        ranked, measured = _ranked(row, summary), _measured(row, others)
        numbers = [ranked[0], _spread(row, summary.ranking), ranked[3], ranked[5], *measured[:-5]]
        cells = [latex(row.arm.name), *map(latex_numbers, (*numbers, measured[-5], measured[-4], measured[-2]))]
        if row is best:
            cells[0], cells[2] = rf'\textbf{{{cells[0]}}}', rf'\textbf{{{cells[2]}}}'
        lines.append(' & '.join(cells) + r' \\')
    comments = [
        f'% {one_line(text)}'
        for text in (
            summary.title,
            *summary.warnings,
            *(f'{row.arm.name}: {note}' for row in summary.rows for note in row.notes),
        )
    ]
    return '\n'.join(
        [
            *comments,
            rf'\begin{{tabular}}{{l{"r" * (len(names) - 1)}}}',
            r'\toprule',
            ' & '.join(map(latex, names)) + r' \\',
            r'\midrule',
            *lines,
            r'\bottomrule',
            r'\end{tabular}',
            '',
        ]
    )


def difference_text(difference: Comparison | None) -> str:
    """`+0.0123 [+0.0040, +0.0206]`, with `images` behind it where that is what the interval is over; '' for None."""
    if difference is None:
        return ''
    if math.isnan(difference.low):
        return 'not finite' if math.isnan(difference.mean) else f'{difference.mean:+.4f}'
    images = ' images' if difference.basis == 'images' else ''
    return f'{difference.mean:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]{images}'


def p_text(p: float | None) -> str:
    """Four digits; '' for None."""
    return '' if p is None else '<0.0001' if p < 0.0001 else f'{p:.4f}'


_EFFECT_NAMES = ('effect', 'n', 'difference [95 %]', 'p', 'p (Holm)')


def _effects(summary: Summary) -> list[tuple[str, ...]]:
    return [
        (f'{effect.axis}: {effect.level} vs. {effect.against}', str(effect.difference.n), *_compared(effect.difference))
        for effect in summary.main_effects
    ]


def _compared(difference: Comparison | None) -> tuple[str, str, str]:
    if difference is None:
        return '', '', ''
    return difference_text(difference), p_text(difference.p), p_text(difference.p_holm)


def _ranked_names(summary: Summary) -> tuple[str, ...]:
    return 'n', summary.ranking, 'std', 'difference [95 %]', 'p', 'p (Holm)', 'untrained'


def _ranked(row: ArmSummary, summary: Summary) -> tuple[str, ...]:
    mean, std = row.mean.get(summary.ranking), row.std.get(summary.ranking)
    return str(row.n), _number(mean), _number(std), *_compared(row.difference), _number(row.untrained)


def _spread(row: ArmSummary, metric: str) -> str:
    mean, std = _number(row.mean.get(metric)), _number(row.std.get(metric))
    return f'{mean} ± {std}' if std else mean


def _other_metrics(summary: Summary) -> list[str]:
    """Those that do not rank: the parts of the score first, then the others as they come."""
    found = dict.fromkeys(metric for row in summary.rows for metric in row.mean if metric != summary.ranking)
    return sorted(found, key=lambda metric: _PARTS.index(metric) if metric in _PARTS else len(_PARTS))


def _measured(row: ArmSummary, metrics: list[str]) -> tuple[str, ...]:
    """Means of metrics, and the costs."""
    means = [_number(row.mean.get(metric)) for metric in metrics]
    if row.costs is None:
        return *means, *('' for _ in _COSTS)
    costs = row.costs
    sizes = f'{costs.parameters / 1e6:.2f}', f'{costs.images_per_second:.1f}', f'{costs.peak_memory_mib:.0f}'
    return *means, *sizes, f'{costs.wall_minutes:.1f}', f'{costs.gpu_minutes:.1f}'


def _best(summary: Summary) -> ArmSummary | None:
    """The best of the arms that learned."""
    ranked = [row for row in summary.rows if row.learned and math.isfinite(row.mean.get(summary.ranking, math.nan))]
    sign = 1 if summary.higher_is_better else -1
    return max(ranked, key=lambda row: sign * row.mean[summary.ranking], default=None)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, terminal_width(), initial_indent='- ', subsequent_indent='  ', break_on_hyphens=False)


def _number(value: float | None) -> str:
    return '' if value is None or math.isnan(value) else f'{value:.4f}'


def _exact(value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return value or ''
    return '' if math.isnan(value) else f'{value:.10g}'


def _markdown_numbers(cells: Iterable[str]) -> list[str]:
    return [cell.replace('<', '&lt;') for cell in cells]


def _markdown_table(header: list[str], rows: list[list[str]]) -> str:
    ruler = ['---:' if place > 0 and name != 'notes' else '---' for place, name in enumerate(header)]
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in (header, ruler, *rows))
