"""The page, served in this process, and a browser to use it with."""

import os
import time
from pathlib import Path

import pytest

from tests.browser import open_browser
from tests.infer.support import save_random_model

_SECONDS = 60


@pytest.fixture(scope='session')
def address():
    """Where the page is served, with the shipped model."""
    pytest.importorskip('gradio', reason="needs gradio: pip install '.[web]'")
    from toolbox.web.server import WebRequest, serving

    with serving(WebRequest(port=0, device='cpu')) as url:
        yield url.rstrip('/')


@pytest.fixture
def page_of_two(address, _browser, tmp_path):
    """A visit of a page that has another model as well."""
    from toolbox.models import SHIPPED
    from toolbox.web.server import WebRequest, serving

    other = save_random_model(tmp_path / 'other.pth')
    driver, folder = _browser
    with serving(WebRequest([SHIPPED, other], port=0, device='cpu')) as url:
        page = Page(driver, url.rstrip('/'), folder)
        page.open()
        yield page
        driver.get('about:blank')


@pytest.fixture
def page_with_password(_browser):
    """A page that asks who one is, and the name and the word that it takes."""
    from toolbox.web.server import WebRequest, serving

    name, word = 'anna', 'a long word'
    driver, folder = _browser
    with serving(WebRequest(port=0, device='cpu', auth=(name, word))) as url:
        yield Page(driver, url.rstrip('/'), folder), name, word
        driver.get('about:blank')


@pytest.fixture
def files(address) -> Path:
    """Where uploads and what was made of them lie."""
    return Path(os.environ['GRADIO_TEMP_DIR'])


class Page:
    """The page in a browser, as a person uses it.

    Attributes:
        browser: selenium's driver.
        downloads: where the browser saves files.
    """

    def __init__(self, browser, address: str, folder: Path) -> None:
        self.browser, self.address, self.downloads = browser, address, folder / 'downloads'

    def open(self) -> None:
        self.browser.get(self.address)
        self.wait("document.querySelector('#drop input[type=file]')")

    def run(self, script: str):
        return self.browser.execute_script(script)

    def wait(self, condition: str, seconds: float = _SECONDS):
        """Until a JavaScript expression is true; its value."""
        end = time.monotonic() + seconds
        while not (value := self.run(f'return {condition}')):
            assert time.monotonic() < end, f'{condition}: {self.run("return document.body.innerText")}'
            time.sleep(0.05)
        return value

    def click(self, selector: str) -> None:
        self.wait(f"document.querySelector('{selector}')?.checkVisibility()")
        self.run(f"document.querySelector('{selector}').click()")

    def drop(self, *paths: Path) -> None:
        self.browser.find_element('css selector', '#drop input[type=file]').send_keys('\n'.join(map(str, paths)))

    def wait_for(self, title: str) -> str:
        """Until the page is at a step; its words."""
        told = "document.querySelector('#status h2')"
        self.wait(f"{told}?.checkVisibility() && {told}.textContent.startsWith('{title}')")
        if title not in ('Restored', 'Restoring'):
            self.wait("document.querySelector('#editor canvas')?.dataset.ready")
        return self.run("return document.querySelector('#status').innerText")

    def download(self, selector: str = '#download', name: str = '*.png') -> bytes:
        before = set(self.downloads.glob(name)) if self.downloads.is_dir() else set()
        self.browser.find_element('css selector', selector).click()  # a person's: scripts may save one file alone
        end = time.monotonic() + _SECONDS
        while not (new := set(self.downloads.glob(name)) - before):
            assert time.monotonic() < end, 'nothing was downloaded'
            time.sleep(0.05)
        return new.pop().read_bytes()


@pytest.fixture(scope='module')
def _browser(address, tmp_path_factory):
    folder = tmp_path_factory.mktemp('browser')
    driver = open_browser(folder)
    yield driver, folder
    driver.quit()


@pytest.fixture
def page(_browser, address):
    """A new visit."""
    driver, folder = _browser
    page = Page(driver, address, folder)
    page.open()
    return page
