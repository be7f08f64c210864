"""A browser to look at reports with, and what every page has to hold in it."""

import re
from pathlib import Path

import pytest

from tests.browser import CONTRASTS, open_browser, show

WIDTHS, THEMES = (1280, 390), ('light', 'dark')


def check_opened(browser, file: Path) -> None:
    """No error, nothing fetched, nothing to scroll sideways, no poor contrast, text of one size in all drawings."""
    browser.get(file.as_uri())
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in loaded if not name.startswith(('data:', 'blob:'))] == []
    assert all(browser.execute_script('return [...document.images].map(image => image.naturalWidth)'))
    for width in WIDTHS:
        for theme in THEMES:
            show(browser, width, theme)
            assert browser.execute_script('return document.documentElement.scrollWidth') <= width
            wide = "return [...document.querySelectorAll('.scroll')].map(box => [box.scrollWidth, box.clientWidth])"
            assert all(content <= room for content, room in browser.execute_script(wide) if width < 500)
            assert browser.execute_script(CONTRASTS) == []
            sizes = (
                "return [...document.querySelectorAll('svg text')].filter(text => text.checkVisibility())"
                '.map(text => getComputedStyle(text).fontSize + text.getScreenCTM().a)'
            )
            assert set(browser.execute_script(sizes)) <= {'12px1'}
    drawings = browser.execute_script("return [...document.querySelectorAll('svg')].map(svg => svg.outerHTML)")
    assert not any(re.search(r'="[^"]*\b(nan|inf)\b', drawing) for drawing in drawings)
    assert browser.get_log('browser') == []
    show(browser)


@pytest.fixture
def browser(tmp_path):
    """Headless Chromium that can reach no network, and saves downloads in `tmp_path / 'downloads'`."""
    driver = open_browser(tmp_path)
    no_network = {'offline': True, 'latency': 0, 'downloadThroughput': 0, 'uploadThroughput': 0}
    driver.execute_cdp_cmd('Network.emulateNetworkConditions', no_network)
    yield driver
    driver.quit()
