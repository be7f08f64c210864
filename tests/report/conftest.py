"""A browser to look at reports with, and what every page has to hold in it."""

import re
import shutil
from pathlib import Path

import pytest

WIDTHS, THEMES = (1280, 390), ('light', 'dark')
# WCAG 2.2, success criterion 1.4.3, of text against what is behind it. Pictures and what is disabled are no text.
_CONTRASTS = """
const parse = color => { const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => [r, g, b].map(c => linear(c / 255))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const behind = node => {
  for (; node; node = node.parentElement) {
    const color = parse(getComputedStyle(node).backgroundColor);
    if (color[3] === 1) return color;
  }
  return [255, 255, 255];
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const poor = new Set();
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !node.checkVisibility() || node.closest('script, :disabled')) continue;
  const style = getComputedStyle(node);
  const color = parse(node.closest('svg') ? style.fill : style.color);
  const [a, b] = [light(color), light(behind(node))].sort((x, y) => y - x);
  if ((a + 0.05) / (b + 0.05) < 4.5) poor.add(`${walker.currentNode.textContent.trim()}: ${(a + 0.05) / (b + 0.05)}`);
}
return [...poor];
"""


def show(browser, width: int = 1280, theme: str = 'light') -> None:
    """Look at a page in a window of a width, 390 px being that of a telephone, and in a theme."""
    metrics = {'width': width, 'height': 900, 'deviceScaleFactor': 1, 'mobile': width < 500}
    browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', metrics)
    feature = {'name': 'prefers-color-scheme', 'value': theme}
    browser.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': [feature]})


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
            assert browser.execute_script(_CONTRASTS) == []
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
    webdriver = pytest.importorskip('selenium.webdriver', reason='needs selenium')
    chromium, chromedriver = shutil.which('chromium'), shutil.which('chromedriver')
    if not chromium or not chromedriver:
        pytest.skip('needs chromium and chromedriver')
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    switches = 'headless no-sandbox disable-gpu no-first-run disable-background-networking disable-component-update'
    for switch in (*switches.split(), 'disable-sync', f'user-data-dir={tmp_path / "browser"}', 'window-size=1200,1600'):
        options.add_argument(f'--{switch}')
    options.add_experimental_option('prefs', {'download.default_directory': str(tmp_path / 'downloads')})
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    driver = webdriver.Chrome(options, webdriver.ChromeService(chromedriver))
    driver.execute_cdp_cmd('Network.enable', {})
    no_network = {'offline': True, 'latency': 0, 'downloadThroughput': 0, 'uploadThroughput': 0}
    driver.execute_cdp_cmd('Network.emulateNetworkConditions', no_network)
    yield driver
    driver.quit()
