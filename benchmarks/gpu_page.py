"""The page of `tools/benchmark.py gpu`: all figures of a machine, and what is missing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolbox.report.page import Html, Number, element, facts, section, settings, table, write_page


def write_gpu_page(folder: Path, parts: Mapping[str, Mapping[str, Any]], wanted: Sequence[str]) -> Path:
    """Write `report.html`.

    Args:
        folder: that exists.
        parts: by name, what `<part>.json` holds: `setting`, `machine`, `seconds` and `result`.
        wanted: the names of all parts.

    Returns:
        The page.
    """
    sections = [_machine(parts, [name for name in wanted if name not in parts])]
    makers = dict(correctness=_correctness, training=_training, scoring=_scoring, restoring=_restoring)
    for name, content in parts.items():
        sections += makers[name](content['result'])
    file = folder / 'report.html'
    names = {content['machine'].get('GPU', content['machine']['processor']) for content in parts.values()}
    write_page(file, 'Huefill on this machine', *sections, lead='; '.join(sorted(names)))
    return file


def _machine(parts: Mapping[str, Mapping[str, Any]], missing: Sequence[str]) -> Html:
    machines = [content['machine'] for content in parts.values()]
    warnings = []
    if any(machine != machines[0] for machine in machines):
        warnings.append(element('p', 'The parts were measured on different machines.', class_='warning'))
    if missing:
        warnings.append(element('p', f'Not measured: {", ".join(missing)}.', class_='warning'))
    rows = [
        (name, content['setting']['scale'], content['setting']['device'], _rounded(content['seconds'], 0))
        for name, content in parts.items()
    ]
    shown = table(('part', 'scale', 'device', 'seconds'), rows) if rows else Html()
    return section('Machine', settings(machines[0]) if machines else Html(), *warnings, shown)


def _correctness(result: Mapping[str, Any]) -> list[Html]:
    verdict = 'All checks passed.' if result['ok'] else 'Some checks failed.'
    tests, processes = result['tests'], result['processes']
    if 'skipped' in tests and 'passed' not in tests:
        told = element('p', f'Tests that need CUDA: skipped, {tests["skipped"]}.')
    else:
        numbers = {'passed': tests['passed'], 'failed': tests['failed'], 'skipped': tests['skipped']}
        told = element('div', element('h3', 'Tests that need CUDA'), facts(numbers), *_list(tests['failures']))
    if 'skipped' in processes:
        alone = element('p', f'One process against two: skipped, {processes["skipped"]}.')
    else:
        row = (processes['one'], processes['two'], f'{processes["difference"]:.1e}', _verdict(processes))
        alone = table(('loss in one process', 'in two', 'difference', 'verdict'), [row])
    networks = [
        (row['recipe'], row['network'], *(_small(row[key]) for key in ('output', 'gradient', 'bf16')), _verdict(row))
        for row in result['networks']
    ]
    scorer = [(f'{row["size"]} px', _small(row['difference']), _verdict(row)) for row in result['scorer']]
    columns = ('recipe', 'network', 'output', 'gradient', 'output in bf16', 'verdict')
    return [
        section(
            'Correctness',
            element('p', verdict, class_=None if result['ok'] else 'warning'),
            told,
            alone,
            element('h3', 'Networks'),
            table(columns, networks),
            element('h3', 'Scorer'),
            table(('photograph', 'difference', 'verdict'), scorer),
            note=(
                'Networks with random weights in float32 on this device against float64 on the CPU: the largest '
                "difference of an output and the norm of the gradients' difference, both relative. The scorer against "
                'its transcription with skimage and OpenCV: the largest difference of any part.'
            ),
        )
    ]


def _training(result: Mapping[str, Any]) -> list[Html]:
    measured = {name: row for name, row in result['rows'].items() if 'error' not in row}
    speeds = [
        (
            name,
            _rounded(row['photos_per_second'], 1),
            _rounded(row.get('ready_photos_per_second'), 1),
            _percent(row.get('share_ready')),
        )
        for name, row in measured.items()
    ]
    costs = [
        (name, row['precision'], _rounded(row['peak_memory'], 2), _rounded(row['first_block'], 1))
        for name, row in measured.items()
    ]
    errors = [
        element('p', f'{name}: {row["error"]}', class_='warning')
        for name, row in result['rows'].items()
        if 'error' in row
    ]
    compiled = any('compiled' in name for name in result['rows'])
    remark = '' if compiled else ' Compiled networks are measured on CUDA alone.'
    note = (
        f'unetpp_cbam_b4 at {result["size"]} px, batches of {result["batch_size"]}, {result["workers"]} loader '
        'workers, against the published recipe written plainly, each alone. Ready tensors are on the device already; '
        f'a batch is ready when it is handed over within 5 ms.{remark}'
    )
    profile = [(row['name'], _rounded(row['calls'], 1), _rounded(row['milliseconds'], 2)) for row in result['profile']]
    return [
        section(
            'Training',
            table(('', 'photographs/s', 'on ready tensors', 'ready batches'), speeds),
            table(('', 'precision', 'peak memory, GiB', 'first block, s'), costs),
            *errors,
            note=note,
        ),
        section(
            'Profile',
            table(('operator', 'calls per step', 'ms per step'), profile, sortable=True),
            note="Where a step of Huefill's goes, not compiled: time in the operator itself, by torch's profiler.",
        ),
    ]


def _scoring(result: Mapping[str, Any]) -> list[Html]:
    ratio = f'{result["transcription"] / result["ours"]:.1f} times as fast'
    rows = [
        ('transcription with skimage and cv2, one thread', _rounded(result['transcription'], 2), None),
        ('toolbox.scoring', _rounded(result['ours'], 2), ratio),
    ]
    note = f'One photograph of {result["size"]} px, the median of {result["repeats"]} runs.'
    return [section('Scoring', table(('', 'ms per photograph', ''), rows), note=note)]


def _restoring(result: Mapping[str, Any]) -> list[Html]:
    rows = [
        ('forward passes alone', *(_rounded(value, 1) for value in result['forward'])),
        ('files in, holes found, files out', *(_rounded(value, 1) for value in result['job'])),
    ]
    note = (
        f'{result["images"]} photographs of {result["size"]} px in batches of {result["batch_size"]}, ms per '
        f'photograph, medians. {result["large"]}'
    )
    return [section('Restoring', table(('', 'clock', 'processor'), rows), note=note)]


def _list(names: Sequence[str]) -> list[Html]:
    return [element('ul', *(element('li', name) for name in names))] if names else []


def _rounded(value: float | None, digits: int) -> Number | None:
    return None if value is None else Number(value, f'{value:,.{digits}f}')


def _percent(share: float | None) -> Number | None:
    return None if share is None else Number(share, f'{100 * share:.0f} %')


def _small(value: float | None) -> str | None:
    return None if value is None else f'{value:.1e}'


def _verdict(row: Mapping[str, Any]) -> str:
    return 'agrees' if row['ok'] else 'differs'
