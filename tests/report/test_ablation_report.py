"""The ablation's report: what it says, that no name can act in it, and the page in a browser without a network."""

import dataclasses
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.report.conftest import check_opened
from tests.support import scene
from toolbox.experiment.results import Arm, ArmSummary, Comparison, Costs, MainEffect, Summary, TrialResult
from toolbox.report.ablation import RestoredPhoto, write_ablation_report

NASTY = '<script>alert("x")</script>&\'"'
T_95 = {2: 12.706, 3: 4.303}  # Student's t for an interval over so many pairs
EFFECTS = (0.0, 0.021, 0.013, 0.006, 0.001, -0.012)
NAMES = ('baseline', 'attention=se', 'losses=ssim + edges', 'attention=cbam', 'fill=one_stage', 'encoder=tiny')
FACTS = {'data': '96 photographs', 'seeds': '0, 1, 2', 'command': 'python tools/ablate.py example'}
NAN = math.nan


def trials(arm: int, name: str, seeds: int = 3, epochs: int = 12) -> list[TrialResult]:
    """Trainings of an arm, of plausible courses."""
    found = []
    for seed in range(seeds):
        rng, shared = np.random.default_rng((arm, seed)), np.random.default_rng(seed)
        last = 0.6 + shared.normal(0, 0.006) + EFFECTS[arm % len(EFFECTS)] + rng.normal(0, 0.0018)
        course = (
            last - 0.22 * np.exp(-np.arange(epochs + 1) / (2.5 + 0.3 * (arm % 5))) + rng.normal(0, 0.002, epochs + 1)
        )
        values = [
            {'step': 50 * epoch, 'epoch': epoch, 'score': value, 'ssim': value + 0.2, 'masked_ssim': value - 0.1}
            for epoch, value in enumerate(course.tolist())
        ]
        best = {
            key: value
            for key, value in max(values, key=lambda row: row['score']).items()
            if key not in ('step', 'epoch')
        }
        costs = Costs(
            int(2.4e7 + 9e5 * arm), 88.5 - 4 * arm, 5100 + 200 * arm, 21.5 + 1.1 * arm + seed / 3, 21.5 + 1.1 * arm
        )
        folder = Path(f'trials/{arm}-{seed}')
        found.append(
            TrialResult(name, seed, 0, 'done', '', best, values[0], curve=values[1:], costs=costs, folder=folder)
        )
    return found


def row(name: str, results: Sequence[TrialResult], base: Sequence[TrialResult]) -> ArmSummary:
    """What trainings of an arm say together, and against those of the baseline."""
    if not results:
        return ArmSummary(Arm(name, {}), 0, {}, {}, NAN, None, None, ('failed (3 of 3): ValueError: loss is NaN',))
    metrics = results[0].metrics
    values = {metric: np.array([result.metrics[metric] for result in results]) for metric in metrics}
    n = len(results)
    std = {metric: float(value.std(ddof=1)) if n > 1 else NAN for metric, value in values.items()}
    mean = {metric: float(value.mean()) for metric, value in values.items()}
    difference = None
    if results is not base:
        pairs = values['score'] - [result.metrics['score'] for result in base]
        center, half = float(pairs.mean()), T_95[n] * float(pairs.std(ddof=1)) / n**0.5 if n > 1 else NAN
        p = (0.004 if abs(center) > half else 0.31) if n > 1 else None
        difference = Comparison(n, center, center - half, center + half, p, p and min(1.0, 3 * p))
    untrained = float(np.mean([result.untrained['score'] for result in results]))
    return ArmSummary(Arm(name, {}), n, mean, std, untrained, difference, results[-1].costs)


def experiment(names: Sequence[str] = NAMES, seeds: int = 3) -> tuple[Summary, list[TrialResult]]:
    """Several arms, the first one the baseline, in an order as the table's."""
    by_arm = {name: trials(number, name, seeds) for number, name in enumerate(names)}
    base = by_arm[names[0]]
    rows = [row(name, results, base) for name, results in by_arm.items()]
    rows[1:] = sorted(rows[1:], key=lambda each: -each.mean['score'])
    differences = {each.arm.name: each.difference for each in rows[1:]}
    effects = [MainEffect(*name.partition('=')[::2], 'none', difference) for name, difference in differences.items()]
    effects = sorted(effects, key=lambda effect: effect.axis)
    return Summary('Which parts help', names[0], 'score', rows, effects), [r for own in by_arm.values() for r in own]


