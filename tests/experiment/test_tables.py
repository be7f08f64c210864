"""Tables of summaries: what is in them, and that no name breaks them."""

import csv
import io
import math
import re
import shutil
import subprocess

import pytest

from tests.experiment.support import arm, by_image, curve, done
from toolbox.experiment.escaping import latex, markdown
from toolbox.experiment.results import Arm, ArmSummary, Comparison, Summary, TrialResult
from toolbox.experiment.summary import summarize
from toolbox.experiment.tables import as_csv, as_latex, as_markdown, as_text, difference_text, p_text, write_tables

ALL = [as_text, as_csv, as_markdown, as_latex]
FIRST_COLUMNS = ['arm', 'n', 'score_mean', 'score_std', 'ssim_mean', 'masked_ssim_mean', 'hue_similarity_mean']
NAMES = [
    *('a, b', 'under_score', '100 %', 'a & b', 'a | b', '"quoted"', '$x^2$ #1', r'back\slash', '{brace}', '[bracket]'),
    *('<script>', '*bold* `code`', 'a -- b', '~tilde', 'Grün und naïve', '日本語 🎨', 'ąđŋ', 'two\nlines', '; cat'),
    'Ψ → ± \u00d7 \u2212 …',
]
# All at once: done, one pair, failed, dropped, waiting, a pair missing.
RESULTS = [
    *(
        done('base', 0.5 + seed**2 / 100, seed, curve=curve(0.3, 0.5), per_image=by_image([0.4, 0.6] * 10))
        for seed in range(3)
    ),
    *(done('better', 0.6 + seed / 100, seed) for seed in range(3)),
    done('alone', 0.55, 2, per_image=by_image([0.5, 0.61] * 10)),
    *(TrialResult('failed', seed, 0, 'failed', 'ValueError: 3 % of a_b & c\nis {wrong}') for seed in range(3)),
    *(
        TrialResult('dropped', seed, 0, 'dropped', metrics={'score': 0.35, 'n': 20}, curve=curve(0.35))
        for seed in range(3)
    ),
    *(TrialResult('waiting', seed, 0, 'waiting') for seed in range(3)),
    *(done('two', 0.4 + seed / 10, seed) for seed in range(2)),
]
ARMS = [arm(name) for name in ('base', 'better', 'alone', 'failed', 'dropped', 'waiting', 'two')]


@pytest.fixture
def summary():
    return summarize('Attention', ARMS, 'base', RESULTS)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline='')))


def odd_names() -> Summary:
    results = [
        done(name, 0.5 + place / 100 + seed**2 / 1000, seed) for place, name in enumerate(NAMES) for seed in range(2)
    ]
    results[-1] = TrialResult(NAMES[-1], 1, 0, 'failed', NAMES[5])
    return summarize(', '.join(NAMES), [arm(name, an_axis=name) for name in NAMES], NAMES[0], results)


def test_the_terminal_table_is_aligned_and_complete(summary):
    ranked, measured, notes, warnings = as_text(summary).rstrip().split('\n\n')[1:]
    for block in (ranked, measured):
        assert len({len(line) for line in block.splitlines()}) == 1
    better = next(line for line in ranked.splitlines() if line.startswith('better '))
    difference = next(row.difference for row in summary.rows if row.arm.name == 'better')
    expected = ['better', '3', '0.6100', '0.0100', *difference_text(difference).split(), p_text(difference.p)]
    assert better.split() == [*expected, p_text(difference.p_holm), '0.1000']
    assert max(map(len, ranked.splitlines())) <= 120
    assert measured.splitlines()[0].split()[:2] == ['arm', 'ssim']
    assert measured.splitlines()[1].split() == ['base', '0.5000', '1.50', '12.5', '900', '3.0', '0.0']
    assert '- failed: failed (3 of 3): ValueError: 3 % of a_b & c is {wrong}' in notes.splitlines()
    assert '- waiting: not run yet (3 of 3)' in notes.splitlines()
    assert warnings.count('\n- ') == len(summary.warnings)


