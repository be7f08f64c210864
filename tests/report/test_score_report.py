"""The score's report: its files, and the page in a browser without a network."""

import csv

import numpy as np
import pytest

from tests.report.conftest import check_opened, show
from tests.support import scene
from toolbox.report.score import write_score_report
from toolbox.scoring.entry import Pictures, ScoreEntry

COLUMNS = ('score', 'ssim', 'masked_ssim', 'hue_similarity')


def make_entry(name: str, number: int = 20, quality: float = 0.6, notes: tuple[str, ...] = ()) -> ScoreEntry:
    """Random rows, and pictures with a hole in their middle."""
    rng = np.random.default_rng(len(name))
    rows = {}
    for index in range(number):
        row = dict(zip(COLUMNS, rng.uniform(quality - 0.3, quality + 0.3, 4).tolist(), strict=True))
        rows[f'photo {index} <b>'] = {**row, 'notes': notes if index == 0 else ()}

    def pictures(image: str) -> Pictures:
        truth = scene(int(image.split()[1]))
        hole = np.zeros(truth.shape[:2], np.uint8)
        hole[10:30, 15:40] = 1
        return Pictures(truth[..., 0], 255 - truth, truth, hole)

    return ScoreEntry(name, rows, pictures)


def test_the_table_of_all_images(tmp_path):
    entries = [make_entry('a.zip', notes=('no hole', 'constant prediction')), make_entry('bb.zip')]
    page = write_score_report(tmp_path / 'new' / 'folder', entries)
    assert page == tmp_path / 'new' / 'folder' / 'report.html'
    rows = list(csv.DictReader((page.parent / 'per_image.csv').open(encoding='utf-8')))
    assert [(row['entry'], row['image']) for row in rows] == [(e.name, image) for e in entries for image in e.rows]
    assert [float(row['score']) for row in rows[:20]] == entries[0].values('score').tolist()
    assert rows[0]['notes'] == 'no hole; constant prediction'


def test_one_entry_is_told_with_its_uncertainty(tmp_path):
    text = write_score_report(tmp_path, [make_entry('a.zip')], about='About & more').read_text(encoding='utf-8')
    for part in (
        'Score of a.zip',
        'About &amp; more',
        '95 % interval',
        'is noise on 20 images',
        'Worst and best images',
    ):
        assert part in text
    assert 'Paired comparison' not in text
    assert 'Edge cases' not in text


def test_several_entries_are_compared_in_pairs(tmp_path):
    entries = [
        make_entry('weak', quality=0.3),
        make_entry('strong', quality=0.7),
        make_entry('strong too', quality=0.7),
    ]
    text = write_score_report(tmp_path, entries).read_text(encoding='utf-8')
    assert text.index('strong') < text.index('weak')
    assert 'a real difference' in text
    assert 'not to be told apart' in text


def test_few_images_are_told_apart_by_no_interval_and_no_verdict(tmp_path):
    entries = [make_entry('weak', 19, quality=0.3), make_entry('strong', 19, quality=0.7)]
    text = write_score_report(tmp_path, entries).read_text(encoding='utf-8')
    assert 'too few images: at least 20' in text
    for words in ('a real difference', 'not to be told apart', 'Public and private', '>nan', 'nan,'):
        assert words not in text
    text = write_score_report(tmp_path, entries[:1]).read_text(encoding='utf-8')
    assert 'none under 20 images' in text


def test_edge_rules_are_reported(tmp_path):
    text = write_score_report(tmp_path, [make_entry('a', notes=('no hole',))]).read_text(encoding='utf-8')
    assert 'Edge cases' in text


@pytest.mark.parametrize('number', [1, 2, 3, 11, 12, 13])
def test_few_images_are_shown_once_each(tmp_path, number):
    text = write_score_report(tmp_path, [make_entry('a', number=number)]).read_text(encoding='utf-8')
    assert text.count('<figcaption>error map') == min(number, 12)


def test_what_cannot_be_compared_is_refused(tmp_path):
    with pytest.raises(ValueError, match='at least one'):
        write_score_report(tmp_path, [])
    with pytest.raises(ValueError, match="called 'a'"):
        write_score_report(tmp_path, [make_entry('a'), make_entry('a')])
    with pytest.raises(ValueError, match='same images'):
        write_score_report(tmp_path, [make_entry('a'), make_entry('b', number=5)])