def photo(names: Sequence[str], name: str = 'photo') -> RestoredPhoto:
    truth = scene(1)
    return RestoredPhoto(name, truth[..., 0], truth, dict.fromkeys(names, 255 - truth))


def written(folder: Path, summary: Summary, results: Sequence[TrialResult], **more) -> str:
    file = folder / 'report.html'
    write_ablation_report(file, summary, results, more.get('facts', FACTS), more.get('photos', ()))
    return file.read_text(encoding='utf-8')


def lead(text: str) -> str:
    return re.search('<p class="lead">(.*?)</p>', text)[1].replace('\N{NO-BREAK SPACE}', ' ').replace('&#x27;', "'")


def changed(summary: Summary, **by_arm: dict) -> Summary:
    """Rows with other values, by the arm's name."""
    rows = [dataclasses.replace(each, **by_arm.get(each.arm.name, {})) for each in summary.rows]
    return dataclasses.replace(summary, rows=rows)


def failed_trial(name: str, seed: int = 0) -> TrialResult:
    return TrialResult(name, seed, 0, 'failed', 'ValueError: loss is NaN', folder=Path(f'trials/{name}-{seed}'))


def test_sections_come_in_order(tmp_path):
    summary, results = experiment()
    summary = dataclasses.replace(summary, warnings=('means over 3 pairs',))
    text = written(tmp_path, summary, results, photos=[photo(NAMES)])
    expected = ['What limits this', 'What was compared', 'Arms', 'Differences to the baseline', 'Learning curves']
    assert re.findall('<h2>(.*?)</h2>', text) == [*expected, 'Costs', 'The same photographs', 'Trainings']
    for part in ('means over 3 pairs', 'python tools/ablate.py example', '18 of 18', '24.90 M', '± 0.0018', '0-2'):
        assert part in text
    captions = re.findall('<figcaption>(.*?)</figcaption>', text)
    assert captions == ['input', 'truth', *(each.arm.name for each in summary.rows)]


def test_the_lead_names_the_winner_and_how_sure_it_is(tmp_path):
    summary, results = experiment()
    told = lead(written(tmp_path, summary, results))
    assert told.startswith('Best: attention=se, +0.0209 score over the baseline [+0.0192, +0.0226], p = 0.012 after')
    assert 'over 3 pairs of trainings' in told
    assert told.endswith('gives as well: losses=ssim + edges.')


def test_the_lead_says_when_there_is_no_winner(tmp_path):
    summary, results = experiment(('plain', 'other'))
    small = Comparison(3, 0.004, -0.003, 0.011, 0.2, 0.4)
    told = lead(written(tmp_path, changed(summary, other={'difference': small}), results))
    assert told.startswith('No arm is better than the baseline plain beyond what chance gives. Closest: other, +0.0040')
    worse = Comparison(3, -0.004, -0.006, -0.002, 0.01, 0.02)
    told = lead(written(tmp_path, changed(summary, other={'difference': worse}), results))
    assert told == 'No arm is better than the baseline plain beyond what chance gives.'
    images = Comparison(40, 0.004, 0.001, 0.006, basis='images')
    told = lead(written(tmp_path, changed(summary, other={'difference': images}), results))
    assert told.startswith('other is better on these images, +0.0040')
    assert 'over 40 images of one pair' in told


def test_a_better_mean_that_may_be_chance_does_not_win(tmp_path):
    summary, results = experiment(('baseline', 'lucky', 'sure'))
    lucky, sure = Comparison(2, 0.03, -0.02, 0.08, 0.3, 0.6), Comparison(3, 0.02, 0.01, 0.03, 0.0002, 0.0004)
    told = lead(written(tmp_path, changed(summary, lucky={'difference': lucky}, sure={'difference': sure}), results))
    assert told.startswith('Best: sure, +0.0200')
    assert 'p < 0.001' in told.replace('&lt;', '<')
    assert 'lucky has a better mean, but that may be chance' in told


def test_an_arm_that_learned_nothing_does_not_win(tmp_path):
    summary, results = experiment(('baseline', 'worse than untrained', 'sure'))
    summary = dataclasses.replace(summary, main_effects=())
    lucky, sure = Comparison(3, 0.03, 0.02, 0.04, 0.0001, 0.0002), Comparison(3, 0.02, 0.01, 0.03, 0.0002, 0.0004)
    marked = {'worse than untrained': {'difference': lucky, 'learned': False}, 'sure': {'difference': sure}}
    text = written(tmp_path, changed(summary, **marked), results)
    assert lead(text).startswith('Best: sure, +0.0200')
    assert 'worse than untrained, which is no better than untrained, does not count' in lead(text)
    assert text.count('class="row better"') == 1
    marked['sure'] = {'difference': Comparison(3, -0.02, -0.03, -0.01, 0.0002, 0.0004), 'learned': False}
    told = lead(written(tmp_path, changed(summary, **marked), results))
    assert told == 'No arm is better than the baseline: after training none scores better than before it.'