@pytest.mark.parametrize('columns', [40, 80, 100, 120, 300])
def test_the_terminal_table_fits_the_terminal(summary, columns, monkeypatch):
    monkeypatch.setenv('COLUMNS', str(columns))
    width = min(max(columns, 80), 120)
    long = 'losses=l1 + ssim + masked_ssim + hue_histogram + perceptual, /a/path/to/a/config_of_some_kind.py'
    metrics = {f'metric_{number}': 0.5 + number / 1000 for number in range(12)}
    results = [done(name, 0.5, seed, metrics={'score': 0.5, **metrics}) for name in ('base', long) for seed in range(3)]
    wide = summarize('x', [arm('base'), arm(long)], 'base', results)
    for shown in (as_text(summary), as_text(odd_names()), as_text(wide)):
        assert max(map(len, shown.splitlines())) <= width
    text = as_text(wide)
    for number in range(12):
        assert f'metric_{number}' in text.split()
        assert text.count(f'{0.5 + number / 1000:.4f}') >= 2
    assert all(word in text for word in ('losses=l1', 'hue_histogram', 'perceptual,'))


def test_main_effects_stand_below_the_arms():
    arms = [arm(f'{a} + {b}', first=a, second=b) for a in 'uv' for b in 'wx']
    results = [
        done(each.name, 0.5 + place / 50 + seed**2 / 900, seed) for place, each in enumerate(arms) for seed in (0, 1)
    ]
    effects = as_text(summarize('x', arms, 'u + w', results)).split('Main effects\n')[1].splitlines()
    assert effects[0].split()[:2] == ['effect', 'n']
    assert effects[1].startswith('first: v vs. u')


@pytest.mark.parametrize(
    ('difference', 'text'),
    [
        (None, ''),
        (Comparison(3, 0.01234, 0.004, 0.0206, 0.01), '+0.0123 [+0.0040, +0.0206]'),
        (Comparison(90, -0.01, -0.02, 0.0, basis='images'), '-0.0100 [-0.0200, +0.0000] images'),
        (Comparison(1, 0.5, math.nan, math.nan), '+0.5000'),
        (Comparison(3, math.nan, math.nan, math.nan), 'not finite'),
    ],
)
def test_differences_in_words(difference, text):
    assert difference_text(difference) == text


def test_p_in_words():
    assert [p_text(p) for p in (None, 0.0, 0.00009, 0.0312, 1.0)] == ['', '<0.0001', '<0.0001', '0.0312', '1.0000']


def test_the_csv_begins_with_the_promised_columns(summary):
    rows = rows_of(as_csv(summary))
    differences = ['difference', 'low', 'high', 'p', 'p_holm', 'basis']
    stds = ['ssim_std', 'masked_ssim_std', 'hue_similarity_std']
    costs = ['parameters', 'images_per_second', 'peak_memory_mib', 'wall_minutes', 'gpu_minutes']
    assert list(rows[0]) == [*FIRST_COLUMNS, *differences, *stds, 'untrained', *costs, 'notes']
    assert [row['arm'] for row in rows] == [row.arm.name for row in summary.rows]
    by_arm = {row['arm']: row for row in rows}
    better = next(row for row in summary.rows if row.arm.name == 'better')
    assert float(by_arm['better']['score_mean']) == pytest.approx(0.61, abs=1e-9)
    assert float(by_arm['better']['p']) == pytest.approx(better.difference.p, rel=1e-9)
    assert by_arm['better']['masked_ssim_mean'] == ''  # not measured
    assert (by_arm['alone']['basis'], by_arm['alone']['score_std'], by_arm['alone']['p']) == ('images', '', '')
    assert (by_arm['failed']['n'], by_arm['failed']['score_mean'], by_arm['failed']['parameters']) == ('0', '', '')
    assert by_arm['base']['difference'] == ''