def test_the_page_opens_without_a_network_and_sorts_by_a_click(tmp_path, browser):
    entry = make_entry('a.zip')
    baselines = {'gray as it came': make_entry('gray', quality=0.4).rows}
    how, config = (
        {'date': '2026-11-27', 'version': '0.1.0', 'checkpoint': f'/{"long/" * 60}best.pth'},
        "a = dict(type='b')",
    )
    page = write_score_report(tmp_path, [entry], baselines=baselines, how=how, config=config)
    check_opened(browser, page)
    assert browser.title == 'Score of a.zip'
    pictures = browser.execute_script('return [...document.images].map(image => image.naturalWidth)')
    assert pictures == [48] * 48

    def shown(column: int) -> list[str]:
        cells = f'table.sortable tbody td:nth-child({column + 1})'
        return browser.execute_script(f"return [...document.querySelectorAll('{cells}')].map(td => td.textContent)")

    def click(column: int) -> str:
        heads = browser.find_elements('css selector', 'table.sortable th')
        heads[column].find_element('css selector', 'button').click()
        return heads[column].get_attribute('aria-sort')

    assert shown(0) == list(entry.rows)
    scores = [f'{value:.4f}' for value in np.sort(entry.values('score'))]
    assert click(1) == 'ascending'
    assert shown(1) == scores
    assert click(1) == 'descending'
    assert shown(1) == scores[::-1]
    assert click(0) == 'ascending'
    assert shown(0) == list(entry.rows)  # numbers inside names count as numbers


def test_the_page_says_what_was_scored_with_what_and_held_against_what(tmp_path):
    how = {'date': '2026-11-27 10:00 UTC', 'version': 'Huefill 0.1.0'}
    baselines = {'gray as it came': make_entry('gray', quality=0.4).rows, 'better': make_entry('b', quality=0.9).rows}
    page = write_score_report(tmp_path, [make_entry('a')], baselines=baselines, how=how, config='optimizer = 1')
    text = page.read_text(encoding='utf-8')
    for part in ('2026-11-27 10:00 UTC', 'Huefill 0.1.0', 'optimizer = 1', '>gray as it came<'):
        assert part in text
    assert '<p class="warning">a scores less than better, which needs no training.</p>' in text
    assert 'How it came about' not in write_score_report(tmp_path, [make_entry('a')]).read_text(encoding='utf-8')


def test_no_input_is_invented(tmp_path):
    entry = make_entry('a', number=2)
    given = entry.pictures
    entry.pictures = lambda image: given(image)._replace(input=None)
    text = write_score_report(tmp_path, [entry]).read_text(encoding='utf-8')
    assert '<figcaption>output' in text
    assert '<figcaption>input' not in text


def test_one_image_is_no_images(tmp_path):
    text = write_score_report(tmp_path, [make_entry('a', number=1)]).read_text(encoding='utf-8')
    assert 'mean over 1 image.' in text
    assert '>1 image. Click' in text


def test_a_picture_opens_large_and_is_compared_by_a_slider_from_the_keyboard(tmp_path, browser):
    from selenium.webdriver.common.keys import Keys  # the browser is there, so this is

    browser.get(write_score_report(tmp_path, [make_entry('a', number=4)]).as_uri())
    show(browser, 390, 'dark')
    button = browser.find_element('css selector', '.open')
    button.send_keys(Keys.ENTER)
    viewer = browser.find_element('css selector', 'dialog[open]')
    chosen = "return [...arguments[0].querySelectorAll('select')].map(select => select.selectedOptions[0].text)"
    assert browser.execute_script(chosen, viewer) == ['input', 'truth']
    slider = browser.switch_to.active_element
    assert slider.get_attribute('type') == 'range'
    slider.send_keys(Keys.HOME, Keys.ARROW_RIGHT)
    assert browser.execute_script("return arguments[0].querySelector('.over').src", viewer).startswith(
        'data:image/jpeg'
    )
    assert (
        browser.execute_script("return getComputedStyle(arguments[0].querySelector('.over')).clipPath", viewer)
        == 'inset(0px 0px 0px 0.5%)'
    )
    first = viewer.find_element('css selector', '.top strong').text
    viewer.find_element('css selector', '.steps button:last-child').click()
    assert viewer.find_element('css selector', '.top strong').text != first
    assert browser.execute_script('return document.documentElement.scrollWidth') <= 390
    slider.send_keys(Keys.ESCAPE)
    assert browser.find_elements('css selector', 'dialog[open]') == []
