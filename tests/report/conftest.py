"""A browser to look at reports with."""

import shutil

import pytest


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