@pytest.mark.parametrize(
    ('ranking', 'start'),
    [
        (
            'psnr',
            ['arm', 'n', 'psnr_mean', 'psnr_std', 'ssim_mean', 'masked_ssim_mean', 'hue_similarity_mean', 'difference'],
        ),
        ('ssim', ['arm', 'n', 'ssim_mean', 'ssim_std', 'masked_ssim_mean', 'hue_similarity_mean', 'difference']),
    ],
)
def test_another_metric_may_rank(ranking, start):
    metrics = {'score': 0.5, 'ssim': 0.6, 'psnr': 20.0, 'n': 100}
    table = as_csv(summarize('x', ARMS[:1], 'base', [done('base', 0, metrics=metrics)], ranking))
    (row,) = rows_of(table)
    assert list(row)[: len(start)] == start
    assert row['score_mean'] == '0.5'
    assert len(set(row)) == len(table.splitlines()[0].split(','))  # no column twice
    assert 'n_mean' not in row


def test_the_best_arm_is_bold(summary):
    assert '| **better** | 3 | **0.6100** |' in as_markdown(summary)
    assert r'\textbf{better} & 3 & \textbf{0.6100 $\pm$ 0.0100} & $+0.0933$ [$' in as_latex(summary)
    lower = summarize('x', ARMS, 'base', RESULTS, higher_is_better=False)
    assert r'\textbf{dropped} & 3 & \textbf{0.3500 $\pm$ 0.0000}' in as_latex(lower)
    assert as_latex(lower).count('textbf') == 2


@pytest.mark.parametrize('write', ALL)
def test_there_is_a_table_of_nothing(write):
    assert 'base' in write(summarize('x', ARMS, 'base', []))
    assert 'only' in write(summarize('x', [Arm('only', {})], 'only', [done('only', 0.5)]))
    row = ArmSummary(Arm('by hand', {}), 0, {}, {}, math.nan, None, None)
    assert 'by hand' in write(Summary('x', 'by hand', 'score', [row], []))


def test_odd_names_come_back_from_the_csv():
    assert sorted(row['arm'] for row in rows_of(as_csv(odd_names()))) == sorted(NAMES)


def test_odd_names_break_no_line_of_markdown():
    lines = [line for line in as_markdown(odd_names()).split('\n\n')[1].splitlines() if line.startswith('|')]
    assert len(lines) == 2 + len(NAMES)
    assert {len(re.findall(r'(?<!\\)\|', line)) for line in lines} == {lines[1].count('|')}


def test_escaping():
    assert markdown('a|b_c*<d>&\n`e`') == r'a\|b\_c\*&lt;d&gt;&amp; \`e\`'
    assert latex('50 % of a_b & {c} #1 $x^2~\\') == (
        r'50 \% of a\_b \& \{c\} \#1 \$x\textasciicircum{}2\textasciitilde{}\textbackslash{}'
    )
    assert latex('<a>--"[b]"\n') == r"\textless{}a\textgreater{}{-}{-}{''}{[}b]{''}"
    assert latex('Grün 日\x07') == 'Grün U+65E5U+0007'


@pytest.mark.skipif(shutil.which('pdflatex') is None, reason='needs pdflatex and booktabs')
def test_latex_sets_it(summary, tmp_path):
    every_letter = ''.join(map(chr, range(32, 0x250)))
    document = [r'\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}']
    tables = [as_latex(summary), as_latex(odd_names()), as_latex(summarize('x', ARMS, 'base', []))]
    document += [rf'\resizebox{{\textwidth}}{{!}}{{{table}}}' for table in tables]
    document += [latex(every_letter), r'\end{document}']
    (tmp_path / 'x.tex').write_text('\n\n'.join(document), encoding='utf-8')
    command = ['pdflatex', '-halt-on-error', '-interaction=nonstopmode', 'x.tex']
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding='latin-1', timeout=60)
    assert result.returncode == 0, result.stdout[-2000:]
    assert 'Missing character' not in result.stdout


def test_three_files_are_written_in_one_move_each(summary, tmp_path):
    (tmp_path / 'table.csv').write_text('an older one')
    write_tables(tmp_path, summary)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['table.csv', 'table.md', 'table.tex']
    assert (tmp_path / 'table.csv').read_text(encoding='utf-8') == as_csv(summary)
    assert (tmp_path / 'table.md').read_text(encoding='utf-8') == as_markdown(summary)
    assert (tmp_path / 'table.tex').read_text(encoding='utf-8') == as_latex(summary)
