"""The page in a real browser, from a dropped photograph to its download."""

import base64
import io
import json
import time

import numpy as np
import pytest
from PIL import Image

from tests.browser import CONTRASTS, show
from tests.hostile import png_header
from tests.infer.support import damaged_scene
from toolbox.images.io import write_png
from tools import infer

# Parts that a person can use and that have no name for those who hear the page; and pictures without words.
_NAMELESS = """
const named = node => (node.ariaLabel || node.title || node.alt || node.textContent.trim()
  || [...(node.labels || [])].map(label => label.textContent.trim()).join('')
  || node.closest('label')?.textContent.trim());
return [...document.querySelectorAll('button, input, select, textarea, canvas, [role=listbox], .hole img')]
  .filter(node => node.checkVisibility() && !named(node)).map(node => node.outerHTML.slice(0, 200));
"""

# Of the canvas: width, height, and how many pixels are marked.
_LAYER = """
const canvas = document.querySelector('#editor canvas');
const values = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
return [canvas.width, canvas.height, values.filter((value, index) => index % 4 === 3 && value > 127).length];
"""


@pytest.fixture
def photograph(tmp_path):
    gray, _ = damaged_scene(1, 120, 160)
    write_png(tmp_path / 'old.png', gray)
    return tmp_path / 'old.png'


