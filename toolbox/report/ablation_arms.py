"""The table of an ablation's arms."""

import math

from toolbox.experiment.results import ArmSummary, Costs, Summary
from toolbox.report.ablation_words import p_value
from toolbox.report.charts import signed
from toolbox.report.page import Html, Number, element, section, table
from toolbox.system.words import spoken


def arms_section(summary: Summary) -> Html:
    """Every arm: its scores, its difference to the baseline, its costs; failed ones with the reason."""
    measured = list(dict.fromkeys(metric for row in summary.rows for metric in row.mean))
    others = [metric for metric in measured if metric != summary.ranking]
    has_gpu = any(row.costs and row.costs.gpu_minutes for row in summary.rows)
    columns = [
        *('arm', 'n', spoken(summary.ranking), 'difference', 'p, Holm', *map(spoken, others), 'untrained'),
        *('parameters', 'photos/s', 'memory, MiB', 'wall min', *(('GPU min',) if has_gpu else ())),
    ]
    rows = [
        (
            _name(row),
            row.n,
            _mean(row, summary.ranking),
            _difference(row),
            _p_values(row),
            *(row.mean.get(metric) for metric in others),
            float(row.untrained),
            *_cost_cells(row.costs)[: 5 if has_gpu else 4],
        )
        for row in summary.rows
    ]
    note = (
        f'Means over n trainings, ± their standard deviation. Difference: to {summary.baseline} in pairs of the same '
        'seed and fold, positive is better, with its 95 % interval; p, Holm: corrected for the number of arms, with '
        'p alone below. Untrained: before the first step. Click on the name of a column to sort by it.'
    )
    return section('Arms', element('div', table(columns, rows, sortable=True), class_='arms'), note=note)


def _name(row: ArmSummary) -> Html:
    failed = not row.n
    notes = element('span', '; '.join(row.notes), class_='remarks failed' if failed else 'remarks')
    return element('span', element('strong', row.arm.name), notes if row.notes else Html())


def _mean(row: ArmSummary, metric: str) -> Number | None:
    mean = row.mean.get(metric)
    if mean is None:
        return None
    std = row.std.get(metric, math.nan)
    return Number(mean, [f'{mean:.4f}', _small(f'± {std:.4f}') if math.isfinite(std) else Html()])


def _difference(row: ArmSummary) -> Number | None:
    if row.difference is None:
        return None
    mean, low, high = row.difference.mean, row.difference.low, row.difference.high
    known = math.isfinite(low) and math.isfinite(high)
    return Number(mean, [signed(mean), _small(f'[{signed(low)}, {signed(high)}]') if known else Html()])


def _p_values(row: ArmSummary) -> Number | None:
    """Corrected, with the plain one below."""
    if row.difference is None or row.difference.p is None:
        return None
    p, corrected = row.difference.p, row.difference.p_holm
    return Number(p, p_value(p)) if corrected is None else Number(corrected, [p_value(corrected), _small(p_value(p))])


def _cost_cells(costs: Costs | None) -> list[Number | None]:
    if costs is None:
        return [None] * 5
    return [
        Number(costs.parameters, _millions(costs.parameters)),
        Number(costs.images_per_second, f'{costs.images_per_second:,.1f}'),
        Number(costs.peak_memory_mib, f'{costs.peak_memory_mib:,.0f}'),
        Number(costs.wall_minutes, f'{costs.wall_minutes:,.1f}'),
        Number(costs.gpu_minutes, f'{costs.gpu_minutes:,.1f}'),
    ]


def _millions(number: float) -> str:
    return f'{number / 1e6:.2f} M' if number >= 1e5 else f'{number:,.0f}'


def _small(text: str) -> Html:
    return element('span', text, class_='small')