def test_a_few_photographs_name_no_winner(tmp_path):
    summary, results = experiment(('baseline', 'lucky'))
    summary = dataclasses.replace(summary, main_effects=())
    few = Comparison(3, 0.03, NAN, NAN, images=2)
    text = written(tmp_path, changed(summary, lucky={'difference': few}), results)
    assert lead(text).startswith('2 photographs cannot say which arm is better. Best mean: lucky, +0.0300')
    assert 'row better' not in text
    assert 'p = ' not in lead(text)


def test_failed_arms_stay_visible_with_their_reason(tmp_path):
    summary, results = experiment()
    summary = dataclasses.replace(summary, rows=[*summary.rows, row('broken', [], [])])
    text = written(tmp_path, summary, [*results, failed_trial('broken')], photos=[photo(NAMES)])
    assert 'failed (3 of 3): ValueError: loss is NaN' in text
    assert 'Without a comparison: broken.' in text
    assert 'Without pictures: broken.' in text
    assert '18 of 19' in text


def all_failed() -> tuple[Summary, list[TrialResult]]:
    rows = [row(name, [], []) for name in NAMES[:3]]
    return Summary('All failed', NAMES[0], 'score', rows, ()), [failed_trial(name) for name in NAMES[:3]]


def nothing_ran() -> tuple[Summary, list[TrialResult]]:
    rows = [ArmSummary(Arm(name, {}), 0, {}, {}, NAN, None, None) for name in NAMES[:2]]
    return Summary('Waiting', NAMES[0], 'score', rows, ()), [TrialResult(NAMES[0], 0, 0, 'waiting')]


def baseline_failed() -> tuple[Summary, list[TrialResult]]:
    summary, results = experiment(NAMES[:3])
    rows = [row(NAMES[0], [], []), *(dataclasses.replace(each, difference=None) for each in summary.rows[1:])]
    kept = [result for result in results if result.arm != NAMES[0]]
    return dataclasses.replace(summary, rows=rows, main_effects=()), [failed_trial(NAMES[0]), *kept]


def dropped_early() -> tuple[Summary, list[TrialResult]]:
    summary, results = experiment(NAMES[:3])
    results = [
        dataclasses.replace(result, state='dropped', reason='halving, epoch 1', curve=result.curve[:1])
        if result.arm == NAMES[1]
        else result
        for result in results
    ]
    return summary, results


def unknown_numbers() -> tuple[Summary, list[TrialResult]]:
    summary, results = experiment(NAMES[:2])
    nothing = Costs(0, NAN, NAN, NAN, 0)
    rows = [dataclasses.replace(each, mean={'score': NAN}, costs=nothing) for each in summary.rows]
    broken = [
        dataclasses.replace(result, costs=nothing, metrics={'score': NAN}, curve=[{'step': 3}]) for result in results
    ]
    effect = MainEffect('attention', 'se', 'none', Comparison(1, NAN, NAN, NAN))
    return dataclasses.replace(summary, rows=rows, main_effects=[effect]), broken


def zero_costs() -> tuple[Summary, list[TrialResult]]:
    summary, results = experiment(NAMES[:3])
    rows = [dataclasses.replace(each, costs=Costs(0, 0.0, 0.0, 0.0, 0.0), mean={'score': 0.0}) for each in summary.rows]
    return dataclasses.replace(summary, rows=rows), results


def unknown_costs() -> tuple[Summary, list[TrialResult]]:
    summary, results = experiment(NAMES[:3])
    rows = [dataclasses.replace(each, costs=Costs(10**7, NAN, NAN, NAN, NAN)) for each in summary.rows]
    results = [dataclasses.replace(result, costs=rows[0].costs) for result in results]
    return dataclasses.replace(summary, rows=rows), results


