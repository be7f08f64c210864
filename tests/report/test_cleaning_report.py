"""The report on a cleaned data set, in a browser without a network: looked at, corrected, downloaded."""

import io
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tests.report.conftest import check_opened
from tests.support import scene
from toolbox.cleaning.cleaned_images import CleanedImages
from toolbox.data.clean_csv import Row, read_clean_csv, write_clean_csv
from toolbox.report.cleaning import write_cleaning_report
from toolbox.system.words import counted, in_words

NASTY = 'a </script><script>alert("x, y")</script>.jpg'


def thumbnail(seed: int) -> bytes:
    content = io.BytesIO()
    Image.fromarray(scene(seed, 40, 64)).save(content, 'WEBP')
    return content.getvalue()


def cleaned(num_images: int) -> CleanedImages:
    """A grid of kept images in two clusters, an outlier, a duplicate, a tiny file, and one that is no image."""
    rows = [Row(f'photos/{number:05d}.jpg', number % 2, 0.1, True, '', None) for number in range(num_images)]
    kinds = ['kept'] * num_images
    rows[0] = Row(NASTY, 0, 0.1, True, '', 7)
    special = {
        1: (Row('outlier.jpg', -1, 0.9, False, 'noise: far from all other images', None), 'outlier'),
        2: (Row('copy, of 0.jpg', 0, 0.1, False, f'duplicate of {NASTY}', 7), 'duplicate'),
        3: (Row('tiny.jpg', None, None, False, 'tiny: 8x8 px', None), 'file'),
        4: (Row('broken.jpg', None, None, False, 'unreadable: truncated', None), 'unreadable'),
    }
    for index, (row, kind) in special.items():
        rows[index], kinds[index] = row, kind
    positions = np.stack([np.arange(num_images) % 200, np.arange(num_images) // 200], axis=1).astype(float)
    positions[[2, 3, 4]] = np.nan
    picture = thumbnail(1)
    thumbnails = {index: picture for index in range(num_images) if index != 4}
    return CleanedImages(rows, kinds, thumbnails, positions, ['a note'], {'seed': '42'}, {'files': 1.5})


def downloaded(folder: Path) -> Path:
    """The csv once it is whole: Chromium reserves the name with an empty file, and renames the finished one to it."""
    file = folder / 'clean.csv'
    for _ in range(100):
        if file.is_file() and file.stat().st_size > 0:
            return file
        time.sleep(0.1)
    raise AssertionError(f'nothing was downloaded: {list(folder.glob("*"))}')


def center(browser, element):
    """Scroll so that nothing covers the element, not even the bar at the foot; what was opened above may still grow."""
    browser.execute_async_script(
        """
        const [element, done] = arguments;
        let before = null;
        (function settle() {
            element.scrollIntoView({block: "center", behavior: "instant"});
            const place = element.getBoundingClientRect().top;
            if (place === before) return done();
            before = place;
            setTimeout(() => requestAnimationFrame(settle), 100);
        })();
        """,
        element,
    )
    return element


def test_a_keep_is_ticked_and_the_csv_downloaded(tmp_path, browser):
    shown = cleaned(40)
    write_cleaning_report(tmp_path / 'report.html', 'Cleaning of <photos>', shown)
    write_clean_csv(tmp_path / 'clean.csv', shown.rows)
    check_opened(browser, tmp_path / 'report.html')
    assert browser.title == 'Cleaning of <photos>'
    state = browser.find_element('id', 'state')
    assert state.text == '36 of 40 are kept'

    browser.find_element('id', 'download').click()
    untouched = downloaded(tmp_path / 'downloads')
    assert untouched.read_bytes() == (tmp_path / 'clean.csv').read_bytes()
    untouched.unlink()

    tiles = browser.find_elements('css selector', '[data-show=outliers] .tile')
    assert [tile.get_attribute('title') for tile in tiles] == ['outlier.jpg']
    tiles[0].find_element('css selector', 'input').click()
    assert state.text == '37 of 40 are kept, 1 changed by hand'
    browser.find_element('id', 'download').click()
    edited = read_clean_csv(downloaded(tmp_path / 'downloads'))
    assert edited.pop('outlier.jpg') == Row('outlier.jpg', -1, 0.9, True, 'kept by hand', None)
    assert list(edited.values()) == [row for row in shown.rows if row.image != 'outlier.jpg']

    assert browser.get_log('browser') == []


def test_ticks_survive_a_reload_and_can_be_undone(tmp_path, browser):
    write_cleaning_report(tmp_path / 'report.html', 'photos', cleaned(40))
    other = cleaned(40)
    other.rows[7] = Row('another.jpg', 1, 0.1, True, '', None)
    write_cleaning_report(tmp_path / 'other.html', 'photos', other)
    browser.get((tmp_path / 'report.html').as_uri())

    def state() -> str:
        return browser.find_element('id', 'state').text

    browser.find_element('css selector', '[data-show=outliers] input').click()
    browser.refresh()
    assert state() == '37 of 40 are kept, 1 changed by hand'
    assert browser.find_element('css selector', '[data-show=outliers] input').is_selected()
    browser.get((tmp_path / 'other.html').as_uri())  # of another run, in the same store of the browser
    assert state() == '36 of 40 are kept'
    browser.get((tmp_path / 'report.html').as_uri())
    browser.find_element('id', 'undo').click()
    assert state() == '36 of 40 are kept'
    assert not browser.find_element('id', 'undo').is_displayed()
    browser.refresh()
    assert state() == '36 of 40 are kept'


def test_the_map_is_reached_by_the_keyboard_and_has_a_legend(tmp_path, browser):
    from selenium.webdriver.common.keys import Keys  # the browser is there, so this is

    write_cleaning_report(tmp_path / 'report.html', 'photos', cleaned(40))
    browser.get((tmp_path / 'report.html').as_uri())
    entries = [entry.text.split() for entry in browser.find_elements('css selector', '#legend button')]
    assert entries == [['cluster', '0', '18'], ['cluster', '1', '18'], ['noise', '1'], ['dropped', '1']]
    canvas, said = browser.find_element('css selector', '#map canvas'), browser.find_element('id', 'said')
    canvas.send_keys(Keys.ARROW_RIGHT)
    start = said.text
    assert start.startswith('photos/000')
    canvas.send_keys(Keys.ARROW_RIGHT)
    assert said.text != start
    canvas.send_keys(Keys.ARROW_LEFT)
    assert said.text == start
    canvas.send_keys(Keys.ENTER)
    assert said.text.endswith('score 0.100 · dropped by hand')
    assert '1 changed by hand' in browser.find_element('id', 'state').text
    canvas.send_keys('+', Keys.ESCAPE)
    assert said.text == ''
    button = browser.find_element('css selector', '#legend button')
    button.send_keys(Keys.ENTER)
    assert button.get_attribute('aria-pressed') == 'true'
    assert browser.get_log('browser') == []


def test_settings_and_counts_are_in_words(tmp_path):
    one = CleanedImages(
        [Row('a.jpg', 0, 0.1, True, '', None)], ['kept'], {}, np.zeros((1, 2)), settings={'reducer': 'UMAP (seed 1)'}
    )
    write_cleaning_report(tmp_path / 'report.html', 'photos', one)
    text = (tmp_path / 'report.html').read_text(encoding='utf-8')
    assert '1 of 1 file stays' in text
    assert 'Cluster 0: 1 image<' in text
    assert in_words({'type': 'UMAP', 'n_components': 2, 'seeds': [1, 2], 'own': None, 'on': True}) == (
        'UMAP (n_components 2, seeds 1, 2, own none, on yes)'
    )
    assert in_words({'min_side': 64, 'drop': []}) == 'min_side 64, drop none'
    assert counted(1200, 'photo') == '1,200 photos'


def test_galleries_open_and_the_map_shows_what_is_under_the_pointer(tmp_path, browser):
    write_cleaning_report(tmp_path / 'report.html', 'photos', cleaned(400))
    browser.get((tmp_path / 'report.html').as_uri())
    from selenium.webdriver.common.action_chains import ActionChains  # the browser is there, so this is

    for summary in browser.find_elements('css selector', 'summary'):
        center(browser, summary).click()
    cluster = '[data-show="cluster 0"]'
    assert len(browser.find_elements('css selector', f'{cluster} .tile')) == 60
    center(browser, browser.find_element('css selector', f'{cluster} + button.more')).click()
    assert len(browser.find_elements('css selector', f'{cluster} .tile')) == 120
    assert len(browser.find_elements('css selector', '#groups .tile')) == 2
    assert 'truncated' in browser.find_element('tag name', 'main').text
    widths = browser.execute_script(
        "return [...document.querySelectorAll('[data-show=files] img')].map(image => image.naturalWidth)"
    )
    assert widths == [64]

    canvas = browser.find_element('css selector', '#map canvas')
    assert browser.execute_script(
        'const [canvas] = arguments;'
        "const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
        'return pixels.data.some(value => value > 0)',
        canvas,
    )
    center(browser, canvas)
    corner = {'xoffset': 17 - canvas.size['width'] // 2, 'yoffset': canvas.size['height'] // 2 - 17}
    ActionChains(browser).move_to_element_with_offset(canvas, **corner).perform()
    hover = browser.find_element('id', 'hover')
    assert hover.is_displayed()
    assert hover.text.startswith(NASTY)
    ActionChains(browser).click().perform()
    assert '1 changed by hand' in browser.find_element('id', 'state').text
    assert browser.get_log('browser') == []


def test_the_page_stays_usable_with_thirty_thousand_images(tmp_path, browser):
    page = tmp_path / 'report.html'
    write_cleaning_report(page, 'photos', cleaned(30_000))
    assert page.stat().st_size < 100e6
    browser.get(page.as_uri())
    assert browser.find_element('id', 'state').text == '29,996 of 30,000 are kept'
    assert len(browser.find_elements('css selector', '.tile')) < 200
    browser.find_element('css selector', '[data-show=outliers] input').click()
    assert '1 changed by hand' in browser.find_element('id', 'state').text