def stroke(page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A stroke of the brush, in shares of width and height."""
    from selenium.webdriver import ActionChains

    canvas = page.browser.find_element('css selector', '#editor canvas')
    width, height = canvas.size['width'], canvas.size['height']
    x, y = round((start[0] - 0.5) * width), round((start[1] - 0.5) * height)
    moved = round((end[0] - start[0]) * width), round((end[1] - start[1]) * height)
    chain = ActionChains(page.browser, duration=50).move_to_element_with_offset(canvas, x, y)
    chain.click_and_hold().move_by_offset(*moved).release().perform()


def painted(page) -> np.ndarray:
    """What the canvas holds."""
    content = page.run('return window.huefillHole()').partition(',')[2]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))[..., 3] >= 128


def restored_by_infer(photograph, out, *arguments) -> bytes:
    assert infer.main([str(photograph), '--out', str(out), '--keep-metadata', *map(str, arguments)]) == 0
    return (out / photograph.name).read_bytes()


def set_strength(page, value: float) -> None:
    """Type a strength, and wait until it has been acted upon."""
    before = page.run("return document.querySelectorAll('#compare img')[1].src")
    page.run(
        "const input = document.querySelector('#strength input[type=range]');"
        f"input.value = {value}; input.dispatchEvent(new Event('input', {{bubbles: true}}));"
    )
    page.wait(f"document.querySelectorAll('#compare img')[1].src !== '{before}'")


def test_from_drop_to_download(page, photograph, tmp_path, files):
    page.drop(photograph)
    assert '% sure' in page.wait_for('Hole found')
    layer = page.run(_LAYER)
    assert layer == [160, 120, int(damaged_scene(1, 120, 160)[1].sum())]
    assert not any(path.read_bytes() == photograph.read_bytes() for path in files.rglob('*') if path.is_file())
    stroke(page, (0.1, 0.9), (0.5, 0.85))
    hole = painted(page)
    assert hole.sum() > layer[2] + 100
    (tmp_path / 'masks').mkdir()
    write_png(tmp_path / 'masks' / 'old.png', hole * np.uint8(255))
    page.click('#restore')
    assert '160 x 120' in page.wait_for('Restored')
    masks = ('--masks', tmp_path / 'masks')
    assert page.download() == restored_by_infer(photograph, tmp_path / 'out', *masks)
    set_strength(page, 0.5)
    assert page.download() == restored_by_infer(photograph, tmp_path / 'weak', *masks, '--strength', 0.5)
    page.click('#correct')
    assert 'will be filled' in page.wait_for('Your hole')
    page.click('#no-hole')
    page.wait_for('No hole')
    page.click('#find')
    page.wait_for('Hole found')


def test_the_gray_is_shown_and_the_slider_moves(page, photograph):
    from selenium.webdriver import ActionChains

    page.drop(photograph)
    page.wait_for('Hole found')
    page.click('#restore')
    page.wait_for('Restored')
    sources = page.wait(
        "(images => images.length > 1 && images)([...document.querySelectorAll('#compare img')].map(i => i.src))"
    )
    page.run("[...document.querySelectorAll('#view input')].find(input => input.value === 'Gray').click()")
    page.wait(f"document.querySelectorAll('#compare img')[1].src !== '{sources[1]}'")
    clip = "getComputedStyle(document.querySelectorAll('#compare img')[1]).clipPath"
    before, compare = page.run(f'return {clip}'), page.browser.find_element('id', 'compare')
    ActionChains(page.browser, duration=50).move_to_element(compare).click_and_hold().move_by_offset(
        -compare.size['width'] // 4, 0
    ).release().perform()
    page.wait(f"{clip} !== '{before}'")


def test_nothing_but_this_computer_is_asked(page, photograph):
    """Since the first visit of this browser: each step of the page, in all tests before, too."""
    page.drop(photograph)
    page.wait_for('Hole found')
    page.click('#restore')
    page.wait_for('Restored')
    events = [json.loads(entry['message'])['message'] for entry in page.browser.get_log('performance')]
    asked = [event['params']['request']['url'] for event in events if event['method'] == 'Network.requestWillBeSent']
    elsewhere = [url for url in asked if not url.startswith((page.address, 'data:', 'blob:', 'chrome:', 'about:'))]
    assert elsewhere == []
    assert sum(url.startswith(page.address) for url in asked) > 10
    assert [entry['message'] for entry in page.browser.get_log('browser') if entry['level'] == 'SEVERE'] == []


@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_fits_a_telephone_and_can_be_read(page, photograph, theme):
    def check() -> None:
        assert page.run('return document.documentElement.scrollWidth') <= 390
        assert page.run(CONTRASTS) == []
        assert page.run(_NAMELESS) == []

    show(page.browser, 390, theme)
    try:
        page.open()
        page.run("document.querySelector('#more button').click()")
        page.wait("document.querySelector('#tta').checkVisibility()")
        check()
        page.drop(photograph)
        page.wait_for('Hole found')
        check()
        page.click('#restore')
        page.wait_for('Restored')
        check()
    finally:
        show(page.browser)


def test_everything_can_be_reached_by_keyboard(page, photograph):
    from selenium.webdriver import ActionChains, Keys

    def reach(selector: str) -> None:
        for _ in range(40):
            if page.run(f"return document.activeElement?.matches('{selector}')"):
                return
            ActionChains(page.browser).send_keys(Keys.TAB).perform()
        raise AssertionError(f'{selector} is not reached')

    page.drop(photograph)
    page.wait_for('Hole found')
    reach('#editor canvas')
    keys = [*[Keys.ARROW_RIGHT] * 4, Keys.SPACE, 'e', *[Keys.ARROW_LEFT] * 4, Keys.SPACE]
    ActionChains(page.browser).send_keys(*keys).perform()
    assert painted(page).any()
    for selector in ('#restore', '#more button'):
        reach(selector)
    page.run("document.querySelector('#editor canvas').focus()")
    reach('#restore')
    ActionChains(page.browser).send_keys(Keys.ENTER).perform()
    page.wait_for('Restored')
    for selector in ('#download', '#strength input[type=range]', '#view input'):
        reach(selector)


def test_hostile_files_are_told_and_the_page_goes_on(page, photograph, tmp_path):
    (tmp_path / 'bomb.png').write_bytes(png_header(40000, 40000))
    (tmp_path / 'text.png').write_text('<script>alert(1)</script>')
    (tmp_path / 'cut.png').write_bytes(photograph.read_bytes()[:500])
    page.drop(tmp_path / 'bomb.png', tmp_path / 'text.png', tmp_path / 'cut.png')
    told = page.wait("document.querySelector('.problem')?.innerText")
    assert 'bomb.png: too large' in told
    assert 'text.png' in told
    assert 'cut.png' in told
    page.wait("document.querySelector('#drop input[type=file]')")
    page.drop(photograph)
    page.wait_for('Hole found')


def test_several_at_once_and_another_model(page_of_two, tmp_path):
    page, names = page_of_two, []
    for seed in (1, 2):
        write_png(tmp_path / f'{seed}.png', damaged_scene(seed, 96, 96)[0])
        names.append(tmp_path / f'{seed}.png')
    page.drop(*names)
    page.wait_for('Hole found')
    assert page.run("return document.querySelector('#restore').textContent.trim()") == 'Restore all 2'
    page.click('#restore')
    page.wait_for('Restored')
    assert page.download('#archive', '*.zip').count(b'IHDR') == 2
    page.click('#more button')
    page.wait("document.querySelector('#card')?.innerText.includes('ChromaClasses')")
    page.browser.find_element('css selector', '#model input').click()
    page.wait("document.querySelector('[role=option]')")
    page.run(
        "[...document.querySelectorAll('[role=option]')].find(option => option.innerText.includes('other.pth'))"
        ".dispatchEvent(new MouseEvent('mousedown', {bubbles: true}))"
    )
    page.wait("document.querySelector('#card')?.innerText.includes('TwoStage')")
    page.wait_for('Hole found')
    assert page.run("return document.querySelector('#restore').textContent.trim()") == 'Restore all 2'


def test_two_people_get_their_own(page, photograph, tmp_path):
    write_png(tmp_path / 'color.png', np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8))
    page.drop(photograph)
    page.wait_for('Hole found')
    first = page.browser.current_window_handle
    page.browser.switch_to.new_window('tab')
    try:
        page.open()
        page.drop(tmp_path / 'color.png')
        page.wait_for('No hole found')
        page.click('#restore')
        assert '60 x 60' in page.wait_for('Restored')
        page.browser.switch_to.window(first)
        page.click('#restore')
        assert '160 x 120' in page.wait_for('Restored')
    finally:
        for handle in page.browser.window_handles:
            if handle != first:
                page.browser.switch_to.window(handle)
                page.browser.close()
        page.browser.switch_to.window(first)


def test_cancel_goes_back(page, tmp_path):
    write_png(tmp_path / 'large.png', damaged_scene(3, 1200, 1600)[0])
    page.run("document.querySelector('#more button').click()")
    page.wait("document.querySelector('#tta').checkVisibility()")
    page.run("document.querySelectorAll('#tta input')[2].click()")
    page.drop(tmp_path / 'large.png')
    page.wait_for('Hole found')
    page.click('#restore')
    page.wait("document.querySelector('#cancel')?.checkVisibility()")
    time.sleep(0.2)
    page.click('#cancel')
    page.wait_for('Hole found')
    assert page.run("return document.querySelector('#restore').checkVisibility()")


def test_a_page_with_a_password_lets_in_who_knows_it_alone(page_with_password, photograph):
    page, name, word = page_with_password
    for tried in ('another word', word):
        page.browser.get(page.address)
        page.wait("document.querySelector('input[type=password]')")
        assert not page.run("return document.querySelector('#drop')")
        for field, text in zip(page.browser.find_elements('css selector', 'input'), (name, tried), strict=True):
            field.send_keys(text)
        page.browser.find_element('css selector', 'button').click()
        if tried != word:
            page.wait("document.body.innerText.includes('Incorrect')")
    page.wait("document.querySelector('#drop input[type=file]')")
    page.drop(photograph)
    page.wait_for('Hole found')