DEGENERATE = {
    'all failed': (all_failed, 'No arm has a result: all 3 trainings failed.'),
    'nothing ran': (nothing_ran, 'No arm has a result yet.'),
    'the baseline failed': (baseline_failed, 'Nothing can be compared with the baseline: it has no result'),
    'one arm': (lambda: experiment(NAMES[:1]), 'There is no other arm to compare it with.'),
    'one trial each': (lambda: experiment(NAMES[:3], 1), 'No arm is better than the baseline'),
    'one trial': (lambda: experiment(NAMES[:1], 1), 'baseline: score 0.'),
    'dropped early': (dropped_early, 'Best: attention=se'),
    'unknown numbers': (unknown_numbers, 'No arm has a result yet.'),
    'zero costs': (zero_costs, 'Best: attention=se'),
    'unknown costs': (unknown_costs, 'Best: attention=se'),
    'many arms': (lambda: experiment([f'{name} {number}' for number in range(5) for name in NAMES]), 'Best: '),
    'long names': (lambda: experiment([f'{number}{"long" * 60}' for number in range(6)]), 'Best: 1long'),
}


def test_degenerate_experiments_render(tmp_path, browser):
    for name, (make, expected) in DEGENERATE.items():
        summary, results = make()
        assert expected in lead(written(tmp_path, summary, results, facts={})), name
        check_opened(browser, (tmp_path / 'report.html').rename(tmp_path / f'{name}.html'))


def test_missing_pictures_render(tmp_path, browser):
    summary, results = experiment(NAMES[:3])
    photos = [RestoredPhoto('none at all'), RestoredPhoto('one', outputs={NAMES[1]: scene(2)})]
    text = written(tmp_path, summary, results, photos=photos)
    assert text.count('>no picture</div>') == 5
    assert f'Without pictures: {NAMES[0]}, {NAMES[2]}.' in text
    check_opened(browser, tmp_path / 'report.html')


def test_no_name_acts(tmp_path, browser):
    names = [f'{NASTY} {number}' for number in range(3)]
    summary, results = experiment(names)
    effect = MainEffect(NASTY, NASTY, NASTY, summary.rows[1].difference)
    rows = [dataclasses.replace(each, notes=(NASTY,)) for each in summary.rows]
    summary = dataclasses.replace(summary, title=NASTY, rows=rows, main_effects=[effect], warnings=(NASTY,))
    results = [dataclasses.replace(result, reason=NASTY, folder=Path('trials') / 'a"><b>') for result in results]
    text = written(tmp_path, summary, results, facts={NASTY: NASTY}, photos=[photo(names, NASTY)])
    assert '<script>alert' not in text
    assert text.count('<script') == 1
    check_opened(browser, tmp_path / 'report.html')
    assert browser.title == NASTY
    shown = browser.execute_script(
        "return [...document.querySelectorAll('.arms strong')].map(name => name.textContent)"
    )
    assert shown == [each.arm.name for each in summary.rows]


def test_the_page_sorts_and_brings_out_an_arm(tmp_path, browser):
    from selenium.webdriver.common.action_chains import ActionChains  # the browser is there, so this is

    summary, results = experiment()
    summary = dataclasses.replace(summary, rows=[*summary.rows, row('broken', [], [])])
    written(tmp_path, summary, results, photos=[photo(NAMES)])
    check_opened(browser, tmp_path / 'report.html')

    def arms() -> list[str]:
        return browser.execute_script(
            "return [...document.querySelectorAll('.arms strong')].map(name => name.textContent)"
        )

    head = browser.find_elements('css selector', '.arms th button')[3]
    for ascending in (True, False):
        browser.execute_script('arguments[0].click()', head)
        ranked = sorted(summary.rows[1:-1], key=lambda each: each.difference.mean, reverse=not ascending)
        assert arms() == [*(each.arm.name for each in ranked), 'baseline', 'broken']  # what is missing stays last

    name = browser.find_element('css selector', '.names li[data-name="attention=se"]')
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", name)
    ActionChains(browser).move_to_element(name).perform()
    chosen = browser.execute_script("return [...document.querySelectorAll('.chosen')].map(part => part.dataset.name)")
    assert set(chosen) == {'attention=se'}
    assert len(chosen) == 8  # a line and a name in both drawings of curves, and two points in two sizes each


def test_a_curve_is_the_mean_over_the_trainings_of_an_arm(tmp_path):
    results = trials(0, 'baseline', epochs=4)
    results[2] = dataclasses.replace(results[2], curve=results[2].curve[:3])
    results.append(failed_trial('baseline', 3))
    summary = Summary('One', 'baseline', 'score', [row('baseline', results[:3], results[:3])], ())
    text = written(tmp_path, summary, results)
    mean = np.mean([result.curve[2]['score'] for result in results[:3]])
    assert f'<title>baseline: {mean:.4f} at epoch 3, 3 trainings</title>' in text
