"""Headless Chromium for the pages: reports, and the page of `huefill web`."""

import shutil
from pathlib import Path

import pytest

# WCAG 2.2, success criterion 1.4.3, of text against what is behind it. Pictures and what is disabled are no text.
CONTRASTS = """
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


def open_browser(folder: Path):
    """Chromium that saves downloads in `folder / 'downloads'`; the test is skipped where it is missing."""
    webdriver = pytest.importorskip('selenium.webdriver', reason='needs selenium')
    chromium, chromedriver = shutil.which('chromium'), shutil.which('chromedriver')
    if not chromium or not chromedriver:
        pytest.skip('needs chromium and chromedriver')
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    switches = 'headless no-sandbox disable-gpu no-first-run disable-background-networking disable-component-update'
    for switch in (*switches.split(), 'disable-sync', f'user-data-dir={folder / "browser"}', 'window-size=1200,1600'):
        options.add_argument(f'--{switch}')
    options.add_experimental_option('prefs', {'download.default_directory': str(folder / 'downloads')})
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
    driver = webdriver.Chrome(options, webdriver.ChromeService(chromedriver))
    driver.execute_cdp_cmd('Network.enable', {})
    return driver
